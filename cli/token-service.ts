// The guard's token service as a client sees it: token exchange (RFC 8693), refresh (RFC 6749 §6) and the device grant
// (RFC 8628). Tokens go to the guard's own origin only, whatever its metadata say.
import { z } from 'zod';
import { type ErrorCode, GuardError } from '../core/errors.ts';
import { formatBaseUrl } from '../server/address.ts';
import { sendForJson, type JsonAnswer } from './json-request.ts';
import { printable } from './printable.ts';
import type { SubjectToken } from './token-sources.ts';

export interface SessionToken {
  readonly token: string;
  /** Seconds since 1970. */
  readonly expiresAt: number;
  /** Seconds that it was given for. */
  readonly lifetime: number;
  readonly refreshToken: string | undefined;
}

/** How a person is asked to sign in. */
export interface DeviceCode {
  readonly code: string;
  readonly userCode: string;
  readonly uri: string;
  readonly completeUri: string | undefined;
  /** Seconds. */
  readonly expiresIn: number;
  readonly interval: number;
}

export type DeviceAnswer =
  | { readonly kind: 'token'; readonly session: SessionToken }
  | { readonly kind: 'pending'; readonly slower: boolean };

export interface TokenService {
  /** A session token for one repository, or for all that the identity may. */
  exchange(subject: SubjectToken, repository: string | undefined): Promise<SessionToken>;
  /** A refresh token works once: the answer has the next. */
  refresh(refreshToken: string, agent: string): Promise<SessionToken>;
  /** `agent`: as whom this machine is to act. `scope`: what for, such as `github/acme/*:fetch,push`. */
  startLogin(agent: string, scope: string): Promise<DeviceCode>;
  askLogin(device: DeviceCode, agent: string): Promise<DeviceAnswer>;
}

const grant = 'urn:ietf:params:oauth:grant-type';
const tokenType = 'urn:ietf:params:oauth:token-type';
/** What the guard promises; a longer answer is cut. */
const longestSession = 900;

const metadataSchema = z.object({
  issuer: z.url(),
  token_endpoint: z.url(),
  device_authorization_endpoint: z.url().optional(),
});
const sessionSchema = z.object({
  access_token: z.string().regex(/^[\x21-\x7e]{1,16384}$/),
  expires_in: z.number().min(1),
  refresh_token: z
    .string()
    .regex(/^[\x21-\x7e]{1,16384}$/)
    .optional(),
});
const deviceSchema = z.object({
  device_code: z.string().min(1).max(4_096),
  user_code: z.string().min(1).max(64),
  verification_uri: z.url(),
  verification_uri_complete: z.url().optional(),
  expires_in: z.number().min(1).max(86_400),
  interval: z.number().min(1).max(60).default(5),
});
const errorSchema = z.object({ error: z.string(), error_description: z.string().default('') });

const codes: Readonly<Record<string, ErrorCode>> = {
  invalid_grant: 'identity/invalid',
  invalid_client: 'identity/invalid',
  invalid_request: 'identity/invalid',
  expired_token: 'identity/invalid',
  unauthorized_client: 'identity/forbidden',
  access_denied: 'identity/forbidden',
  invalid_scope: 'identity/forbidden',
  invalid_target: 'identity/forbidden',
};

