// Prints results as a table for people, and as JSON for comparisons of one version with another.
import { availableParallelism, cpus, totalmem } from 'node:os';
import { ratioOf, type Row, type Sample } from './measure.ts';

export interface CaseResult {
  readonly name: string;
  readonly title: string;
  readonly rows: readonly Row[];
  readonly seconds: number;
  /** Why there are no rows. */
  readonly failure?: string;
}

/** What a figure depends on besides the code. */
export function describeMachine(gitVersion: string): Readonly<Record<string, string | number>> {
  return {
    node: process.version,
    git: gitVersion.replace(/^git version /, '').trim(),
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGB: Math.round(totalmem() / 2 ** 30),
    date: new Date().toISOString(),
  };
}

/** The results as lines of text, one a measure. */
export function formatTable(results: readonly CaseResult[]): string {
  const head = ['case', 'measure', 'compared with', 'theirs', 'ours', 'ratio', 'n', ''];
  const lines = results.flatMap((result) =>
    result.failure === undefined
      ? result.rows.map((row) => lineOf(result.name, row))
      : [
          [
            result.name,
            `FAILED: ${result.failure.replaceAll(/\s+/g, ' ').slice(0, 160)}`,
            '',
            '',
            '',
            '',
            '',
            '',
          ],
        ],
  );
  const widths = head.map((title, column) =>
    Math.max(
      title.length,
      ...lines.map((line) => (line[1]?.startsWith('FAILED') ? 0 : (line[column] ?? '').length)),
    ),
  );
  const format = (line: readonly string[]): string =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [head, widths.map((width) => '-'.repeat(width)), ...lines].map(format).join('\n');
}

function lineOf(name: string, row: Row): readonly string[] {
  const ratio = ratioOf(row);
  return [
    name,
    row.measure,
    row.base ? row.baseName : '',
    row.base ? formatSample(row.base, row.unit) : '',
    formatSample(row.ours, row.unit),
    ratio === null ? '' : ratio.toFixed(2),
    String(row.ours.values.length),
    row.note ?? '',
  ];
}

function formatSample({ median, low, high, values }: Sample, unit: string): string {
  const spread = values.length > 1 ? ` (${round(low)}-${round(high)})` : '';
  return `${round(median)} ${unit}${spread}`;
}

function round(value: number): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3;
  return value.toFixed(digits);
}
