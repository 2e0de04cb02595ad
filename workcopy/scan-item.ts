// What the sources of `forgeguard scan` yield: things to scan, and things that could not be read.
import type { Finding } from '../scanners/finding.ts';
import type { ScanTarget } from '../scanners/target.ts';

/** One thing to scan. `judge` leaves what the asked-for change is responsible for. */
export interface ScanItem {
  readonly kind: 'item';
  readonly target: ScanTarget;
  readonly read: () => AsyncIterable<Uint8Array>;
  readonly judge?: (findings: readonly Finding[]) => readonly Finding[];
  /** What stood there before: findings that are equal in it are not the change's. */
  readonly before?: readonly (() => AsyncIterable<Uint8Array>)[];
}

/** Something that could not be scanned. `reason` is an error code of the system or a few words of our own. */
export interface ScanProblem {
  readonly kind: 'problem';
  readonly path: string;
  readonly reason: string;
}

export interface ScanSource {
  readonly items: AsyncIterable<ScanItem | ScanProblem>;
  /** How many there are, where that is known before they are read. */
  readonly count?: number;
}

/** The code of a system error, else our own words; never the message, which may quote what was read. */
export function problemOf(path: string, error: unknown): ScanProblem {
  const code =
    error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unreadable';
  return { kind: 'problem', path, reason: code };
}

/** The bytes of something that is in memory already. */
export function once(bytes: Uint8Array): () => AsyncIterable<Uint8Array> {
  return async function* () {
    yield bytes;
  };
}
