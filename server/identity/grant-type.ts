// The seam of `POST /oauth/token`: each grant type is a value of this form, in a file of its own, listed where the identity
// part is put together.
import type { Presented } from '../../core/services.ts';
import type { Secret } from '../secret.ts';
import type { OAuthForm } from './oauth-form.ts';
import type { OpenedSession } from './sessions.ts';

export interface TokenCall {
  readonly form: OAuthForm;
  /** What the request presents besides the form; its address is that of the client. */
  readonly presented: Presented;
  /** Base URL under which the client reaches the guard. */
  readonly guardUrl: string;
}

/** A session, and what renews it where it can be renewed. */
export interface GrantedSession extends OpenedSession {
  /** To be shown once. */
  readonly refreshToken?: Secret;
}

export interface GrantType {
  /** Value of `grant_type`. */
  readonly name: string;
  /** Further members of the server's metadata (RFC 8414): paths below the guard's URL by name. */
  readonly endpoints?: Readonly<Record<string, string>>;
  /**
   * Opens the session by a `SessionOffice`, which records it before the answer. Rejects with an `OAuthError`; a refusal of
   * an identity is answered as `invalid_request`.
   */
  issue(call: TokenCall): Promise<GrantedSession>;
}