/** `guard` is a checked base URL. `now`: seconds since 1970. */
export function connectToTokenService(guard: URL, ca: string | undefined, now: () => number): TokenService {
  const origin = formatBaseUrl(guard);
  let known: Promise<z.output<typeof metadataSchema>> | undefined;

  async function discover(): Promise<z.output<typeof metadataSchema>> {
    const { status, body } = await send(
      new URL(`${origin}/.well-known/oauth-authorization-server`),
      undefined,
    );
    const found = metadataSchema.safeParse(body);
    if (status !== 200 || !found.success)
      throw new GuardError('guard/unreachable', `there is no token service at ${origin} (${status})`);
    return found.data;
  }

  function metadata(): Promise<z.output<typeof metadataSchema>> {
    return (known ??= discover());
  }

  /** The address of an endpoint; only its path is taken from what was answered. */
  async function endpoint(name: 'token_endpoint' | 'device_authorization_endpoint'): Promise<URL> {
    const found = (await metadata())[name];
    if (found === undefined)
      throw new GuardError('guard/unreachable', `the guard at ${origin} offers no sign-in for programs`);
    return new URL(new URL(found).pathname, origin);
  }

  async function send(url: URL, form: URLSearchParams | undefined): Promise<JsonAnswer> {
    return sendForJson(url, {}, { ca, ...(form === undefined ? {} : { form }) }).catch((cause: unknown) => {
      throw new GuardError('guard/unreachable', `couldn't reach the guard at ${origin}`, { cause });
    });
  }

  async function ask(parameters: Readonly<Record<string, string>>): Promise<SessionToken> {
    const answer = await send(await endpoint('token_endpoint'), new URLSearchParams(parameters));
    return readSession(answer);
  }

  function readSession(answer: JsonAnswer): SessionToken {
    const session = sessionSchema.safeParse(answer.body);
    if (answer.status !== 200 || !session.success) throw refusal(answer, origin);
    const lifetime = Math.min(session.data.expires_in, longestSession);
    return {
      token: session.data.access_token,
      lifetime,
      expiresAt: Math.floor(now() + lifetime),
      refreshToken: session.data.refresh_token,
    };
  }

  return {
    async exchange({ token, type }, repository) {
      // The guard knows its repositories by the name that it has for itself.
      const { issuer } = await metadata();
      return ask({
        grant_type: `${grant}:token-exchange`,
        subject_token: token,
        subject_token_type: `${tokenType}:${type}`,
        requested_token_type: `${tokenType}:access_token`,
        ...(repository === undefined ? {} : { resource: `${issuer}/git/${repository}.git` }),
      });
    },
    refresh: (refreshToken, agent) =>
      ask({ grant_type: 'refresh_token', refresh_token: refreshToken, client_id: agent }),
    async startLogin(agent, scope) {
      const form = new URLSearchParams({ client_id: agent, scope });
      const answer = await send(await endpoint('device_authorization_endpoint'), form);
      const device = deviceSchema.safeParse(answer.body);
      if (answer.status !== 200 || !device.success) throw refusal(answer, origin);
      return {
        code: device.data.device_code,
        userCode: device.data.user_code,
        uri: device.data.verification_uri,
        completeUri: device.data.verification_uri_complete,
        expiresIn: device.data.expires_in,
        interval: device.data.interval,
      };
    },
    async askLogin({ code }, agent) {
      const form = new URLSearchParams({
        grant_type: `${grant}:device_code`,
        device_code: code,
        client_id: agent,
      });
      const answer = await send(await endpoint('token_endpoint'), form);
      const { data } = errorSchema.safeParse(answer.body);
      if (answer.status !== 200 && data?.error === 'authorization_pending')
        return { kind: 'pending', slower: false };
      if (answer.status === 429 || data?.error === 'slow_down') return { kind: 'pending', slower: true };
      return { kind: 'token', session: readSession(answer) };
    },
  };
}

function refusal({ status, body }: JsonAnswer, origin: string): GuardError {
  const { data } = errorSchema.safeParse(body);
  if (status === 429)
    return new GuardError('request/too-many', `the guard at ${origin} asks for fewer requests`);
  if (data === undefined || status === 200)
    return new GuardError(
      'guard/unreachable',
      `what answered at ${origin} (${status}) is not the token service of a guard`,
    );
  const why = printable(data.error_description).slice(0, 300);
  return new GuardError(
    codes[data.error] ?? 'guard/unreachable',
    `the guard gave no session token (${printable(data.error).slice(0, 40)})${why === '' ? '' : `: ${why}`}`,
  );
}
