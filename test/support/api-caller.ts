// Somebody who asks the API of a running guard with a token of their own.
import type { PrincipalKind, Scope } from '../../core/principal.ts';
import type { Database } from '../../server/db.ts';
import { createTokenOffice } from '../../server/identity/tokens.ts';

export interface Caller {
  readonly token: string;
  /** GETs a path below `/api/v1`. */
  get(path: string): Promise<{ readonly status: number; readonly body: unknown; readonly text: string }>;
  /** GETs the raw answer. */
  fetch(path: string): Promise<Response>;
}

export interface CallerOptions {
  readonly name: string;
  readonly kind?: PrincipalKind;
  readonly scopes: readonly Scope[];
  readonly onBehalfOf?: readonly string[];
  readonly owner?: string;
}

/** Issues a token in the guard's database and asks with it. */
export async function createCaller(database: Database, url: string, options: CallerOptions): Promise<Caller> {
  const { name, kind = 'human', scopes, onBehalfOf = [], owner = `${kind}:${name}` } = options;
  const office = createTokenOffice({ database, clock: { now: () => new Date() }, maxLifetime: 86_400 });
  const issued = await office.issue({
    kind,
    name,
    owner,
    purpose: 'tests',
    groups: [],
    onBehalfOf: [...onBehalfOf],
    scopes: scopes.map(({ repository, verbs }) => ({ repository, verbs: [...verbs] })),
    lifetime: 3_600,
    issuedBy: 'test',
  });
  const token = issued.token.reveal();
  const ask = (path: string): Promise<Response> =>
    fetch(`${url}/api/v1${path}`, {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(90_000),
    });
  return {
    token,
    fetch: ask,
    get: async (path) => {
      const response = await ask(path);
      const text = await response.text();
      const isJson = response.headers.get('content-type')?.includes('json') === true;
      const body: unknown = isJson ? JSON.parse(text) : undefined;
      return { status: response.status, body, text };
    },
  };
}
