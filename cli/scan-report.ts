// How `forgeguard scan` tells its findings: lines for people, one JSON object, or SARIF 2.1.0 for code-scanning tools.
import process from 'node:process';
import { plural } from '../core/duration.ts';
import { catalog, type CatalogEntry } from '../scanners/catalog.ts';
import type { Finding, Severity } from '../scanners/finding.ts';
import { version } from '../server/version.ts';

/** What a scan of the command line came to. */
export interface ScanReport {
  readonly files: number;
  readonly bytes: number;
  readonly findings: readonly Finding[];
}

export const scanFormats = ['text', 'json', 'sarif'] as const;
export type ScanFormat = (typeof scanFormats)[number];

const writers: Readonly<Record<ScanFormat, (report: ScanReport) => string>> = {
  text: tellText,
  json: (report) => `${JSON.stringify({ version, ...report })}\n`,
  sarif: (report) => `${JSON.stringify(toSarif(report.findings), null, 2)}\n`,
};

/** Writes the report to standard output. */
export function writeReport(format: ScanFormat, report: ScanReport): void {
  process.stdout.write(writers[format](report));
}

function tellText({ files, bytes, findings }: ScanReport): string {
  const lines = findings.map(
    (finding) =>
      `${printable(finding.path)}:${finding.line}:${finding.column}: ${finding.severity} ${finding.rule} ` +
      `(${Math.round(finding.confidence * 100)} % sure)${finding.masked === '' ? '' : ` ${printable(finding.masked)}`}\n` +
      `    ${finding.message}\n`,
  );
  const total = `${plural(findings.length, 'finding')} in ${plural(files, 'file')}, ${bytes} bytes\n`;
  return lines.join('') + total;
}

/** Names of files may hold control characters that a terminal would obey. */
function printable(text: string): string {
  return text.replaceAll(/[\0-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g, '\ufffd');
}

const levels: Readonly<Record<Severity, 'note' | 'warning' | 'error'>> = {
  low: 'note',
  medium: 'warning',
  high: 'error',
  critical: 'error',
};

/** Scores that GitHub sorts security findings by. */
const scores: Readonly<Record<Severity, string>> = {
  low: '2.0',
  medium: '5.0',
  high: '8.0',
  critical: '9.5',
};

/** A SARIF 2.1.0 log (OASIS sarif-v2.1.0) with one run. */
export function toSarif(findings: readonly Finding[]): object {
  const used = [...new Set(findings.map((finding) => finding.rule))];
  const entries: Readonly<Record<string, CatalogEntry>> = catalog;
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'Forgeguard',
            version,
            rules: used.map((id) => ({
              id,
              shortDescription: { text: entries[id]?.message ?? id },
              properties: {
                tags: ['security', entries[id]?.category ?? 'policy'],
                'security-severity': scores[entries[id]?.severity ?? 'medium'],
              },
            })),
          },
        },
        columnKind: 'utf16CodeUnits',
        results: findings.map((finding) => ({
          ruleId: finding.rule,
          ruleIndex: used.indexOf(finding.rule),
          level: levels[finding.severity],
          message: { text: finding.message },
          partialFingerprints: { 'forgeguard/v1': finding.fingerprint },
          rank: Math.round(finding.confidence * 100),
          locations: [
            {
              physicalLocation: {
                artifactLocation: { uri: toUri(finding.path) },
                region: {
                  startLine: finding.line,
                  startColumn: finding.column,
                  endLine: finding.endLine,
                  endColumn: finding.endColumn,
                },
              },
            },
          ],
        })),
      },
    ],
  };
}

function toUri(path: string): string {
  const encoded = path.split('/').map(encodeURIComponent).join('/');
  return path.startsWith('/') ? `file://${encoded}` : encoded;
}
