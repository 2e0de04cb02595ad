// Speaks smart HTTP to one upstream forge. Holds the credential: it goes to the forge's own origin and nowhere else,
// and never into an error. Redirects are followed here, so that a client never leaves the guard.
import type { Readable } from 'node:stream';
import { Agent, type Dispatcher, errors } from 'undici';
import { GuardError } from '../../core/errors.ts';
import type { ForgeConfig } from '../config.ts';
import { createUpstreamCredential, type CredentialUse } from '../upstream-credential.ts';
import { type Repository, type Service } from './repository.ts';

export interface UpstreamRequest {
  readonly repository: Repository;
  readonly method: 'GET' | 'POST';
  readonly service: Service;
  /** `info/refs` or the service itself. */
  readonly target: 'info/refs' | Service;
  readonly headers?: Readonly<Record<string, string>>;
  /** Makes the body anew for each try, because a redirect asks for it again. */
  readonly body?: () => Readable | Uint8Array;
  /** True where a push changes workflow files, for which some forges want a permission of its own. */
  readonly workflows?: boolean;
  /** The client's own Authorization; used in credential mode `passthrough` only. */
  readonly authorization?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds without a byte from the upstream before the request fails with `upstream/timeout`. */
  readonly idleMs?: number;
}

export interface UpstreamResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Readable;
}

export interface Upstream {
  /** Sends one request. Rejects with an `upstream/…` error where no usable answer came. */
  send(request: UpstreamRequest): Promise<UpstreamResponse>;
  close(): Promise<void>;
}

const maxRedirects = 5;
const redirectMemoryMs = 10 * 60_000;
const maxRemembered = 10_000;
const redirectStatuses: readonly number[] = [301, 302, 303, 307, 308];

/** Opens keep-alive connections to one forge. `idleMs` is the default patience for a silent upstream. */
export function createUpstream(forge: ForgeConfig, idleMs: number, now: () => number): Upstream {
  const agent = new Agent({
    connect: { timeout: Math.min(idleMs, 15_000), ...(forge.ca === undefined ? {} : { ca: forge.ca }) },
    keepAliveTimeout: 20_000,
    connections: 128,
    pipelining: 1,
  });
  const credential = createUpstreamCredential(forge, now);
  const isPassedOn = forge.credential.mode === 'passthrough';
  const ownOrigin = new URL(forge.url).origin;
  const allowedOrigins = new Set([ownOrigin, ...forge.allowRedirectsTo.map((url) => new URL(url).origin)]);
  const moved = new Map<string, { readonly base: string; readonly until: number }>();

  function baseOf(repository: Repository): string {
    const known = moved.get(repository.path);
    return known !== undefined && known.until > now() ? known.base : `${forge.url}/${repository.path}.git`;
  }

  /** What is shown at this origin: nothing anywhere but at the forge's own. */
  async function authorizationFor(origin: string, request: UpstreamRequest): Promise<string | undefined> {
    if (origin !== ownOrigin) return undefined;
    return isPassedOn ? request.authorization : credential.header(useOf(request));
  }

  async function once(url: URL, request: UpstreamRequest): Promise<Dispatcher.ResponseData> {
    const authorization = await authorizationFor(url.origin, request);
    const response = await ask(url, request, authorization);
    if (response.statusCode !== 401 || authorization === undefined || isPassedOn) return response;
    // A token may have been revoked before its time, a secret changed: with another one it is asked once more.
    credential.refused(useOf(request));
    const another = await authorizationFor(url.origin, request);
    if (another === authorization) return response;
    await response.body.dump({ limit: 64 * 1024 }).catch(() => undefined);
    return ask(url, request, another);
  }

  async function ask(
    url: URL,
    request: UpstreamRequest,
    authorization: string | undefined,
  ): Promise<Dispatcher.ResponseData> {
    const patience = request.idleMs ?? idleMs;
    const body = request.body?.();
    try {
      const response = await agent.request({
        origin: url.origin,
        path: url.pathname + url.search,
        method: request.method,
        headers: {
          'user-agent': 'git/2.45.0 (forgeguard)',
          accept: '*/*',
          ...request.headers,
          ...(authorization === undefined ? {} : { authorization }),
        },
        body: body ?? null,
        signal: request.signal ?? null,
        headersTimeout: patience,
        bodyTimeout: patience,
      });
      // Whoever reads the body learns of its errors; a body that is thrown away must not end the process by them.
      response.body.on('error', () => undefined);
      return response;
    } catch (thrown) {
      throw upstreamFailure(thrown, request.signal);
    }
  }

  return {
    async send(request) {
      const suffix =
        request.target === 'info/refs' ? `/info/refs?service=${request.service}` : `/${request.target}`;
      let url = new URL(baseOf(request.repository) + suffix);
      for (let hop = 0; hop <= maxRedirects; hop += 1) {
        const response = await once(url, request);
        if (!redirectStatuses.includes(response.statusCode)) {
          // Only what led to an answer is worth going to directly.
          if (response.statusCode !== 200) moved.delete(request.repository.path);
          return { status: response.statusCode, headers: response.headers, body: response.body };
        }
        await response.body.dump({ limit: 64 * 1024 }).catch(() => undefined);
        url = redirectTarget(url, response.headers['location'], allowedOrigins);
        if (moved.size >= maxRemembered) moved.clear();
        const base = baseBefore(url, suffix);
        moved.set(request.repository.path, { base, until: now() + redirectMemoryMs });
      }
      throw new GuardError('upstream/invalid', `the upstream redirected more than ${maxRedirects} times`);
    },
    async close() {
      await Promise.all([agent.close(), credential[Symbol.asyncDispose]()]);
    },
  };
}

