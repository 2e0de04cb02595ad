// What the sign-in asks of an identity provider, whichever protocol it speaks.
import type { ProvedAccount } from '../../core/person.ts';
import type { LoginProvider } from '../web-login-types.ts';

/** Random values of one sign-in. */
export interface Hop {
  /** Goes to the provider and comes back. */
  readonly state: string;
  /** Value of the cookie of the browser that began it; never leaves browser and guard. */
  readonly browser: string;
  readonly startedAt: Date;
}

/** What the provider sent back, through the browser: attacker-controlled. */
export interface Returned {
  /** The URL that the browser called, with its query. */
  readonly url: URL;
  /** The fields of a form; empty for a GET. */
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface Provider {
  readonly settings: LoginProvider;
  /** Where the browser is sent to. Rejects with `login/unavailable`. */
  begin(hop: Hop): Promise<URL>;
  /** Who it is. Rejects with `login/refused` or `login/unavailable`; the cause says why. */
  finish(hop: Hop, returned: Returned): Promise<ProvedAccount>;
}

/** Why a sign-in was refused, for the audit log: a word of the guard's own, never what was sent. */
export class LoginRefusal extends Error {
  readonly reason: string;

  constructor(reason: string, options?: { readonly cause?: unknown }) {
    super(`sign-in refused: ${reason}`, options);
    this.name = 'LoginRefusal';
    this.reason = reason;
  }
}
