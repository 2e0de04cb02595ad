// How `forgeguard scan` tells its findings: lines for people, one JSON object, or SARIF for code-scanning tools.
import process from 'node:process';
import { plural } from '../core/duration.ts';
import { toSarif } from '../core/sarif.ts';
import { version } from '../server/version.ts';
import { printable } from './printable.ts';
import type { ScanReport } from '../workcopy/scan-run.ts';

export const scanFormats = ['text', 'json', 'sarif'] as const;
export type ScanFormat = (typeof scanFormats)[number];

const writers: Readonly<Record<ScanFormat, (report: ScanReport) => string>> = {
  text: tellText,
  json: tellJson,
  sarif: ({ findings, problems }) => `${JSON.stringify(toSarif(findings, problems, version), null, 2)}\n`,
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

/** One object; `problems` stands in it only where there are some. */
function tellJson({ files, bytes, findings, problems }: ScanReport): string {
  const told = problems.map(({ path, reason }) => ({ path, reason }));
  return `${JSON.stringify({ version, files, bytes, findings, ...(told.length > 0 ? { problems: told } : {}) })}\n`;
}
