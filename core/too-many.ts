// The error of those who must wait, with the time after which to come back.
import { type ErrorCode, GuardError } from './errors.ts';

/** Answered with 429 and `Retry-After`. */
export class TooManyError extends GuardError {
  /** At least 1. */
  readonly retryAfterSeconds: number;

  constructor(
    code: Extract<ErrorCode, 'request/too-many' | 'identity/locked-out'>,
    message: string,
    waitMs: number,
  ) {
    const seconds = Math.max(1, Math.ceil(waitMs / 1_000));
    super(code, `${message}; try again in ${seconds} seconds`);
    this.name = 'TooManyError';
    this.retryAfterSeconds = seconds;
  }
}

/** The headers that go with an error. */
export function errorHeaders(error: GuardError): Readonly<Record<string, string>> {
  return error instanceof TooManyError ? { 'retry-after': String(error.retryAfterSeconds) } : {};
}
