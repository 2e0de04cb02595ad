// Why an identity was refused. The client is told the same for every token that does not work; the audit log is told
// which it was, through the error's cause.
import { GuardError } from './errors.ts';

export type RefusalReason =
  | 'missing'
  | 'oversized'
  | 'malformed'
  | 'unknown-kind'
  | 'bad-checksum'
  | 'unknown'
  | 'expired'
  | 'revoked'
  | 'offboarded'
  | 'not-yet-valid'
  | 'too-old'
  | 'replayed'
  | 'unknown-issuer'
  | 'wrong-audience'
  | 'bad-algorithm'
  | 'bad-type'
  | 'bad-signature'
  | 'unknown-key'
  | 'keys-unavailable'
  | 'claims-inconsistent'
  | 'claim-missing'
  | 'delegated'
  | 'no-rule'
  | 'bad-certificate'
  | 'not-bound';

/** What else the audit log is told: names of the operator's and of the format, never values that were presented. */
export type RefusalFacts = Readonly<Record<string, string | number>>;

/** The cause of an `identity/missing` or `identity/invalid`; holds nothing of what was presented. */
export class IdentityRefusal extends Error {
  readonly reason: RefusalReason;
  /** Id of the token or session where it is known. */
  readonly token: string | undefined;
  readonly facts: RefusalFacts;

  constructor(reason: RefusalReason, token: string | undefined, facts: RefusalFacts) {
    super(`identity refused: ${reason}`);
    this.name = 'IdentityRefusal';
    this.reason = reason;
    this.token = token;
    this.facts = facts;
  }
}

/** The error for a request whose identity is refused. */
export function refuseIdentity(reason: RefusalReason, token?: string, facts: RefusalFacts = {}): GuardError {
  const cause = new IdentityRefusal(reason, token, facts);
  switch (reason) {
    case 'missing':
      return new GuardError('identity/missing', 'this guard needs to know who you are', { cause });
    case 'keys-unavailable':
      return new GuardError('identity/unavailable', "the keys of the token's issuer cannot be had now", {
        cause,
      });
    default:
      return new GuardError('identity/invalid', 'the token was not accepted', { cause });
  }
}

/** Why the identity was refused, for the audit log; undefined where the error is about something else. */
export function refusalOf(error: unknown): IdentityRefusal | undefined {
  return error instanceof GuardError && error.cause instanceof IdentityRefusal ? error.cause : undefined;
}
