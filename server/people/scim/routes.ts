// SCIM 2.0 (RFC 7643, RFC 7644) below `/scim/v2`, for the directory that manages people. It has a Bearer token of its own
// from the configuration, and no other credential opens it. Its answers and errors are in the form of the RFC.
import { createHash, timingSafeEqual } from 'node:crypto';
import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { asGuardError, type ErrorCode, GuardError } from '../../../core/errors.ts';
import { refuseIdentity } from '../../../core/identity-refusal.ts';
import type { Secret } from '../../secret.ts';
import { resourceTypes, schemas, serviceProviderConfig } from './description.ts';
import { groupRoutes } from './groups.ts';
import { listResponse } from './list.ts';
import { type ScimOptions, userRoutes } from './users.ts';

export interface ScimRoutesOptions extends ScimOptions {
  readonly token: Secret;
}

const longestBody = 4 * 2 ** 20;
const requestsPerMinute = 1_200;
const mediaType = 'application/scim+json; charset=utf-8';

/** SCIM as a plugin. */
export function scimRoutes(options: ScimRoutesOptions): (app: FastifyInstance) => Promise<void> {
  return async (app) => {
    await app.register((scope) => serve(scope, options), { prefix: '/scim/v2' });
  };
}

async function serve(app: FastifyInstance, options: ScimRoutesOptions): Promise<void> {
  const expected = digest(options.token.reveal());
  app.setErrorHandler(async (thrown, request, reply) => sendError(thrown, request, reply));
  app.setNotFoundHandler(async (request, reply) =>
    sendError(new GuardError('route/unknown-path', 'SCIM has nothing at this path'), request, reply),
  );
  app.addHook('onRoute', (route) => {
    route.bodyLimit ??= longestBody;
  });
  await app.register(rateLimit, {
    max: requestsPerMinute,
    timeWindow: 60_000,
    errorResponseBuilder: (_request, { max }) =>
      new GuardError('request/too-many', `more than ${max} requests in a minute`),
  });
  app.addHook('onRequest', async (request, reply) => {
    reply.header('cache-control', 'no-store').header('x-content-type-options', 'nosniff');
    const [, token] = /^Bearer +([\x21-\x7e]{1,8192}) *$/i.exec(request.headers.authorization ?? '') ?? [];
    if (token === undefined) throw refuseIdentity('missing');
    if (!timingSafeEqual(digest(token), expected)) throw refuseIdentity('unknown');
  });
  app.addContentTypeParser(
    'application/scim+json',
    { parseAs: 'string' },
    app.getDefaultJsonParser('error', 'error'),
  );
  app.addHook('onSend', async (_request, reply) => {
    if (reply.statusCode !== 204) reply.type(mediaType);
  });
  const base = options.base;
  const listed = (items: readonly object[]): object =>
    listResponse(items, items.length, { offset: 0, limit: items.length });
  app.get('/ServiceProviderConfig', async () => serviceProviderConfig(base()));
  app.get('/ResourceTypes', async () => listed(resourceTypes(base())));
  app.get('/Schemas', async () => listed(schemas(base())));
  userRoutes(app, options);
  groupRoutes(app, options);
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** RFC 7644 §3.12. */
const scimTypes: Readonly<Partial<Record<ErrorCode, string>>> = {
  'person/conflict': 'uniqueness',
  'input/invalid': 'invalidValue',
};

function sendError(thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const isSyntax = thrown instanceof Error && 'statusCode' in thrown && thrown.statusCode === 400;
  const error = isSyntax
    ? new GuardError('input/invalid', 'the body is not valid JSON')
    : asGuardError(thrown, 'internal', 'something went wrong inside the guard');
  if (error.status >= 500) request.log.error({ request: request.id, code: error.code, err: error }, 'failed');
  if (error.status === 401) reply.header('www-authenticate', 'Bearer realm="forgeguard-scim"');
  const scimType = scimTypes[error.code];
  return reply
    .code(error.status)
    .type(mediaType)
    .serializer((body: unknown) => JSON.stringify(body))
    .send({
      schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
      status: String(error.status),
      ...(scimType === undefined ? {} : { scimType }),
      detail: `${error.message} [${error.code}] request: ${request.id}`,
    });
}