function useOf({ repository, service, workflows }: UpstreamRequest): CredentialUse {
  const access = service === 'git-receive-pack' ? 'write' : 'read';
  return { repository: repository.path, access, workflows: workflows === true };
}

function redirectTarget(
  from: URL,
  location: string | string[] | undefined,
  allowed: ReadonlySet<string>,
): URL {
  const text = typeof location === 'string' ? location : undefined;
  const target = text !== undefined && URL.canParse(text, from.href) ? new URL(text, from) : undefined;
  if (target === undefined)
    throw new GuardError('upstream/invalid', 'the upstream redirected without a valid Location');
  const upgrade =
    target.protocol === 'https:' && target.hostname === from.hostname && from.protocol === 'http:';
  if (!allowed.has(target.origin) && !upgrade) {
    throw new GuardError(
      'upstream/refused',
      `the upstream redirects to ${target.origin}, which the forge's allowRedirectsTo does not name`,
    );
  }
  return target;
}

function baseBefore(url: URL, suffix: string): string {
  const whole = url.origin + url.pathname + url.search;
  if (!whole.endsWith(suffix)) {
    throw new GuardError(
      'upstream/invalid',
      'the upstream redirects to a place that is not a Git repository',
    );
  }
  return whole.slice(0, -suffix.length);
}

/** Names what went wrong between guard and upstream. Says nothing of headers or credentials. */
export function upstreamFailure(thrown: unknown, signal: AbortSignal | undefined): GuardError {
  if (thrown instanceof GuardError) return thrown;
  if (signal?.aborted === true)
    return new GuardError('request/cancelled', 'the request was stopped', { cause: thrown });
  if (thrown instanceof errors.HeadersTimeoutError || thrown instanceof errors.BodyTimeoutError) {
    return new GuardError('upstream/timeout', 'the upstream forge did not answer in time', { cause: thrown });
  }
  if (thrown instanceof errors.ConnectTimeoutError) {
    return new GuardError('upstream/unreachable', "couldn't connect to the upstream forge in time", {
      cause: thrown,
    });
  }
  const code = thrown instanceof Error && 'code' in thrown ? ` (${String(thrown.code)})` : '';
  return new GuardError('upstream/unreachable', `couldn't reach the upstream forge${code}`, {
    cause: thrown,
  });
}

/** The upstream asks the client itself for a credential, because the guard passes on what the client sends. */
export class UpstreamChallenge extends GuardError {
  /** The upstream's WWW-Authenticate. */
  readonly challenge: string;

  constructor(challenge: string, what: string) {
    super('upstream/credential', `the upstream forge asks for a credential for ${what}`);
    this.challenge = challenge;
  }
}

const standardChallenge = 'Basic realm="upstream"';

/** Turns an upstream's status that is not 200 into the error that a client is told. */
export function refusalOfStatus(
  { status, headers }: Pick<UpstreamResponse, 'status' | 'headers'>,
  { forge }: Repository,
  what: string,
): GuardError {
  if (status === 401 && forge.credential.mode === 'passthrough') {
    const challenge = [headers['www-authenticate'] ?? standardChallenge].flat().join(', ');
    return new UpstreamChallenge(challenge.slice(0, 1000), what);
  }
  if (status === 401)
    return new GuardError('upstream/unauthorized', `the upstream forge answered 401 to ${what}`);
  if (status === 403) return new GuardError('upstream/refused', `the upstream forge answered 403 to ${what}`);
  if (status === 404)
    return new GuardError('upstream/not-found', `the upstream forge answered 404 to ${what}`);
  return new GuardError('upstream/unreachable', `the upstream forge answered ${status} to ${what}`);
}
