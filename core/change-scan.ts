// What is found in a change between two commits: what it introduces, and apart from that what was there before. Paths
// are masked where they hold a value.
import type { Finding } from '../scanners/finding.ts';
import type { Oid } from './oid.ts';
import type { OperationSize, PathChange } from './operation.ts';

export interface ChangeRange {
  /** `<forge>/<owner>/…/<repo>` without `.git`, in the forge's spelling. */
  readonly repository: string;
  /** Where the change is to go. */
  readonly base: Oid;
  readonly head: Oid;
  /** Named in the path changes. */
  readonly ref: string;
}

export type ChangePlace = 'file' | 'path name' | 'commit message' | 'author line';

export interface ChangeFinding {
  readonly finding: Finding;
  readonly place: ChangePlace;
  /** The commit whose message or author line it stands in. */
  readonly commit: Oid | undefined;
}

export interface ChangeScan {
  /** What the change is compared with: where `head` left `base`; undefined for histories without a common commit. */
  readonly mergeBase: Oid | undefined;
  readonly introduced: readonly ChangeFinding[];
  /** In files that the change touches. */
  readonly before: readonly ChangeFinding[];
  readonly paths: readonly PathChange[];
  readonly size: OperationSize;
  /** SHA-256 over everything that differs, hex: the same for the same change. */
  readonly digest: string;
  /** A path as it may be shown. */
  readonly shown: (path: string) => string;
}
