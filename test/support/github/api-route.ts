// One operation of the fake's REST API: who may call it, its handler, and the rules that hold for every operation:
// GitHub's description, rate limits, conditional requests, pages.
import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Caller, callerOf, tokenReaches } from './app-token.ts';
import type { ApiFaults } from './api-faults.ts';
import { operationCheck } from './openapi.ts';
import type { OperationName } from './operations.ts';
import type { FakeApp, InstallationToken, Level } from './account-state.ts';
import { permits, type Repository, repositoryOf, type World } from './world.ts';

export type Query = Readonly<Record<string, string | undefined>>;

interface Call {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  /** Checked against the description before the handler sees it. */
  readonly body: unknown;
}

export interface AppCall extends Call {
  readonly app: FakeApp;
}

export interface InstallationCall extends Call {
  readonly token: InstallationToken;
}

export interface RepositoryCall extends InstallationCall {
  readonly repository: Repository;
}

/** What a handler says. A list is cut into pages; `wrap` puts a page into the object that GitHub answers. */
export type Answer =
  | { readonly status: number; readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> }
  | {
      readonly list: readonly unknown[];
      readonly wrap?: (page: readonly unknown[], total: number) => unknown;
    };

type Handled = Answer | Promise<Answer>;

export type ApiRoute = { readonly operation: OperationName } & (
  | { readonly caller: 'anyone'; readonly handle: (call: Call) => Handled }
  | { readonly caller: 'app'; readonly handle: (call: AppCall) => Handled }
  | { readonly caller: 'installation'; readonly handle: (call: InstallationCall) => Handled }
  | {
      readonly caller: 'repository';
      /** Any one of them is enough. */
      readonly needs: readonly (readonly [permission: string, level: Level])[];
      readonly handle: (call: RepositoryCall) => Handled;
    }
);

/** An answer that says no, in GitHub's form. */
export function problem(status: number, message: string, more: object = {}): Answer {
  return { status, body: { message, documentation_url: 'https://docs.github.com/rest', ...more } };
}

export interface RecordedCall {
  readonly operation: OperationName;
  readonly path: string;
  readonly body: unknown;
  /** 0 until it is answered. */
  readonly status: number;
  readonly at: Date;
}

/** What all operations share. */
export interface ApiState {
  readonly world: World;
  readonly faults: ApiFaults;
  readonly calls: RecordedCall[];
  /** Requests and answers that GitHub's description does not allow; a test expects none. */
  readonly violations: string[];
  /** Calls each credential has made, for the limits. */
  readonly used: Map<string, number>;
  /** Calls an hour and credential. */
  hourlyLimit: number;
}

/** Adds one operation below the API's prefix. */
export function addRoute(server: FastifyInstance, state: ApiState, route: ApiRoute): void {
  const [method, template] = route.operation.split(' ') as ['GET', string];
  const check = operationCheck(route.operation);
  const url = template.replace('{path}', '*').replaceAll(/\{(\w+)\}/g, ':$1');
  server.route({
    method,
    url,
    handler: async (request, reply) => {
      const params = paramsOf(request);
      const query = request.query as Query;
      const credential = request.headers.authorization ?? 'anonymous';
      const used = (state.used.get(credential) ?? 0) + 1;
      state.used.set(credential, used);
      limitHeaders(reply, state, used);
      const fault = state.faults.take(route.operation);
      if (fault?.kind === 'drop') return void request.raw.socket.destroy();
      if (fault?.kind === 'meanwhile') await fault.act();
      if (fault?.kind === 'delay') await new Promise((resolve) => setTimeout(resolve, fault.milliseconds));
      const early = used > state.hourlyLimit ? exhausted(reply) : undefined;
      const faulty = fault?.kind === 'answer' ? fault : undefined;
      const wrong = check.request(query, request.body ?? undefined, params);
      if (wrong.length > 0) state.violations.push(`${route.operation}: ${wrong.join('; ')}`);
      // Before it has an effect that a test may see.
      const call = {
        operation: route.operation,
        path: request.url,
        body: request.body,
        status: 0,
        at: state.world.now(),
      };
      if (fault?.kind !== 'lose') state.calls.push(call);
      const answer =
        early ??
        faulty ??
        (wrong.length > 0
          ? problem(422, 'Invalid request.', { errors: wrong })
          : await handled(route, state.world, request, { params, query, body: request.body ?? undefined }));
      // A lost answer: the effect has happened and the client does not learn of it.
      if (fault?.kind === 'lose') return void request.raw.socket.destroy();
      const told = 'list' in answer ? paged(answer, request, reply, state.world) : answer;
      if (faulty === undefined && early === undefined && told.status < 300) {
        const bad = check.response(told.status, roundTrip(told.body));
        if (bad.length > 0) state.violations.push(`answer of ${route.operation}: ${bad.join('; ')}`);
      }
      call.status = told.status;
      return send(request, reply, told);
    },
  });
}

