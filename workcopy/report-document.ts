// A report as one document: JSON for programs, SARIF for code-scanning tools.
import { toSarif } from '../core/sarif.ts';
import { version } from '../server/version.ts';
import type { ScanReport } from './scan-run.ts';

/** One object on one line; `problems` stands in it only where there are some. */
export function reportAsJson({ files, bytes, findings, problems }: ScanReport): string {
  const told = problems.map(({ path, reason }) => ({ path, reason }));
  return `${JSON.stringify({ version, files, bytes, findings, ...(told.length > 0 ? { problems: told } : {}) })}\n`;
}

/** SARIF 2.1.0, indented. */
export function reportAsSarif({ findings, problems }: ScanReport): string {
  return `${JSON.stringify(toSarif(findings, problems, version), null, 2)}\n`;
}
