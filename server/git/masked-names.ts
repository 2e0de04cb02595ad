// Names (of paths and refs) are scanned like everything else, and a name that holds a value must not be shown or
// stored either: this keeps for each such name the form that may be.
import type { ScanService } from '../../core/services.ts';
import type { Finding } from '../../scanners/finding.ts';

export interface NameFinding {
  /** Index into the list of names that was scanned. */
  readonly name: number;
  readonly finding: Finding;
}

export interface ScannedNames {
  readonly findings: readonly NameFinding[];
  /** The name as it may be shown and stored. */
  readonly shown: (name: string) => string;
}

const batchBytes = 512 * 1024;

/** Scans names, one a line, and returns what was found and how each name may be shown. */
export async function scanNames(
  names: readonly string[],
  scanner: ScanService,
  signal: AbortSignal,
): Promise<ScannedNames> {
  const findings: NameFinding[] = [];
  const masked = new Map<string, string>();
  for (let start = 0; start < names.length;) {
    const lines: string[] = [];
    for (
      let size = 0;
      start + lines.length < names.length && size < batchBytes;
      size += lines.at(-1)?.length ?? 0
    ) {
      lines.push((names[start + lines.length] ?? '').replaceAll(/[\r\n]/g, ' '));
    }
    const bytes = new TextEncoder().encode(lines.join('\n'));
    const result = await scanner.scan({ kind: 'names', path: 'names' }, bytes, signal);
    for (const finding of result.findings) findings.push({ name: start + finding.line - 1, finding });
    start += lines.length;
  }
  for (const [name, group] of Map.groupBy(findings, (found) => found.name)) {
    masked.set(
      names[name] ?? '',
      maskName(
        names[name] ?? '',
        group.map((found) => found.finding),
      ),
    );
  }
  return { findings, shown: (name) => masked.get(name) ?? name };
}

// Columns count UTF-16 units from 1, as string indexes do from 0.
function maskName(name: string, findings: readonly Finding[]): string {
  let result = name;
  for (const finding of findings.toSorted((left, right) => right.column - left.column)) {
    result =
      result.slice(0, finding.column - 1) +
      '***' +
      result.slice(Math.max(finding.endColumn, finding.column) - 1);
  }
  return result;
}
