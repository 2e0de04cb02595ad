// Names of refs as they are kept, and as they may be shown. A name is attacker-controlled and may hold a value.
import { createHash } from 'node:crypto';
import type { ScanService } from '../../core/services.ts';
import { oneLine } from '../markdown.ts';

/** What a ref is remembered by: SHA-256 of its full name, hex. */
export function refKey(ref: string): string {
  return createHash('sha256').update(ref).digest('hex');
}

export interface ShownRef {
  readonly text: string;
  readonly findings: number;
}

const atOnce = 10_000;

/** Names for people, in their order; where a value is in one, only the masked value. Rejects with `scan/failed`. */
export async function shownRefs(
  scanner: Pick<ScanService, 'scan'>,
  names: readonly string[],
  signal: AbortSignal,
): Promise<readonly ShownRef[]> {
  const shown: ShownRef[] = [];
  for (let from = 0; from < names.length; from += atOnce) {
    const part = names.slice(from, from + atOnce);
    const bytes = new TextEncoder().encode(part.join('\n'));
    const { findings } = await scanner.scan({ kind: 'names', path: 'ref' }, bytes, signal);
    const byLine = Map.groupBy(findings, ({ line }) => line);
    for (const [index, name] of part.entries()) {
      const found = byLine.get(index + 1) ?? [];
      const family = /^refs\/(?:heads|tags)\//.exec(name)?.[0] ?? '';
      const text = found[0] === undefined ? oneLine(name, 300) : `${family}${found[0].masked}`;
      shown.push({ text, findings: found.length });
    }
  }
  return shown;
}
