// What is found in a change between two commits: what it introduces, and apart from that what was there before. Paths
// are masked where they hold a value.
import type { Finding } from '../scanners/finding.ts';
import type { Oid } from './oid.ts';
import type { OperationSize, PathChange, SignatureState } from './operation.ts';
import type { Principal } from './principal.ts';

export interface ChangeRange {
  /** `<forge>/<owner>/…/<repo>` without `.git`, in the forge's spelling. */
  readonly repository: string;
  /** Where the change is to go; null where there is nothing yet, so that everything is new. */
  readonly base: Oid | null;
  readonly head: Oid;
  /** Named in the path changes. */
  readonly ref: string;
  /** Undefined where nobody is compared with those who made the commits. */
  readonly authors: AuthorsQuestion | undefined;
}

/** Whose change it is: its commits are to bear the names and keys of nobody else. */
export interface AuthorsQuestion {
  readonly actor: Principal;
  /** Whether the states of signatures are asked for. */
  readonly asksSignatures: (size: OperationSize) => boolean;
}

export type ChangePlace = 'file' | 'path name' | 'commit message' | 'author line';

export interface ChangeFinding {
  readonly finding: Finding;
  readonly place: ChangePlace;
  /** The commit whose message or author line it stands in, or that brought what later ones took away. */
  readonly commit: Oid | undefined;
}

export interface ChangeScan {
  /** What the change is compared with: where `head` left `base`; undefined for histories without a common commit. */
  readonly mergeBase: Oid | undefined;
  readonly introduced: readonly ChangeFinding[];
  /** What a commit of the change brought and a later one took away: it is in the history, and not in the result. */
  readonly earlier: readonly ChangeFinding[];
  /** In files that the change touches. */
  readonly before: readonly ChangeFinding[];
  /** Addresses of those whom its commits name and who may not be named; empty where nobody is compared. */
  readonly foreignAuthors: readonly string[];
  /** Every state that the signature of one of its commits has; undefined where none was looked at. */
  readonly signatures: readonly SignatureState[] | undefined;
  readonly paths: readonly PathChange[];
  readonly size: OperationSize;
  /** SHA-256 over everything that differs, hex: the same for the same change. */
  readonly digest: string;
  /** A path as it may be shown. */
  readonly shown: (path: string) => string;
}
