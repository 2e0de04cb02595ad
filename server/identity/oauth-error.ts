// Errors of the OAuth endpoints as their standards name them (RFC 6749 §5.2, RFC 8628 §3.5, RFC 8693 §2.2.2, RFC 9396 §5).
// A description never quotes what was sent.

const statuses = {
  invalid_request: 400,
  invalid_grant: 400,
  invalid_scope: 400,
  invalid_target: 400,
  invalid_authorization_details: 400,
  unsupported_grant_type: 400,
  authorization_pending: 400,
  slow_down: 400,
  access_denied: 400,
  expired_token: 400,
  /** Of no standard: RFC 6585 §4 with `Retry-After`. */
  too_many_requests: 429,
  temporarily_unavailable: 503,
} as const;

export type OAuthErrorCode = keyof typeof statuses;

export class OAuthError extends Error {
  readonly code: OAuthErrorCode;

  /** `description`: plain ASCII without quotes, as RFC 6749 demands. */
  constructor(code: OAuthErrorCode, description: string, options?: { readonly cause?: unknown }) {
    super(description, options);
    this.name = 'OAuthError';
    this.code = code;
  }

  get status(): number {
    return statuses[this.code];
  }
}
