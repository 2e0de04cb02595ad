// A push around the guard, and what its scan has come to.
import type { ErrorCode } from '../../core/errors.ts';
import type { Principal } from '../../core/principal.ts';
import type { ToldPush } from '../work.ts';
import type { ScannedPush } from './scan-push.ts';

export interface Bypass {
  /** A `BypassKind`. */
  readonly how: string;
  readonly push: ToldPush;
  readonly repository: string;
  readonly request: string;
  /** Null where GitHub does not say who it was. */
  readonly actor: Principal | null;
  readonly pull: number | null;
}

/** What the scan has come to: nothing where the ref leads to no commit, or why it could not be done. */
export type ScanOutcome =
  | { readonly kind: 'scanned'; readonly scanned: ScannedPush }
  | { readonly kind: 'failed'; readonly code: ErrorCode };
