// The OAuth endpoints: `POST /oauth/token`, `POST /oauth/revoke` (RFC 7009) and the server's metadata (RFC 8414). Clients are
// public: what they show is a token of their own, not a client secret.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { GuardError } from '../../core/errors.ts';
import { refusalOf } from '../../core/identity-refusal.ts';
import { errorHeaders, TooManyError } from '../../core/too-many.ts';
import { formatScope } from '../../core/scope-text.ts';
import { presentedBy } from '../presented.ts';
import type { GrantedSession, GrantType } from './grant-type.ts';
import { OAuthError } from './oauth-error.ts';
import { type OAuthForm, readOAuthForm } from './oauth-form.ts';
import { detailsType } from './requested-scopes.ts';
import { accessTokenType } from './token-exchange.ts';

export interface OAuthOptions {
  readonly grantTypes: readonly GrantType[];
  /** Revokes whatever token of this guard or of a trusted issuer that is, in the name of its holder. */
  readonly revoke: (token: string) => Promise<void>;
  /** Base URL of the guard, without a trailing slash. */
  readonly guardUrl: () => string;
}

/** Two tokens of an issuer, and little besides. */
const longestBody = 65_536;

/** Registers them. */
export async function oauthRoutes(app: FastifyInstance, options: OAuthOptions): Promise<void> {
  const { grantTypes, revoke, guardUrl } = options;
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: longestBody },
    (_request, body, done) => done(null, String(body)),
  );
  app.addContentTypeParser('*', (_request, _payload, done) =>
    done(new OAuthError('invalid_request', 'the body must be application/x-www-form-urlencoded')),
  );
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('cache-control', 'no-store').header('pragma', 'no-cache');
  });
  app.setErrorHandler((thrown, request, reply) => answer(thrown, request, reply));

  app.post('/oauth/token', async (request, reply) => {
    const form = formOf(request);
    const type = form.need('grant_type');
    const grantType = grantTypes.find(({ name }) => name === type);
    if (grantType === undefined)
      throw new OAuthError('unsupported_grant_type', 'the grant type is not supported');
    const session = await grantType.issue({ form, presented: presentedBy(request), guardUrl: guardUrl() });
    return reply.send(tokenAnswer(session));
  });

  app.post('/oauth/revoke', async (request, reply) => {
    // RFC 7009 §2.2: a token that is none, or not any more, is revoked already.
    await revoke(formOf(request).need('token'));
    return reply.code(200).send();
  });

  app.get('/.well-known/oauth-authorization-server', async (_request, reply) => {
    const base = guardUrl();
    const further = grantTypes.flatMap(({ endpoints = {} }) =>
      Object.entries(endpoints).map(([name, path]) => [name, base + path] as const),
    );
    return reply.send({
      issuer: base,
      token_endpoint: `${base}/oauth/token`,
      token_endpoint_auth_methods_supported: ['none'],
      revocation_endpoint: `${base}/oauth/revoke`,
      revocation_endpoint_auth_methods_supported: ['none'],
      grant_types_supported: grantTypes.map(({ name }) => name),
      response_types_supported: [],
      authorization_details_types_supported: [detailsType],
      ...Object.fromEntries(further),
    });
  });
}

function formOf({ body }: FastifyRequest): OAuthForm {
  if (typeof body !== 'string') throw new OAuthError('invalid_request', 'the request has no body');
  return readOAuthForm(body);
}

/** RFC 6749 §5.1, RFC 8693 §2.2.1. */
function tokenAnswer({ token, grant, refreshToken }: GrantedSession): object {
  const { scopes, expiresAt, principal } = grant;
  return {
    access_token: token.reveal(),
    issued_token_type: accessTokenType,
    token_type: 'Bearer',
    ...(refreshToken === undefined ? {} : { refresh_token: refreshToken.reveal() }),
    expires_in: Math.max(0, Math.round((expiresAt.getTime() - Date.now()) / 1_000)),
    scope: scopes.map(formatScope).join(' '),
    authorization_details: scopes.map((scope) => ({ type: detailsType, ...scope })),
    session: principal.session,
  };
}

function answer(thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const error = oauthErrorOf(thrown);
  if (error.status >= 500)
    request.log.error({ request: request.id, code: error.code, err: thrown }, 'failed');
  if (thrown instanceof GuardError) reply.headers(errorHeaders(thrown));
  if (!request.raw.complete) reply.header('connection', 'close');
  return reply.code(error.status).send({
    error: error.code,
    error_description: error.message,
    request: request.id,
  });
}

const unavailable: ReadonlySet<string> = new Set([
  'identity/unavailable',
  'audit/unavailable',
  'database/unavailable',
]);

function oauthErrorOf(thrown: unknown): OAuthError {
  if (thrown instanceof OAuthError) return thrown;
  if (thrown instanceof GuardError && unavailable.has(thrown.code))
    return new OAuthError('temporarily_unavailable', 'the guard cannot answer now, try again', {
      cause: thrown,
    });
  if (thrown instanceof TooManyError)
    return new OAuthError('too_many_requests', 'wait a moment', { cause: thrown });
  // RFC 8693 §2.2.2: also for a subject token that is not accepted.
  if (refusalOf(thrown) !== undefined || (thrown instanceof GuardError && thrown.status < 500))
    return new OAuthError('invalid_request', 'a token was not accepted', { cause: thrown });
  const status =
    thrown instanceof Error && 'statusCode' in thrown && typeof thrown.statusCode === 'number'
      ? thrown.statusCode
      : 500;
  if (status < 500) return new OAuthError('invalid_request', 'the request cannot be read', { cause: thrown });
  return new OAuthError('temporarily_unavailable', 'something went wrong inside the guard', {
    cause: thrown,
  });
}
