// `POST /oauth/token` over real tokens, sessions and a database.
import fc from 'fast-check';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Grant } from '../../core/principal.ts';
import { formOf } from '../../server/identity/guard-token.ts';
import type { TokenParts } from '../support/issuer.ts';
import {
  accessType,
  exchangeForm,
  type Form,
  guardUrl,
  jwtType,
  refused,
  type TokenEndpoint,
  tokenEndpoint,
} from '../support/token-endpoint.ts';
import { until } from '../support/until.ts';

let endpoint: TokenEndpoint;
let bench: TokenEndpoint['bench'];
beforeAll(async () => {
  endpoint = await tokenEndpoint();
  bench = endpoint.bench;
});
afterAll(async () => {
  await endpoint[Symbol.asyncDispose]();
});

describe('a token of an issuer', () => {
  test('is exchanged for a session of at most 15 minutes, which the log holds before it is answered', async () => {
    const { status, body } = await endpoint.exchange(await endpoint.jwt({ lifetime: 3_000 }));
    expect(status).toBe(200);
    expect(body).toMatchObject({
      token_type: 'Bearer',
      issued_token_type: accessType,
      scope: 'forge/team/*:fetch,push@refs/heads/agent/**',
      authorization_details: [
        {
          type: 'forgeguard_repository',
          repository: 'forge/team/*',
          verbs: ['fetch', 'push'],
          refs: ['refs/heads/agent/**'],
        },
      ],
    });
    expect(body['expires_in']).toBeGreaterThan(895);
    expect(body['expires_in']).toBeLessThanOrEqual(900);
    const token = String(body['access_token']);
    expect(formOf(token)).toBe('session-token');
    const grant = await bench.guard.prove(token, 'forge/team/app');
    expect(grant.principal).toMatchObject({
      id: 'agent:ci',
      issuer: bench.issuer.url,
      subject: 'ci',
      onBehalfOf: ['human:ada'],
      session: body['session'],
      proof: 'session-token',
    });
    const entries = bench.events.filter(({ request }) => request === body['session']);
    expect(entries).toMatchObject([
      { action: 'session.opened', details: { how: 'exchanged', provedBy: 'oidc' } },
    ]);
    const rows = await bench.database.database.query('select * from identity_session');
    expect(JSON.stringify([rows, bench.events])).not.toContain(token.slice(5, 30));
  });

  test('ends its session when it ends itself', async () => {
    const { body } = await endpoint.exchange(await endpoint.jwt({ lifetime: 60 }));
    expect(body['expires_in']).toBeLessThanOrEqual(60);
  });

  test('is good for one exchange, also when two guards are asked at once', async () => {
    const token = await endpoint.jwt();
    const answers = await Promise.all(Array.from({ length: 5 }, () => endpoint.exchange(token)));
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 400, 400, 400, 400]);
    expect(await bench.guard.refusal(token)).toBe('replayed');
    expect(bench.events.filter(({ details }) => details['reason'] === 'replayed')).not.toEqual([]);
  });

  test('is given back where nothing came of the exchange', async () => {
    const token = await endpoint.jwt();
    await refused(endpoint.exchange(token, { scope: 'forge/**:push' }), 'invalid_scope');
    bench.setAudit(false);
    const { status, body } = await endpoint.exchange(token);
    bench.setAudit(true);
    expect([status, body['error']]).toEqual([503, 'temporarily_unavailable']);
    expect((await endpoint.exchange(token)).status).toBe(200);
  });

  test('that is used directly is bound to one repository and cannot be exchanged any more', async () => {
    const token = await endpoint.jwt();
    expect(await bench.guard.refusal(token, 'forge/team/app')).toBe('accepted');
    expect(await bench.guard.refusal(token, 'FORGE/team/app')).toBe('accepted');
    expect(await bench.guard.refusal(token, 'forge/team/other')).toBe('replayed');
    expect(await bench.anotherGuard().refusal(token, 'forge/team/other')).toBe('replayed');
    expect(await bench.guard.refusal(token)).toBe('accepted');
    await refused(endpoint.exchange(token), 'invalid_request');
  });

  test.each<readonly [string, TokenParts]>([
    ['of another audience', { claims: { aud: 'https://other.example' } }],
    ['expired', { claims: { exp: 1, iat: 0 } }],
    ['of nobody', { claims: { sub: 'nobody' } }],
  ])('is refused %s', async (_what, parts) => {
    await refused(endpoint.exchange(await endpoint.jwt(parts)), 'invalid_request');
  });
});

