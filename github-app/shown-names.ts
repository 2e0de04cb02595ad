// Names that came from outside as they may be recorded: one in which a value was found is left out as a whole.
import type { ScanService } from '../core/services.ts';
import type { Finding } from '../scanners/finding.ts';
import { oneLine } from './markdown.ts';

const hiddenName = '(a name that holds a value)';
const longestName = 400;

export interface ScannedNames {
  /** On one line each, in the same order. */
  readonly shown: readonly string[];
  readonly findings: readonly Finding[];
}

/** Scans names; `label` says what they are names of. Rejects with `scan/failed`. */
export async function scanNames(
  scanner: Pick<ScanService, 'scan'>,
  names: readonly string[],
  label: string,
  signal: AbortSignal,
): Promise<ScannedNames> {
  if (names.length === 0) return { shown: [], findings: [] };
  const plain = names.map((name) => oneLine(name, longestName));
  const bytes = Uint8Array.from(Buffer.from(plain.join('\n')));
  const { findings } = await scanner.scan({ kind: 'names', path: label }, bytes, signal);
  const telling = findings.filter(({ category }) => category !== 'policy');
  const hidden = new Set(telling.flatMap(({ line, endLine }) => [line, endLine]));
  return {
    shown: plain.map((name, index) => (hidden.has(index + 1) ? hiddenName : name)),
    findings: telling,
  };
}

/** One name. */
export async function shownName(
  scanner: Pick<ScanService, 'scan'>,
  name: string,
  signal: AbortSignal,
): Promise<string> {
  const { shown } = await scanNames(scanner, [name], 'names', signal);
  return shown[0] ?? hiddenName;
}
