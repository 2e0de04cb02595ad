// The API below `/api/v1`: JSON, a credential for everything but its description, a limit on requests for each
// principal, and an OpenAPI document that is made of the same schemas by which requests are checked.
import rateLimit from '@fastify/rate-limit';
import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import { GuardError } from '../../core/errors.ts';
import type { WebSessions } from '../../core/people-services.ts';
import type { IdentityService } from '../../core/services.ts';
import { apiBase } from './api-base.ts';
import { demandGrant, grantOf } from './grant.ts';
import { answerErrorsAsJson } from './json-errors.ts';

export interface ApiOptions {
  readonly identity: IdentityService;
  /** People who are signed in with a browser; undefined where nobody can be. */
  readonly web?: WebSessions | undefined;
  readonly version: string;
  /** Base URL of the guard; undefined where it is told by the request alone. */
  readonly publicUrl: string | undefined;
  /** Requests of one principal in a minute. */
  readonly requestsPerMinute: number;
  /** What is served, each with paths below `apiBase`. */
  readonly routes: readonly ((app: FastifyInstance) => Promise<void>)[];
}

const longestBody = 65_536;
const minute = 60_000;
const rememberedPrincipals = 20_000;

const description = `Requests for approval: what agents want to do, who must agree, and the decisions.

Send a token with every request: one of the guard, of a session, or of a trusted issuer. Errors are JSON with a code, a message, what to do, and the id of the request.
What a token may not see does not exist for it.`;

/** The API as a plugin. */
export function createApi(options: ApiOptions): (app: FastifyInstance) => Promise<void> {
  return async (app) => {
    await app.register((scope) => serveApi(scope, options), { prefix: apiBase });
  };
}

async function serveApi(app: FastifyInstance, options: ApiOptions): Promise<void> {
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  answerErrorsAsJson(app);
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('cache-control', 'no-store').header('x-content-type-options', 'nosniff');
  });
  app.addHook('onRoute', (route) => {
    route.bodyLimit ??= longestBody;
  });
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Forgeguard', version: options.version, description },
      ...(options.publicUrl === undefined ? {} : { servers: [{ url: options.publicUrl }] }),
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer', description: 'a token' },
          session: {
            type: 'apiKey',
            in: 'cookie',
            name: '__Host-forgeguard-session',
            description:
              'somebody who is signed in; what changes something needs the header x-forgeguard-csrf, too',
          },
          basic: { type: 'http', scheme: 'basic', description: 'any user name, a token as password' },
        },
      },
      security: [{ bearer: [] }, { basic: [] }, { session: [] }],
    },
    transform: jsonSchemaTransform,
    transformObject: jsonSchemaTransformObject,
  });
  app.get('/openapi.json', { schema: { hide: true } }, async (_request, reply) =>
    reply
      .type('application/json; charset=utf-8')
      .serializer((body: unknown) => JSON.stringify(body))
      .send(app.swagger()),
  );
  await app.register((scope) => serveGuarded(scope, options));
}

async function serveGuarded(app: FastifyInstance, options: ApiOptions): Promise<void> {
  demandGrant(app, options.identity, options.web);
  await app.register(rateLimit, {
    max: options.requestsPerMinute,
    timeWindow: minute,
    cache: rememberedPrincipals,
    // The credential is proved by then, and nothing of the body is read yet.
    hook: 'preParsing',
    keyGenerator: (request) => grantOf(request).principal.id,
    errorResponseBuilder: (_request, { max }) =>
      new GuardError('request/too-many', `more than ${max} requests in a minute`),
  });
  for (const routes of options.routes) await routes(app);
}
