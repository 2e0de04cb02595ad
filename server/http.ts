// The HTTP server's own manners: one log line a request, errors as a short text that git shows, health checks.
import fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerFactory,
  LogController,
} from 'fastify';
import { randomBytes } from 'node:crypto';
import { asGuardError, GuardError } from '../core/errors.ts';
import { errorHeaders } from '../core/too-many.ts';
import { readClientCertificates } from './client-certificate.ts';
import type { TlsListener } from './tls-listener.ts';

export interface HttpOptions {
  /** Rejects while the guard could not serve. */
  readonly checkReady: () => Promise<void>;
  /** What `/readyz` tells besides, such as of parts that the guard can do without for a while. */
  readonly reportState?: () => Readonly<Record<string, unknown>>;
  /** Where log lines go. */
  readonly log: { readonly write: (line: string) => void };
  /** The guard's own TLS; plain http without it. */
  readonly tls?: TlsListener | undefined;
  /** Whether the proxies of `trustProxy` tell client certificates. */
  readonly clientCertHeader?: boolean | undefined;
  /** Addresses and networks whose `X-Forwarded-For` is believed; nobody's where it is empty or absent. */
  readonly trustProxy?: readonly string[] | undefined;
}

const keepAliveMs = 75_000;

// Fastify leaves the times of a server that it did not make alone.
function withPatience(tls: TlsListener): FastifyServerFactory {
  return (handler) => {
    const server = tls.createServer(handler);
    server.keepAliveTimeout = keepAliveMs;
    server.requestTimeout = 0;
    return server;
  };
}

/** A server without routes of its own but `/healthz` and `/readyz`. */
export function createHttpServer(options: HttpOptions): FastifyInstance {
  const app: FastifyInstance = fastify({
    trustProxy: (options.trustProxy ?? []).length > 0 ? [...(options.trustProxy ?? [])] : false,
    genReqId: () => randomBytes(8).toString('hex'),
    ...(options.tls === undefined ? {} : { serverFactory: withPatience(options.tls) }),
    logController: new LogController({ disableRequestLogging: true }),
    forceCloseConnections: true,
    keepAliveTimeout: keepAliveMs,
    // Uploads are bounded by their own limits and deadlines.
    requestTimeout: 0,
    logger: { level: 'info', stream: options.log, serializers: { err: serializeError } },
    frameworkErrors: (thrown, request, reply) => void answerError(thrown, request, reply),
  });
  const { trustProxy = [], clientCertHeader = false } = options;
  readClientCertificates(app, { trustProxy, clientCertHeader });
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
  });
  app.addHook('onResponse', async (request, reply) => {
    // The path is attacker-controlled text and may hold anything; the route says enough.
    request.log.info(
      {
        request: request.id,
        method: request.method,
        route: request.routeOptions.url,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
      },
      'served',
    );
  });
  app.setErrorHandler(async (thrown, request, reply) => answerError(thrown, request, reply));
  app.setNotFoundHandler(async (request, reply) =>
    sendError(reply, 404, 'nothing is served at this path', 'Git repositories are below /git/.', request.id),
  );
  app.get('/healthz', async () => ({ status: 'ok' }));
  app.get('/readyz', async (_request, reply) => {
    await options.checkReady();
    return reply.send({ status: 'ready', ...options.reportState?.() });
  });
  return app;
}

function answerError(thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const error = asGuardError(refusedByFastify(thrown), 'internal', 'something went wrong inside the guard');
  if (error.status >= 500) request.log.error({ request: request.id, code: error.code, err: error }, 'failed');
  reply.headers(errorHeaders(error));
  return sendError(reply, error.status, `${error.message} [${error.code}]`, error.remedy, request.id);
}

const fastifyRefusals: Readonly<Record<string, string>> = {
  FST_ERR_BAD_URL: 'the URL is not valid',
  FST_ERR_CTP_BODY_TOO_LARGE: 'the body of the request is too long',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'the Content-Type of the request is not valid',
};

// Fastify's own messages quote the request.
function refusedByFastify(thrown: unknown): unknown {
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
  const message = fastifyRefusals[code];
  return message === undefined ? thrown : new GuardError('input/invalid', message);
}

// Plain text, because git prints the body of an error only then.
function sendError(
  reply: FastifyReply,
  status: number,
  message: string,
  remedy: string,
  request: string,
): FastifyReply {
  if (status === 401 && !reply.hasHeader('www-authenticate'))
    reply.header('www-authenticate', 'Basic realm="forgeguard", charset="UTF-8"');
  if (status === 413 || status === 499) reply.header('connection', 'close');
  return reply
    .code(status)
    .type('text/plain; charset=utf-8')
    .send(`forgeguard: ${message}\n${remedy}\nrequest: ${request}\n`);
}

// Messages of foreign errors may quote input; only their kind and place are logged.
function serializeError(error: Error): {
  readonly type: string;
  readonly message: string;
  readonly stack: string;
} {
  const causes: string[] = [];
  for (let cause: unknown = error; cause instanceof Error && causes.length < 5; cause = cause.cause) {
    causes.push(`${cause.name}${'code' in cause ? ` (${String(cause.code)})` : ''}`);
  }
  const frames = (error.cause instanceof Error ? error.cause.stack : error.stack) ?? '';
  const stack = frames
    .split('\n')
    .filter((line) => line.startsWith('    at '))
    .slice(0, 8)
    .join('\n');
  return { type: causes.join(' < '), message: error.message, stack };
}
