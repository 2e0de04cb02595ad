// The seam of identity: each way to prove who sends a request is a prover in a file of its own, and part.ts lists them
// in the order in which they are asked.
import type { Json } from '../../core/audit-event.ts';
import type { Grant } from '../../core/principal.ts';
import type { Presented } from '../../core/services.ts';

export interface Credential {
  readonly presented: Presented;
  /** The token of the `Authorization` header; undefined where there is no such header. */
  readonly token: string | undefined;
}

/** What a session is made of when somebody exchanges a token. */
export interface Exchangeable {
  readonly grant: Grant;
  /** When what it rests on was issued: whoever is revoked after that has no session from it. */
  readonly since: Date;
  /** Ids of the tokens and sessions that it rests on; a session ends with each of them. */
  readonly parents: readonly string[];
  /** More for the audit log. */
  readonly facts: Readonly<Record<string, Json>>;
  /** What `may_act` of the token says of who may act with it (RFC 8693 §4.4); absent: anybody that the guard trusts. */
  readonly mayAct?: { readonly subject: string; readonly issuer: string };
  /**
   * Claims the token for one session; rejects with a refusal where it was claimed before and is good for one only. The
   * function that is returned gives it back, for when nothing came of it.
   */
  spend(at: Date): Promise<(() => Promise<void>) | undefined>;
}

export interface Prover extends Partial<AsyncDisposable> {
  /**
   * Undefined where nothing of this prover's form is presented: the next prover is asked then. What has its form is
   * proved, or the promise rejects with `refuseIdentity(…)`; no other prover is asked. It must not guess: a prover that
   * takes what another one would have to judge weakens both.
   */
  prove(credential: Credential): Promise<Grant | undefined>;
  /** The same for a token that is to be exchanged for a session; provers of what is no token leave it out. */
  exchange?(token: string): Promise<Exchangeable | undefined>;
  /** Revokes a token in the name of whoever holds it; false where it is not of this prover's form. */
  revoke?(token: string): Promise<boolean>;
  /** Work off the path of requests; called every few seconds and before the end. What fails is tried again. */
  upkeep?(): Promise<void>;
}