describe('less may be asked for, and never more', () => {
  const granted = async (more: Form): Promise<Grant['scopes']> =>
    (await bench.guard.prove((await endpoint.session(more)).token)).scopes;

  test('by scope', async () => {
    expect(await granted({ scope: 'forge/team/app:push@refs/heads/agent/one forge/team/b*:fetch' })).toEqual([
      { repository: 'forge/team/app', verbs: ['push'], refs: ['refs/heads/agent/one'] },
      { repository: 'forge/team/b*', verbs: ['fetch'] },
    ]);
  });

  test('by resource, which is the URL of a repository', async () => {
    const refs = ['refs/heads/agent/**'];
    const resource = [`${guardUrl}/git/forge/team/app.git`, `${guardUrl}/git/forge/team/lib`];
    expect(await granted({ resource, audience: guardUrl })).toEqual([
      { repository: 'forge/team/app', verbs: ['fetch', 'push'], refs },
      { repository: 'forge/team/lib', verbs: ['fetch', 'push'], refs },
    ]);
  });

  test('by authorization details', async () => {
    const detail = { type: 'forgeguard_repository', repository: 'forge/team/app', verbs: ['fetch'] };
    expect(await granted({ authorization_details: JSON.stringify([detail]) })).toEqual([
      { repository: 'forge/team/app', verbs: ['fetch'] },
    ]);
  });

  test.each<readonly [Form, string]>([
    [{ scope: 'forge/**:push' }, 'invalid_scope'],
    [{ scope: 'forge/team/app:push' }, 'invalid_scope'],
    [{ scope: 'forge/team/app:push@refs/heads/**' }, 'invalid_scope'],
    [{ scope: 'forge/team/app:push@refs/heads/agent/x,refs/heads/main' }, 'invalid_scope'],
    [{ scope: 'forge/team/app:fetch,approve' }, 'invalid_scope'],
    [{ scope: 'forge/{team,other}/app:fetch' }, 'invalid_scope'],
    [{ scope: 'forge/team/**:fetch' }, 'invalid_scope'],
    [{ scope: 'repo' }, 'invalid_scope'],
    [{ scope: Array.from({ length: 60 }, () => 'forge/team/app:fetch').join(' ') }, 'invalid_scope'],
    [{ resource: `${guardUrl}/git/forge/other/app.git` }, 'invalid_target'],
    [{ resource: 'https://elsewhere.example/git/forge/team/app.git' }, 'invalid_target'],
    [{ resource: `${guardUrl}/git/forge/team/*` }, 'invalid_target'],
    [{ audience: 'https://elsewhere.example' }, 'invalid_target'],
    [{ authorization_details: 'x' }, 'invalid_authorization_details'],
    [{ authorization_details: '[{"type":"other"}]' }, 'invalid_authorization_details'],
    [{ requested_token_type: jwtType }, 'invalid_request'],
    [{ subject_token_type: 'urn:ietf:params:oauth:token-type:saml2' }, 'invalid_request'],
    [{ actor_token: 'x' }, 'invalid_request'],
    [{ grant_type: 'password' }, 'unsupported_grant_type'],
    [{ grant_type: '' }, 'invalid_request'],
    [{ subject_token: '' }, 'invalid_request'],
    [{ scope: ['a', 'b'] }, 'invalid_request'],
  ])('%j', async (more, error) => {
    await refused(endpoint.exchange(await endpoint.jwt(), more), error);
  });
});

describe('a token of the guard', () => {
  test('is exchanged again and again, for less', async () => {
    const { token, id } = await endpoint.issued('agent');
    const first = await endpoint.session(
      { subject_token_type: accessType, scope: 'forge/a/*:fetch,push' },
      token,
    );
    const second = await endpoint.session(
      { subject_token_type: accessType, scope: 'forge/a/b:fetch' },
      first.token,
    );
    expect((await bench.guard.prove(second.token)).scopes).toEqual([
      { repository: 'forge/a/b', verbs: ['fetch'] },
    ]);
    await refused(endpoint.exchange(second.token, { scope: 'forge/a/b:push' }), 'invalid_scope');
    const opened = bench.events.find(({ request }) => request === second.id);
    expect(opened?.details['from']).toEqual([first.id, id]);
    await endpoint.revocations.revokeSession(first.id, 'test');
    await until(
      'what was made of it ends, too',
      async () => (await bench.guard.refusal(second.token)) === 'revoked',
    );
  });

  test('takes its sessions with it', async () => {
    const { token, id } = await endpoint.issued('agent');
    const one = await endpoint.session({}, token);
    const two = await endpoint.session({}, one.token);
    for (const each of [one, two]) expect(await bench.guard.refusal(each.token)).toBe('accepted');
    await endpoint.office.revoke(id, 'test');
    await sleep(1_050);
    for (const each of [one, two]) expect(await bench.guard.refusal(each.token)).toBe('revoked');
  });
});

