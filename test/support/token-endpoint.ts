// The token endpoint over an identity bench: requests by form, and tokens of every kind to send there. Tokens of its issuer
// are good once; `ci` is an agent, `person-…` are people.
import { expect } from 'vitest';
import { createHttpServer } from '../../server/http.ts';
import { createRevocationOffice, type RevocationOffice } from '../../server/identity/revocations.ts';
import { createTokenOffice, type TokenOffice } from '../../server/identity/tokens.ts';
import { type IdentityBench, identityBench, usualRule } from './identity-bench.ts';
import type { TokenParts } from './issuer.ts';

export const guardUrl = 'https://guard.example';
export const jwtType = 'urn:ietf:params:oauth:token-type:jwt';
export const accessType = 'urn:ietf:params:oauth:token-type:access_token';

export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

export type Form = Readonly<Record<string, string | readonly string[]>>;

export interface MadeToken {
  readonly token: string;
  readonly id: string;
}

export interface TokenEndpoint extends AsyncDisposable {
  readonly bench: IdentityBench;
  readonly revocations: RevocationOffice;
  readonly office: TokenOffice;
  get(path: string): Promise<Answer>;
  post(path: string, form: Form | string, type?: string): Promise<Answer>;
  /** A token of the issuer, with a `jti` of its own. */
  jwt(parts?: TokenParts): Promise<string>;
  exchange(token: string, more?: Form): Promise<Answer>;
  /** A session, for a token of the issuer where none is given. */
  session(more?: Form, token?: string): Promise<MadeToken>;
  /** A guard token of somebody new; `more` changes what it is asked for with. */
  issued(kind: 'agent' | 'human', more?: object): Promise<MadeToken>;
}

/** What is sent to exchange a token. */
export const exchangeForm = (token: string, more: Form = {}): Form => ({
  grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
  subject_token: token,
  subject_token_type: jwtType,
  ...more,
});

/** The answer is this error, told as RFC 6749 §5.2 demands. */
export async function refused(answer: Promise<Answer>, error: string): Promise<void> {
  const { status, body } = await answer;
  expect([status, body['error']]).toEqual([400, error]);
  expect(String(body['error_description'])).toMatch(/^[\x20\x21\x23-\x5b\x5d-\x7e]+$/);
}

/** Opens it. */
export async function tokenEndpoint(): Promise<TokenEndpoint> {
  const bench = await identityBench({
    reuse: 'never',
    rules: [
      usualRule,
      {
        ...usualRule,
        when: { sub: ['person-*'] },
        kind: 'human',
        name: '{sub}',
        onBehalfOf: [],
        scopes: [{ repository: 'forge/team/app', verbs: ['fetch', 'push', 'approve'] }],
      },
    ],
  });
  const http = createHttpServer({ log: { write: () => undefined }, checkReady: async () => undefined });
  await http.register(bench.guard.oauth({ guardUrl: () => guardUrl, watch: bench.watch }));
  const { database } = bench.database;
  const clock = { now: () => new Date() };
  const office = createTokenOffice({ database, clock, maxLifetime: 86_400 });
  let made = 0;

  const post: TokenEndpoint['post'] = async (path, form, type = 'application/x-www-form-urlencoded') => {
    const payload = typeof form === 'string' ? form : encode(form);
    const answer = await http.inject({
      method: 'POST',
      url: path,
      headers: { 'content-type': type },
      payload,
    });
    if (answer.statusCode !== 200) expect(answer.body).not.toMatch(/eyJ|fgs?_/);
    expect(answer.headers['cache-control']).toBe('no-store');
    return {
      status: answer.statusCode,
      body: answer.body === '' ? {} : (JSON.parse(answer.body) as Record<string, unknown>),
    };
  };
  const jwt: TokenEndpoint['jwt'] = (parts = {}) =>
    bench.token({ ...parts, claims: { jti: `jti-${(made += 1)}`, ...parts.claims } });
  const exchange: TokenEndpoint['exchange'] = (token, more) =>
    post('/oauth/token', exchangeForm(token, more));

  return {
    bench,
    revocations: createRevocationOffice(database, clock),
    office,
    get: async (path) => {
      const answer = await http.inject({ url: path });
      return { status: answer.statusCode, body: answer.json<Record<string, unknown>>() };
    },
    post,
    jwt,
    exchange,
    session: async (more = {}, token) => {
      const answer = await exchange(token ?? (await jwt()), more);
      expect(answer).toMatchObject({ status: 200 });
      return { token: String(answer.body['access_token']), id: String(answer.body['session']) };
    },
    issued: async (kind, more = {}) => {
      const { token, record } = await office.issue({
        kind,
        name: `made-${(made += 1)}`,
        owner: 'human:ada',
        purpose: 'testing',
        groups: [],
        onBehalfOf: [],
        scopes: [{ repository: 'forge/**', verbs: ['fetch', 'push'] }],
        lifetime: 3_600,
        issuedBy: 'test',
        ...more,
      });
      return { token: token.reveal(), id: record.id };
    },
    [Symbol.asyncDispose]: async () => {
      await http.close();
      await bench[Symbol.asyncDispose]();
    },
  };
}

function encode(form: Form): string {
  const pairs = Object.entries(form).flatMap(([name, value]) =>
    (typeof value === 'string' ? [value] : value).map((one): [string, string] => [name, one]),
  );
  return new URLSearchParams(pairs).toString();
}
