// What an answer of the GitHub API to the guard's App means. Told by status and headers alone; neither the request, which
// holds a token, nor the text of the answer goes into the error.
import { GuardError } from '../core/errors.ts';

interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
}

/** `what` was asked for. */
export function githubFailure(thrown: unknown, what: string): GuardError {
  if (thrown instanceof GuardError) return thrown;
  const answered = answerIn(thrown);
  if (answered === undefined) return unanswered(thrown, what);
  const { status, headers } = answered;
  const said = `couldn't get ${what}: GitHub answered ${status}`;
  const wait = waitSeconds(headers);
  if (status === 429 || (status === 403 && wait !== undefined))
    return new GuardError(
      'upstream/rate-limited',
      `${said}${wait === undefined ? '' : `, and asks to wait ${wait} s`}`,
    );
  switch (status) {
    case 401:
      return new GuardError(
        'upstream/no-credential',
        `${said}: the App id or its private key is not accepted`,
      );
    case 403:
      return new GuardError('upstream/suspended', said);
    case 404:
    case 410:
      return new GuardError('upstream/not-installed', said);
    case 422:
      return new GuardError('upstream/permission', said);
    default:
      return new GuardError('upstream/no-credential', said);
  }
}

// Octokit's RequestError carries the request as well, with its Authorization: only these two members are looked at.
function answerIn(thrown: unknown): Answered | undefined {
  if (!(thrown instanceof Error) || !('status' in thrown) || typeof thrown.status !== 'number')
    return undefined;
  if (!('response' in thrown)) return undefined;
  const { response, status } = thrown;
  if (typeof response !== 'object' || response === null || !('headers' in response)) return undefined;
  const { headers } = response;
  return { status, headers: typeof headers === 'object' && headers !== null ? { ...headers } : {} };
}

function unanswered(thrown: unknown, what: string): GuardError {
  const causes = causesOf(thrown);
  const code = causes.flatMap((cause) => ('code' in cause ? [` (${String(cause.code)})`] : [])).at(-1) ?? '';
  const isLate = causes.some(({ name }) => name === 'TimeoutError');
  const why = isLate ? 'did not answer in time' : `could not be reached${code}`;
  return new GuardError('upstream/no-credential', `couldn't get ${what}: the GitHub API ${why}`);
}

/** An error and what caused it, outermost first. */
function causesOf(thrown: unknown): readonly Error[] {
  const found: Error[] = [];
  for (let next = thrown; next instanceof Error && found.length < 5; next = next.cause) found.push(next);
  return found;
}

const longestWait = 86_400;

/** Seconds until GitHub takes requests again: `retry-after`, or `x-ratelimit-reset` where nothing remains. */
function waitSeconds(headers: Readonly<Record<string, unknown>>): number | undefined {
  const after = Number(headers['retry-after'] ?? NaN);
  if (Number.isFinite(after)) return Math.min(Math.max(0, Math.round(after)), longestWait);
  if (String(headers['x-ratelimit-remaining']) !== '0') return undefined;
  const reset = Number(headers['x-ratelimit-reset'] ?? NaN);
  if (!Number.isFinite(reset)) return 60;
  return Math.min(Math.max(0, Math.ceil(reset - Date.now() / 1000)), longestWait);
}