describe('with an actor', () => {
  test('the session is the agent’s on behalf of the person, and does what both may', async () => {
    const person = await endpoint.jwt({ claims: { sub: 'person-1' } });
    const agent = await endpoint.issued('agent');
    const { token, id } = await endpoint.session(
      { actor_token: agent.token, actor_token_type: accessType },
      person,
    );
    const grant = await bench.guard.prove(token);
    expect(grant.principal).toMatchObject({
      kind: 'agent',
      issuer: 'guard',
      onBehalfOf: ['human:person-1'],
      delegation: [{ id: 'human:person-1', issuer: bench.issuer.url, subject: 'person-1', proof: 'oidc' }],
      proof: 'session-token',
    });
    expect(grant.scopes).toEqual([{ repository: 'forge/team/app', verbs: ['fetch', 'push'] }]);
    expect(bench.events.find(({ request }) => request === id)?.details).toMatchObject({
      how: 'delegated',
      subject: { id: 'human:person-1' },
    });
    await endpoint.revocations.revokePrincipal('human:person-1', 'test');
    await until('it ends with the person', async () => (await bench.guard.refusal(token)) === 'revoked');
    expect(await bench.guard.refusal(agent.token)).toBe('accepted');
  });

  test('a person cannot act for an agent, nor anybody for whom the token does not name', async () => {
    const agent = await endpoint.issued('agent');
    const person = await endpoint.jwt({ claims: { sub: 'person-2' } });
    const actor = { actor_token_type: accessType };
    await refused(endpoint.exchange(agent.token, { ...actor, actor_token: person }), 'invalid_request');
    const other = await endpoint.jwt({ claims: { sub: 'person-2', may_act: { sub: 'somebody' } } });
    await refused(endpoint.exchange(other, { ...actor, actor_token: agent.token }), 'invalid_request');
    const named = await endpoint.jwt({ claims: { sub: 'person-2', may_act: { sub: 'ci' } } });
    const ci = await endpoint.jwt();
    expect((await endpoint.exchange(named, { ...actor, actor_token: ci })).status).toBe(200);
  });

  test('who may do nothing in common gets nothing', async () => {
    const agent = await endpoint.issued('agent', { scopes: [{ repository: 'other/**', verbs: ['push'] }] });
    const person = await endpoint.jwt({ claims: { sub: 'person-3' } });
    const actor = { actor_token: agent.token, actor_token_type: accessType };
    await refused(endpoint.exchange(person, actor), 'invalid_scope');
  });
});

test('JSON is told what is expected instead', async () => {
  const answer = await endpoint.post('/oauth/token', JSON.stringify(exchangeForm('x')), 'application/json');
  expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
  expect(answer.body['error_description']).toMatch(/x-www-form-urlencoded/);
});

test('the metadata names what there is', async () => {
  const answer = await endpoint.get('/.well-known/oauth-authorization-server');
  expect(answer.body).toMatchObject({
    issuer: guardUrl,
    token_endpoint: `${guardUrl}/oauth/token`,
    revocation_endpoint: `${guardUrl}/oauth/revoke`,
    grant_types_supported: ['urn:ietf:params:oauth:grant-type:token-exchange'],
  });
});

test('whatever is sent is answered as the standard says, and opens nothing', async () => {
  const before = bench.events.filter(({ action }) => action === 'session.opened').length;
  const name = fc.constantFrom(
    'grant_type',
    'subject_token',
    'subject_token_type',
    'scope',
    'resource',
    'actor_token',
    'x',
  );
  const value = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.constantFrom(
      exchangeForm('x')['grant_type'] as string,
      jwtType,
      'eyJ.eyJ.x',
      'forge/a:push',
      '{{{',
      '%00',
    ),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc
          .array(fc.tuple(name, value), { maxLength: 8 })
          .map((pairs) => new URLSearchParams(pairs).toString()),
        fc.string({ unit: 'binary', maxLength: 200 }),
      ),
      async (body) => {
        const answer = await endpoint.post('/oauth/token', body);
        expect(answer.status).toBe(400);
        expect(answer.body['error']).toMatch(/^[a-z_]+$/);
      },
    ),
    { numRuns: 200 },
  );
  expect(bench.events.filter(({ action }) => action === 'session.opened')).toHaveLength(before);
});
