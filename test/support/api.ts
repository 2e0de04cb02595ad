// The API over real approvals, real tokens and a real audit log, without the rest of a guard.
import type { FastifyInstance } from 'fastify';
import type { HeldChanges } from '../../core/services.ts';
import { approvalRoutes } from '../../server/api/approval-routes.ts';
import { createApi } from '../../server/api/part.ts';
import { shredRoutes } from '../../server/api/shred-routes.ts';
import { createShredding } from '../../server/audit/sealing/shredding.ts';
import { createHttpServer } from '../../server/http.ts';
import { createIdentity } from '../../server/identity/part.ts';
import { createTokenOffice, type TokenOffice, type TokenRequest } from '../../server/identity/tokens.ts';
import { type ApprovalBench, approvalBench } from './approvals.ts';

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  /** The body, read as JSON where it is. */
  readonly body: unknown;
  readonly text: string;
}

export interface ApiBench extends AsyncDisposable {
  readonly held: ApprovalBench;
  readonly http: FastifyInstance;
  /** A token; a person's own, unless it is said otherwise. */
  issue(request: Pick<TokenRequest, 'kind' | 'name' | 'scopes'> & Partial<TokenRequest>): Promise<string>;
  call(token: string | undefined, path: string, body?: object | null): Promise<ApiAnswer>;
}

export interface ApiBenchOptions {
  readonly requestsPerMinute?: number;
  readonly changes?: HeldChanges;
}

const clock = { now: () => new Date() };

/** Opens everything; closes it in the opposite order. */
export async function apiBench(options: ApiBenchOptions = {}): Promise<ApiBench> {
  await using resources = new AsyncDisposableStack();
  const held = resources.use(await approvalBench());
  const { database, audit } = held;
  const identity = resources.use(createIdentity({ database, clock, audit }));
  const http = createHttpServer({ log: { write: () => undefined }, checkReady: async () => undefined });
  resources.defer(() => http.close());
  await http.register(
    createApi({
      identity,
      version: '0.0.0',
      publicUrl: 'https://guard.example',
      requestsPerMinute: options.requestsPerMinute ?? 10_000,
      routes: [
        approvalRoutes({
          approvals: held.approvals,
          changes: options.changes === undefined ? {} : { push: options.changes },
          audit,
        }),
        shredRoutes(createShredding({ database, audit, clock, derived: [] })),
      ],
    }),
  );
  const office: TokenOffice = createTokenOffice({ database, clock, maxLifetime: 86_400 });
  const kept = resources.move();
  return {
    held,
    http,
    issue: async (request) => {
      const { token } = await office.issue({
        owner: `${request.kind}:${request.name}`,
        purpose: 'tests',
        groups: [],
        onBehalfOf: [],
        lifetime: 3_600,
        issuedBy: 'test',
        ...request,
      });
      return token.reveal();
    },
    call: async (token, path, body) => {
      const answer = await http.inject({
        method: body === undefined ? 'GET' : 'POST',
        url: `/api/v1${path}`,
        headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
        ...(body === undefined || body === null ? {} : { payload: body }),
      });
      const isJson = String(answer.headers['content-type']).startsWith('application/json');
      return {
        status: answer.statusCode,
        headers: answer.headers,
        body: isJson ? answer.json() : undefined,
        text: answer.body,
      };
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
