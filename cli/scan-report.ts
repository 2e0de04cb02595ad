// How `forgeguard scan` tells its findings: lines for people, one JSON object, or SARIF for code-scanning tools.
import process from 'node:process';
import { plural } from '../core/duration.ts';
import { reportAsJson, reportAsSarif } from '../workcopy/report-document.ts';
import { printable } from './printable.ts';
import type { ScanReport } from '../workcopy/scan-run.ts';

export const scanFormats = ['text', 'json', 'sarif'] as const;
export type ScanFormat = (typeof scanFormats)[number];

const writers: Readonly<Record<ScanFormat, (report: ScanReport) => string>> = {
  text: tellText,
  json: reportAsJson,
  sarif: reportAsSarif,
};

/** Writes the report to standard output, and what could not be scanned to standard error as well. */
export function writeReport(format: ScanFormat, report: ScanReport): void {
  process.stdout.write(writers[format](report));
  for (const { path, reason } of report.problems)
    process.stderr.write(`forgeguard: couldn't scan ${printable(path)} (${printable(reason)})\n`);
}

function tellText({ files, bytes, findings }: ScanReport): string {
  const lines = findings.map(
    (finding) =>
      `${printable(finding.path)}:${finding.line}:${finding.column}: ${finding.severity} ${finding.rule} ` +
      `(${Math.round(finding.confidence * 100)} % sure)${finding.masked === '' ? '' : ` ${printable(finding.masked)}`}\n` +
      `    ${finding.message}\n`,
  );
  const total = `${plural(findings.length, 'finding')} in ${plural(files, 'file')}, ${plural(bytes, 'byte')}\n`;
  return lines.join('') + total;
}
