// The seam of identity: each way to prove who sends a request is a prover in a file of its own, and part.ts lists them
// in the order in which they are asked.
import type { Grant } from '../../core/principal.ts';
import type { Presented } from '../../core/services.ts';

export interface Credential {
  readonly presented: Presented;
  /** The token of the `Authorization` header; undefined where there is no such header. */
  readonly token: string | undefined;
}

export interface Prover extends Partial<AsyncDisposable> {
  /**
   * Undefined where nothing of this prover's form is presented: the next prover is asked then. What has its form is
   * proved, or the promise rejects with `refuseIdentity(…)`; no other prover is asked. It must not guess: a prover that
   * takes what another one would have to judge weakens both.
   */
  prove(credential: Credential): Promise<Grant | undefined>;
  /** Work off the path of requests; called every few seconds and before the end. What fails is tried again. */
  upkeep?(): Promise<void>;
}
