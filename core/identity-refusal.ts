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
  | 'offboarded';

/** The cause of an `identity/missing` or `identity/invalid`; holds nothing of what was presented. */
export class IdentityRefusal extends Error {
  readonly reason: RefusalReason;
  /** Id of the token where it is one of ours. */
  readonly token: string | undefined;

  constructor(reason: RefusalReason, token?: string) {
    super(`identity refused: ${reason}`);
    this.name = 'IdentityRefusal';
    this.reason = reason;
    this.token = token;
  }
}

/** The error for a request whose identity is refused. */
export function refuseIdentity(reason: RefusalReason, token?: string): GuardError {
  const cause = new IdentityRefusal(reason, token);
  return reason === 'missing'
    ? new GuardError('identity/missing', 'this guard needs to know who you are', { cause })
    : new GuardError('identity/invalid', 'the token was not accepted', { cause });
}

/** Why the identity was refused, for the audit log; undefined where the error is about something else. */
export function refusalOf(error: unknown): IdentityRefusal | undefined {
  return error instanceof GuardError && error.cause instanceof IdentityRefusal ? error.cause : undefined;
}
