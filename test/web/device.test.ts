// An agent that a person lets in with a code (RFC 8628), from the question to the refresh, and what must not work.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type PeopleForge, startPeopleForge } from '../support/people-forge.ts';
import { csrfIn, type WebClient } from '../support/web-client.ts';

let scene: PeopleForge;
beforeAll(async () => {
  scene = await startPeopleForge();
});
afterAll(() => scene[Symbol.asyncDispose]());

type Body = Readonly<Record<string, unknown>>;

async function post(
  path: string,
  fields: Readonly<Record<string, string>>,
): Promise<{ readonly status: number; readonly body: Body }> {
  const answer = await fetch(scene.url + path, { method: 'POST', body: new URLSearchParams(fields) });
  return { status: answer.status, body: z.record(z.string(), z.unknown()).parse(await answer.json()) };
}

const ask = (scope = 'forge/team/*:fetch,push', agent = 'laptop-bot') =>
  post('/oauth/device_authorization', { client_id: agent, scope });

const poll = (asked: Body) =>
  post('/oauth/token', {
    grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
    device_code: String(asked['device_code']),
    client_id: 'laptop-bot',
  });

const refresh = (token: unknown, agent = 'laptop-bot') =>
  post('/oauth/token', { grant_type: 'refresh_token', refresh_token: String(token), client_id: agent });

async function decide(client: WebClient, asked: Body, decision: 'allow' | 'deny') {
  const form = await client.open(`${scene.url}/ui/device`);
  const shown = await client.submit(`${scene.url}/ui/device`, {
    csrf: csrfIn(form),
    code: String(asked['user_code']),
  });
  const answer = await client.submit(`${scene.url}/ui/device/decide`, {
    csrf: csrfIn(shown),
    code: String(asked['user_code']),
    decision,
  });
  return { shown, answer };
}

/** Lets the agent ask again at once. */
async function forgetPoll(): Promise<void> {
  await scene.forge.database.database.query('update device_request set polled_at = null');
}

async function connected(): Promise<Body> {
  const { body: asked } = await ask();
  const { client } = await scene.browserOf('olu');
  await decide(client, asked, 'allow');
  return (await poll(asked)).body;
}

const accepted = async (token: unknown): Promise<number> =>
  (await fetch(`${scene.url}/api/v1/approvals`, { headers: { authorization: `Bearer ${String(token)}` } }))
    .status;