const roundTrip = (body: unknown): unknown =>
  body === undefined ? undefined : JSON.parse(JSON.stringify(body));

function paramsOf(request: FastifyRequest): Readonly<Record<string, string>> {
  const { '*': path, ...params } = request.params as Readonly<Record<string, string>>;
  return path === undefined ? params : { ...params, path };
}

async function handled(route: ApiRoute, world: World, request: FastifyRequest, call: Call): Promise<Answer> {
  const caller: Caller = callerOf(world, request.headers.authorization);
  if (route.caller === 'anyone') return route.handle(call);
  if (caller.kind === 'refused') return problem(401, caller.message);
  if (caller.kind === 'anonymous') return problem(401, 'Requires authentication');
  if (route.caller === 'app') {
    if (caller.kind !== 'app') return problem(401, 'A JSON web token could not be decoded');
    return route.handle({ ...call, app: caller.app });
  }
  if (caller.kind === 'app')
    return problem(
      403,
      'You must authenticate with an installation access token in order to access this endpoint.',
    );
  if (route.caller === 'installation') return route.handle({ ...call, token: caller.token });
  const repository = repositoryOf(world, call.params['owner'] ?? '', call.params['repo'] ?? '');
  if (repository === undefined || !tokenReaches(caller.token, repository)) return problem(404, 'Not Found');
  const may = route.needs.some(([name, level]) => permits(caller.token.permissions, name, level));
  if (!may) return problem(403, 'Resource not accessible by integration');
  return route.handle({ ...call, token: caller.token, repository });
}

function limitHeaders(reply: FastifyReply, state: ApiState, used: number): void {
  reply.headers({
    'x-ratelimit-limit': state.hourlyLimit,
    'x-ratelimit-remaining': Math.max(0, state.hourlyLimit - used),
    'x-ratelimit-used': used,
    'x-ratelimit-resource': 'core',
    'x-ratelimit-reset': Math.ceil(state.world.now().getTime() / 1000) + 3600,
  });
}

function exhausted(reply: FastifyReply): Answer {
  reply.header('x-ratelimit-reset', Math.ceil(Date.now() / 1000) + 1);
  return problem(403, 'API rate limit exceeded for installation.');
}

type Told = Extract<Answer, { readonly status: number }>;

function paged(
  { list, wrap }: Extract<Answer, { readonly list: unknown }>,
  request: FastifyRequest,
  reply: FastifyReply,
  { url }: World,
): Told {
  const query = request.query as Query;
  const size = Math.min(100, Math.max(1, Number(query['per_page'] ?? 30)));
  const page = Math.max(1, Number(query['page'] ?? 1));
  const last = Math.max(1, Math.ceil(list.length / size));
  const link = (number: number, rel: string): string => {
    const address = new URL(request.url, url);
    address.searchParams.set('page', String(number));
    return `<${address.href}>; rel="${rel}"`;
  };
  const links = [
    ...(page > 1 ? [link(page - 1, 'prev'), link(1, 'first')] : []),
    ...(page < last ? [link(page + 1, 'next'), link(last, 'last')] : []),
  ];
  if (links.length > 0) reply.header('link', links.join(', '));
  const items = list.slice((page - 1) * size, page * size);
  return { status: 200, body: wrap ? wrap(items, list.length) : items };
}

function send(request: FastifyRequest, reply: FastifyReply, { status, body, headers }: Told): FastifyReply {
  reply.code(status).headers(headers ?? {});
  if (body === undefined) return reply.send();
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  if (request.method === 'GET' && status === 200) {
    const tag = `W/"${createHash('sha256').update(text).digest('hex')}"`;
    reply.header('etag', tag);
    if (request.headers['if-none-match'] === tag) return reply.code(304).send();
  }
  return reply.type('application/json; charset=utf-8').serializer(String).send(text);
}
