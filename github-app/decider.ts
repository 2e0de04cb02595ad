// Somebody who decides about a change, and the change as far as the right to decide depends on it.
import type { GithubUser } from './pulls/pull.ts';

export interface Decider {
  readonly user: GithubUser;
  /** Unique to what it did, such as a press of a button. */
  readonly session: string;
  /** Groups of the policy that it may be asked for. */
  readonly groups: readonly string[];
  readonly repository: string;
  readonly baseRef: string;
  readonly paths: readonly string[];
  readonly signal: AbortSignal;
}