describe('an agent', () => {
  test('gets a session in the name of the person who permits it', async () => {
    const { status, body: asked } = await ask();
    expect(status).toBe(200);
    expect(asked).toMatchObject({ verification_uri: `${scene.url}/ui/device`, expires_in: 600, interval: 5 });
    expect(asked['user_code']).toMatch(/^[BCDFGHJ-NP-TVWXZ]{4}-[BCDFGHJ-NP-TVWXZ]{4}$/);
    expect((await poll(asked)).body).toMatchObject({ error: 'authorization_pending' });
    expect((await poll(asked)).body).toMatchObject({ error: 'slow_down' });
    const { client } = await scene.browserOf('olu');
    const { shown, answer } = await decide(client, asked, 'allow');
    expect(shown.text).toContain('agent:laptop-bot');
    expect(shown.text).toContain('forge/team/*:fetch,push');
    expect(shown.text).toContain('127.0.0.1');
    expect(shown.text).toContain('Did somebody send you this code?');
    expect(answer.text).toContain('acts for you');
    await forgetPoll();
    const { status: granted, body } = await poll(asked);
    expect(granted).toBe(200);
    expect(body).toMatchObject({ token_type: 'Bearer', scope: 'forge/team/*:fetch,push' });
    expect(Number(body['expires_in'])).toBeLessThanOrEqual(900);
    expect(await accepted(body['access_token'])).toBe(200);
    const entries = await scene.forge.audit();
    expect(entries.findLast(({ action }) => action === 'device.approved')).toMatchObject({
      actor: { id: 'human:olu@example.org', proof: 'web' },
      details: { agent: 'agent:laptop-bot', scopes: ['forge/team/*:fetch,push'], address: '127.0.0.1' },
    });
    expect(entries.findLast(({ action }) => action === 'session.opened')?.actor).toMatchObject({
      kind: 'agent',
      id: 'agent:laptop-bot',
      onBehalfOf: ['human:olu@example.org'],
    });
    // The code works once.
    expect((await poll(asked)).body).toMatchObject({ error: 'expired_token' });
  });

  test('is told of it by the metadata of the server', async () => {
    const answer = await fetch(`${scene.url}/.well-known/oauth-authorization-server`);
    const told = z
      .looseObject({ device_authorization_endpoint: z.string(), grant_types_supported: z.array(z.string()) })
      .parse(await answer.json());
    expect(told.device_authorization_endpoint).toBe(`${scene.url}/oauth/device_authorization`);
    expect(told.grant_types_supported).toContain('refresh_token');
    expect(told.grant_types_supported).toContain('urn:ietf:params:oauth:grant-type:device_code');
  });

  test('gets nothing where the person denies it, or may not permit so much', async () => {
    const { body: asked } = await ask();
    const olu = await scene.browserOf('olu');
    await decide(olu.client, asked, 'deny');
    expect((await poll(asked)).body).toMatchObject({ error: 'access_denied' });
    const denied = (await scene.forge.audit()).findLast(({ action }) => action === 'device.denied');
    expect(denied?.actor).toMatchObject({ id: 'human:olu@example.org' });
    for (const scope of ['**:fetch,push', 'other/**:fetch', 'forge/**:admin', 'forge/**:approve']) {
      const { body: greedy } = await ask(scope);
      const { answer } = await decide(olu.client, greedy, 'allow');
      expect(answer.status, scope).toBe(403);
      expect((await poll(greedy)).body).toMatchObject({ error: 'authorization_pending' });
    }
    const { body: other } = await ask();
    const ada = await scene.browserOf('ada');
    expect((await decide(ada.client, other, 'allow')).answer.status).toBe(403);
  });

  test.each([
    ['no scope', { client_id: 'a' }],
    ['a scope that is none', { client_id: 'a', scope: 'everything' }],
    ['a name that is none', { client_id: 'a b', scope: 'forge/**:fetch' }],
  ])('is refused a code with %s', async (_what, fields) => {
    const { status, body } = await post('/oauth/device_authorization', fields);
    expect(status).toBe(400);
    expect(body).toMatchObject({ error: 'invalid_request' });
  });

  test('cannot guess: a wrong code is told, and only a few may be tried', async () => {
    const { client, page } = await scene.browserOf('cem');
    const csrf = csrfIn(page);
    const statuses: number[] = [];
    for (let tries = 0; tries < 31; tries += 1)
      statuses.push((await client.submit(`${scene.url}/ui/device`, { csrf, code: 'BBBB-BBBB' })).status);
    expect(statuses.slice(0, 30)).toEqual(Array.from({ length: 30 }, () => 404));
    expect(statuses[30]).toBe(429);
  });
});

describe('a refresh token', () => {
  test('works once, and one that comes again ends everything', async () => {
    const first = await connected();
    const second = (await refresh(first['refresh_token'])).body;
    expect(second).toHaveProperty('access_token');
    expect(second['refresh_token']).not.toBe(first['refresh_token']);
    expect(await accepted(second['access_token'])).toBe(200);
    const copied = await refresh(first['refresh_token']);
    expect(copied.status).toBe(400);
    expect(copied.body).toMatchObject({ error: 'invalid_grant' });
    expect((await refresh(second['refresh_token'])).body).toMatchObject({ error: 'invalid_grant' });
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    expect(await accepted(first['access_token'])).toBe(401);
    expect(await accepted(second['access_token'])).toBe(401);
    const entry = (await scene.forge.audit()).findLast(({ action }) => action === 'device.reused');
    expect(entry?.details).toMatchObject({ agent: 'agent:laptop-bot', person: 'human:olu@example.org' });
  });

  test('is good for the agent that it was given to, and while it is fresh', async () => {
    const body = await connected();
    expect((await refresh(body['refresh_token'], 'other-bot')).body).toMatchObject({
      error: 'invalid_grant',
    });
    const next = await connected();
    await scene.forge.database.database.query('update refresh_token set expires_at = now()');
    expect((await refresh(next['refresh_token'])).body).toMatchObject({ error: 'invalid_grant' });
    expect((await refresh('fgr_made-up')).body).toMatchObject({ error: 'invalid_grant' });
  });

  test('is worth nothing once the person has lost the role', async () => {
    const body = await connected();
    const account = scene.logins.accounts.get('olu') ?? {};
    scene.logins.accounts.set('olu', { ...account, groups: [] });
    await scene.browserOf('olu');
    expect((await refresh(body['refresh_token'])).body).toMatchObject({ error: 'invalid_grant' });
    scene.logins.accounts.set('olu', account);
  });
});
