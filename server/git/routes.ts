// The smart HTTP routes: who asks is proved first, then the request goes to fetch or push. A Fastify plugin.
import { Readable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { GuardError } from '../../core/errors.ts';
import type { Grant, Principal } from '../../core/principal.ts';
import { refLimits } from '../../core/scope.ts';
import type { IdentityService, ScopeCheck, TrafficService } from '../../core/services.ts';
import { writeAdvertisement } from './advertisement.ts';
import { ByteReader } from './byte-reader.ts';
import { readClientBody } from './client-body.ts';
import { advertiseFetch, type FetchAnswer, type FetchCall } from './fetch.ts';
import { createGate, createNamedGates } from './gate.ts';
import { checkRefs } from './ref-limits.ts';
import { refusedEvent } from './push-audit.ts';
import { createPushOutput, type PushOutput } from './push-output.ts';
import type { PushServices } from './push-stage.ts';
import { failureOf, servePush } from './push.ts';
import { authorizationOf, presentedBy } from '../presented.ts';
import { readReceivePackRequest, type ReceivePackRequest } from './receive-pack-request.ts';
import { createRepositoryTable, type GitRoute, type Repository, type Service } from './repository.ts';
import { serveFetch } from './serve-fetch.ts';
import { UpstreamChallenge } from './upstream.ts';
import type { ForgeConfig } from '../config.ts';

export interface GitRoutesOptions extends PushServices {
  readonly forges: readonly ForgeConfig[];
  readonly identity: IdentityService;
  readonly covers: ScopeCheck;
  readonly traffic: TrafficService;
  /** The grant of a client whose own credential goes to this forge. */
  readonly passthroughGrant: (authorization: string | undefined, forge: string) => Grant;
}

const gatePatienceMs = 60_000;
const closingPatienceMs = 15_000;
const clientSilenceMs = 120_000;

/** Registers `/git/*`. */
export async function gitRoutes(app: FastifyInstance, options: GitRoutesOptions): Promise<void> {
  const table = createRepositoryTable(options.forges);
  const gate = createGate(options.limits.concurrentPushes);
  const ownGates = createNamedGates(options.limits.principalPushes);
  const running = new Set<Promise<void>>();
  const closing = new AbortController();
  // Before connections are cut: who waits for an approval is let go, and a push that is being forwarded is recorded and
  // answered.
  app.addHook('preClose', async () => {
    closing.abort();
    await Promise.race([
      Promise.allSettled(running),
      setTimeout(closingPatienceMs, undefined, { ref: false }),
    ]);
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));

  async function enter(
    request: FastifyRequest,
  ): Promise<{ readonly route: GitRoute; readonly grant: Grant }> {
    const found = findRoute(request);
    if (found instanceof GuardError) {
      // Who is not known learns nothing of what exists.
      const { principal } = await options.identity.authenticate(presentedBy(request));
      await recordRefusal(request.id, principal, undefined, wantsPush(request), found);
      throw found;
    }
    // What is asked for is told by the route alone: a URL can be written in many ways.
    const push = serviceOf(found) === 'git-receive-pack';
    const grant = await grantFor(found.repository, request, push);
    if (!options.covers(grant, found.repository.id, push ? 'push' : 'fetch')) {
      const error = new GuardError(
        'identity/forbidden',
        `this token may not ${push ? 'push to' : 'fetch from'} ${found.repository.id}`,
      );
      await recordRefusal(request.id, grant.principal, found.repository, push, error);
      throw error;
    }
    if (push) options.traffic.demandPush(grant.principal);
    return { route: found, grant };
  }

  function findRoute(request: FastifyRequest): GitRoute | GuardError {
    const { path, service } = wantedOf(request);
    try {
      return table.route(request.method, path, service);
    } catch (thrown) {
      if (thrown instanceof GuardError) return thrown;
      throw thrown;
    }
  }

  async function grantFor(repository: Repository, request: FastifyRequest, push: boolean): Promise<Grant> {
    const presented = presentedBy(request, repository.id);
    const { authorization } = presented;
    if (repository.forge.credential.mode !== 'passthrough') return options.identity.authenticate(presented);
    if (push && authorization === undefined)
      throw new GuardError('upstream/credential', 'a push needs a credential of the upstream');
    return options.passthroughGrant(authorization, repository.forge.name);
  }

  async function* counted(body: AsyncIterable<Uint8Array>, principal: Principal): AsyncGenerator<Uint8Array> {
    for await (const chunk of body) {
      options.traffic.countBytes(principal, chunk.length);
      yield chunk;
    }
  }

  async function recordRefusal(
    request: string,
    actor: Principal,
    repository: Repository | undefined,
    push: boolean,
    error: GuardError,
  ): Promise<void> {
    const event = refusedEvent({ request, actor, repository: repository?.id ?? '' }, 'guard', error.code);
    await options.audit.append({
      ...event,
      action: push ? 'push.refused' : 'fetch.refused',
      repository: repository?.id ?? null,
    });
  }

  app.route({
    method: ['GET', 'POST', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'],
    url: '/git/*',
    handler: async (request, reply) => {
      const { route, grant } = await enter(request);
      try {
        return await serve(request, reply, route, grant);
      } catch (thrown) {
        if (thrown instanceof UpstreamChallenge) reply.header('www-authenticate', thrown.challenge);
        throw thrown;
      }
    },
  });

  async function serve(
    request: FastifyRequest,
    reply: FastifyReply,
    route: GitRoute,
    grant: Grant,
  ): Promise<FastifyReply> {
    const gone = clientGone(request, reply);
    switch (route.kind) {
      case 'advertise':
        return route.service === 'git-upload-pack'
          ? sendAnswer(reply, await advertiseFetch(fetchCall(request, route.repository, gone)))
          : advertisePush(request, reply, route.repository, grant.principal.session, gone);
      case 'git-upload-pack': {
        const call = fetchCall(request, route.repository, gone);
        const client = {
          request: request.id,
          actor: grant.principal,
          address: request.ip,
          userAgent: request.headers['user-agent'] ?? '',
          acceptEncoding: request.headers['accept-encoding']?.toString(),
          onFailure: (error: GuardError) =>
            request.log.error({ request: request.id, code: error.code, err: error }, 'a fetch failed'),
        };
        return sendAnswer(reply, await serveFetch(options.audit, client, call, bodyOf(request, gone)));
      }
      case 'git-receive-pack':
        return receivePush(request, reply, route.repository, grant, gone);
    }
  }

  function fetchCall(request: FastifyRequest, repository: Repository, signal: AbortSignal): FetchCall {
    return {
      upstream: options.upstreamOf(repository),
      repository,
      authorization: authorizationOf(request),
      protocol: request.headers['git-protocol']?.toString(),
      signal,
    };
  }

  async function advertisePush(
    request: FastifyRequest,
    reply: FastifyReply,
    repository: Repository,
    session: string,
    signal: AbortSignal,
  ): Promise<FastifyReply> {
    const authorization = authorizationOf(request);
    const advertisement = await options.facts.advertisement(repository, authorization, signal);
    // Done while the client packs; a failure shows again when the answer is needed.
    reply.raw.once('finish', () => {
      options.preparations.prepare(session, repository, advertisement.objectFormat);
      options.facts.defaultBranch(repository, authorization).catch(() => undefined);
    });
    return reply
      .header('content-type', 'application/x-git-receive-pack-advertisement')
      .header('cache-control', 'no-cache')
      .send(Readable.from(writeAdvertisement(advertisement, options.agent), { objectMode: false }));
  }

  async function receivePush(
    request: FastifyRequest,
    reply: FastifyReply,
    repository: Repository,
    grant: Grant,
    gone: AbortSignal,
  ): Promise<FastifyReply> {
    const { principal } = grant;
    // One principal's many pushes wait for each other before they take the places of all.
    const leaveOwn = await ownGates.enter(principal.id, gatePatienceMs);
    const leaveShared = await gate.enter(gatePatienceMs).catch((thrown: unknown) => {
      leaveOwn();
      throw thrown;
    });
    const leave = (): void => {
      leaveShared();
      leaveOwn();
    };
    const push = pushThrough(request, reply, repository, grant, gone, leave).finally(leave);
    const answered = push.catch(() => undefined).then(() => answerTaken(reply));
    running.add(answered);
    const forget = (): void => void running.delete(answered);
    answered.then(forget, forget);
    await push;
    return reply;
  }

  async function pushThrough(
    request: FastifyRequest,
    reply: FastifyReply,
    repository: Repository,
    grant: Grant,
    gone: AbortSignal,
    letOthersIn: () => void,
  ): Promise<void> {
    const since = options.clock.now();
    const signal = AbortSignal.any([gone, AbortSignal.timeout(options.limits.pushSeconds * 1000)]);
    const reader = new ByteReader(counted(bodyOf(request, signal), grant.principal));
    const answer = answerOnce(request, reply, reader, options.limits.packBytes);
    let capabilities: ReadonlySet<string> = new Set();
    let parsed: ReceivePackRequest | undefined;
    try {
      parsed = await readReceivePackRequest(reader, options.limits, (known) => (capabilities = known));
      if (parsed !== undefined) checkRefs(grant, repository.id, parsed);
    } catch (thrown) {
      const error = failureOf(thrown, signal);
      await recordRefusal(request.id, grant.principal, repository, true, error);
      if (capabilities.size === 0) {
        reply.header('connection', 'close');
        throw error;
      }
      const output = createPushOutput(capabilities);
      await answer(output);
      output.fail(`forgeguard: ${error.message}. ${error.remedy} (request ${request.id})`);
      return;
    }
    if (parsed === undefined) {
      // The probe before a chunked push: identity was proved, nothing else is asked.
      await reply.header('content-type', 'application/x-git-receive-pack-result').send('');
      return;
    }
    const client = {
      request: request.id,
      actor: grant.principal,
      owner: grant.owner,
      since,
      refLimits: refLimits(grant, repository.id, 'push'),
      repository,
      authorization: authorizationOf(request),
      address: request.ip,
      userAgent: request.headers['user-agent'] ?? '',
      onFailure: (error: Error) => request.log.error({ request: request.id, err: error }, 'a push failed'),
    };
    const waiting = { gone: AbortSignal.any([gone, closing.signal]), letOthersIn };
    await servePush(options, client, parsed, reader, signal, answer, waiting);
    // Where other pushes run, what they need comes first.
    if (running.size === 1)
      options.preparations.keepReady(grant.principal.session, repository, parsed.objectFormat);
  }
}

/** Fulfils when the connection has taken the whole answer, or is gone. */
function answerTaken({ raw }: FastifyReply): Promise<void> {
  return new Promise((resolve) => {
    if (raw.writableFinished || raw.destroyed) resolve();
    raw.once('finish', resolve).once('close', resolve);
  });
}

/** Path and service as decoded by the router. */
function wantedOf(request: FastifyRequest): { readonly path: string; readonly service: string | undefined } {
  return { path: textOf(request.params, '*') ?? '', service: textOf(request.query, 'service') };
}

function textOf(members: unknown, name: string): string | undefined {
  const value: unknown =
    typeof members === 'object' && members !== null ? Reflect.get(members, name) : undefined;
  return typeof value === 'string' ? value : undefined;
}

/** For the record of a request that has no route. */
function wantsPush(request: FastifyRequest): boolean {
  const { path, service } = wantedOf(request);
  return service === 'git-receive-pack' || path.endsWith('/git-receive-pack');
}

function serviceOf(route: GitRoute): Service {
  return route.kind === 'advertise' ? route.service : route.kind;
}

function bodyOf(request: FastifyRequest, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  return readClientBody(request.raw, {
    encoding: request.headers['content-encoding'],
    silenceMs: clientSilenceMs,
    signal,
  });
}

function sendAnswer(reply: FastifyReply, answer: FetchAnswer): FastifyReply {
  return reply.headers(answer.headers).send(answer.body);
}

/** Aborts when the client goes away before it has its whole answer. */
function clientGone(request: FastifyRequest, reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  request.raw.once('error', () => controller.abort());
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort();
  });
  return controller.signal;
}

/**
 * The function that sends the answer of a push, once. A client that still sends is read to its end first: it would not
 * read an answer before.
 */
function answerOnce(
  request: FastifyRequest,
  reply: FastifyReply,
  body: ByteReader,
  cap: number,
): (output: PushOutput) => Promise<void> {
  let sent = false;
  return async (output) => {
    if (sent) return;
    sent = true;
    let left = cap;
    try {
      for (
        let chunk = await body.some(Infinity);
        chunk !== undefined && left > 0;
        chunk = await body.some(Infinity)
      )
        left -= chunk.length;
    } catch (thrown) {
      if (!(thrown instanceof GuardError)) request.raw.destroy();
    }
    // A client that did not send all it announced is told why, and then let go.
    if (!request.raw.complete) reply.header('connection', 'close');
    void reply
      .header('content-type', 'application/x-git-receive-pack-result')
      .header('cache-control', 'no-cache')
      .header('x-accel-buffering', 'no')
      .send(output.stream);
  };
}
