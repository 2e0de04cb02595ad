// Tokens of an issuer and session tokens with real git through a real guard: used, renewed, revoked, and abused.
import { randomBytes } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRevocationOffice, type RevocationOffice } from '../../server/identity/revocations.ts';
import { ok, withCredentials } from '../support/client.ts';
import { commitOfFiles, noObject } from '../support/git-object.ts';
import { basic, type GuardedForge, startGuardedForge } from '../support/guarded-forge.ts';
import { startIssuer, type TestIssuer, type TokenParts } from '../support/issuer.ts';
import { packOf } from '../support/pack.ts';
import { receivePackBody } from '../support/raw-push.ts';
import { readRefusal } from '../support/refusal.ts';
import { createReviewer } from '../support/reviewers.ts';
import { until } from '../support/until.ts';

let issuer: TestIssuer;
let forge: GuardedForge;
let revocations: RevocationOffice;
const audience = 'https://guard.example';

beforeAll(async () => {
  issuer = await startIssuer();
  const rule = (name: string, verbs: readonly string[]) => ({
    when: { sub: name },
    agent: name,
    onBehalfOf: 'human:{person}',
    scopes: [{ repository: 'forge/**', verbs }],
  });
  forge = await startGuardedForge({
    config: {
      identity: {
        issuers: [
          {
            issuer: issuer.url,
            audience,
            clockSkew: '0s',
            claims: ['person'],
            reuse: 'until-expiry',
            rules: [rule('ci', ['fetch', 'push']), rule('reader', ['fetch'])],
          },
        ],
      },
    },
  });
  revocations = createRevocationOffice(forge.database.database, { now: () => new Date() });
});
afterAll(async () => {
  await forge?.[Symbol.asyncDispose]();
  await issuer?.[Symbol.asyncDispose]();
});

const jwt = ({ claims = {}, ...parts }: TokenParts = {}): Promise<string> =>
  issuer.token({
    ...parts,
    claims: { sub: 'ci', person: 'ada', aud: audience, jti: randomBytes(8).toString('hex'), ...claims },
  });

async function exchange(token: string, more: Readonly<Record<string, string>> = {}): Promise<Response> {
  return fetch(`${forge.guard.url}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      ...more,
    }),
  });
}

async function session(parts: TokenParts = {}): Promise<{ readonly token: string; readonly id: string }> {
  const answer = await exchange(await jwt(parts));
  expect(answer.status).toBe(200);
  const body = (await answer.json()) as { readonly access_token: string; readonly session: string };
  return { token: body.access_token, id: body.session };
}

const advertise = (url: string, authorization: string): Promise<Response> =>
  fetch(`${url}/info/refs?service=git-upload-pack`, { headers: { authorization } });

let made = 0;
async function repository(): Promise<{
  readonly bareUrl: string;
  readonly refs: () => Promise<object>;
  readonly name: string;
}> {
  const name = `tokens/repo-${(made += 1)}`;
  const { bareUrl, repository: upstream } = await forge.createRepo(name, {
    seed: { 'README.md': `${name}\n` },
  });
  return { bareUrl, refs: () => upstream.refs(), name };
}

test('a token of the issuer is a password for git, and its session a better one', async () => {
  const { bareUrl, refs, name } = await repository();
  const own = await session();
  for (const [index, token] of [await jwt(), own.token].entries()) {
    const tree = await forge.client.clone(withCredentials(bareUrl, 'x', token));
    const oid = await tree.commit('more', { 'more.txt': `${index}\n` });
    ok(await tree.push(`HEAD:refs/heads/agent/${index}`));
    expect(await refs()).toMatchObject({ [`refs/heads/agent/${index}`]: oid });
  }
  const pushes = (await forge.audit()).filter(
    (entry) => entry.repository === `forge/${name}` && entry.action === 'push.forwarded',
  );
  expect(pushes.map(({ actor }) => [actor?.id, actor?.issuer, actor?.onBehalfOf, actor?.proof])).toEqual([
    ['agent:ci', issuer.url, ['human:ada'], 'oidc'],
    ['agent:ci', issuer.url, ['human:ada'], 'session-token'],
  ]);
  expect(pushes[1]?.actor?.session).toBe(own.id);
  expect((await advertise(bareUrl, `Bearer ${own.token}`)).status).toBe(200);
  expect(
    (
      await fetch(`${forge.guard.url}/api/v1/approvals`, {
        headers: { authorization: `Bearer ${await jwt()}` },
      })
    ).status,
  ).toBe(200);
  expect(forge.guard.logs()).not.toContain(own.token);
});

test('a token that may be exchanged again is revoked with everything that was made of it', async () => {
  const { bareUrl } = await repository();
  const token = await jwt();
  const sessions = await Promise.all([exchange(token), exchange(token)]);
  const bodies = (await Promise.all(sessions.map((answer) => answer.json()))) as readonly {
    readonly access_token: string;
    readonly session: string;
  }[];
  const opened = (await forge.audit()).find(({ request }) => request === bodies[0]?.session);
  const shown = opened?.details['token'];
  await revocations.revokeSession(typeof shown === 'string' ? shown : '', 'test');
  for (const used of [token, ...bodies.map((body) => body.access_token)])
    expect((await advertise(bareUrl, basic(used))).status).toBe(401);
});

test('a token for fetches does not push, and a session cannot be asked for more', async () => {
  const { bareUrl } = await repository();
  const reader = await session({ claims: { sub: 'reader' } });
  expect((await advertise(bareUrl, basic(reader.token))).status).toBe(200);
  const asked = await fetch(`${bareUrl}/info/refs?service=git-receive-pack`, {
    headers: { authorization: basic(reader.token) },
  });
  expect(asked.status).toBe(403);
  const broader = await exchange(reader.token, {
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    scope: 'forge/**:fetch,push',
  });
  expect([broader.status, await broader.json()]).toMatchObject([400, { error: 'invalid_scope' }]);
});

test('a long clone goes on when its session ends, and git renews it by its helper', async () => {
  const name = `tokens/long-${(made += 1)}`;
  const content = randomBytes(400_000).toString('base64');
  const { bareUrl } = await forge.createRepo(name, { seed: { 'big.txt': content } });
  // A helper as git calls it: a token of the issuer, exchanged for a session that lives as long as that.
  const counter = join(forge.client.directory, 'asked');
  const helper = join(forge.client.directory, 'helper.mjs');
  const subjects = await Promise.all([jwt({ lifetime: 4 }), jwt({ lifetime: 120 }), jwt({ lifetime: 120 })]);
  await writeFile(counter, '');
  await writeFile(
    helper,
    `import { appendFileSync, readFileSync } from 'node:fs';
if (process.argv.at(-1) !== 'get') process.exit(0);
const asked = readFileSync(${JSON.stringify(counter)}, 'utf8').length;
appendFileSync(${JSON.stringify(counter)}, '.');
const answer = await fetch(${JSON.stringify(`${forge.guard.url}/oauth/token`)}, {
  method: 'POST',
  body: new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: ${JSON.stringify(subjects)}[asked],
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
  }),
});
const body = await answer.json();
console.log('username=x\\npassword=' + body.access_token + '\\npassword_expiry_utc=' + (Math.floor(Date.now() / 1000) + body.expires_in));
`,
  );
  forge.upstream.fault({
    on: 'git-upload-pack',
    times: 2,
    effect: { kind: 'trickle', bytes: 110_000, milliseconds: 900 },
  });
  const directory = join(forge.client.directory, 'long');
  const withHelper = ['-c', `credential.helper=!"${process.execPath}" "${helper}"`];
  const began = performance.now();
  ok(await forge.client.git([...withHelper, 'clone', '--quiet', bareUrl, directory]));
  expect(performance.now() - began).toBeGreaterThan(4_000);
  ok(await forge.client.git([...withHelper, 'fetch', '--quiet'], { cwd: directory }));
  const asked = await readFile(counter, 'utf8');
  expect(asked.length).toBe(2);
});

describe('revoked in the middle of a push', () => {
  const objects = commitOfFiles({ 'a.txt': 'a\n' });

  /** Sends all but the end of a push, does `meanwhile`, sends the rest, and returns what the client is told. */
  async function interrupted(
    bareUrl: string,
    token: string,
    meanwhile: () => Promise<void>,
  ): Promise<string> {
    const body = Buffer.from(
      receivePackBody({
        commands: [{ oldOid: noObject(), newOid: objects[0].oid, ref: 'refs/heads/agent/slow' }],
        pack: packOf(objects),
      }),
    );
    const cut = body.length - 20;
    return new Promise((resolve, reject) => {
      const request = httpRequest(
        `${bareUrl}/git-receive-pack`,
        {
          method: 'POST',
          headers: {
            authorization: basic(token),
            'content-type': 'application/x-git-receive-pack-request',
            'content-length': body.length,
          },
        },
        (response) => {
          let text = '';
          response.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
          response.on('end', () => resolve(text));
          response.on('error', reject);
        },
      );
      request.on('error', reject);
      request.write(body.subarray(0, cut));
      void (async () => {
        await until('the push is received', async () =>
          (await forge.audit()).some(
            ({ action, repository: where }) =>
              action === 'push.received' && bareUrl.includes(where ?? 'none'),
          ),
        );
        await meanwhile();
        request.end(body.subarray(cut));
      })().catch(reject);
    });
  }

  const lastOf = async (name: string) =>
    (await forge.audit()).findLast(
      (entry) => entry.repository === `forge/${name}` && entry.action.startsWith('push.'),
    );

  test.each<
    readonly [
      string,
      (own: { readonly token: string; readonly id: string; readonly person: string }) => Promise<void>,
    ]
  >([
    ['by its id', ({ id }) => revocations.revokeSession(id, 'test')],
    [
      'by the agent',
      async () => {
        await revocations.revokePrincipal('agent:ci', 'test');
        // Tokens tell their time of issue in whole seconds: those of this second count as issued before.
        await sleep(1_000);
      },
    ],
    ['by the person', ({ person }) => revocations.revokePrincipal(`human:${person}`, 'test')],
    [
      'by its holder',
      async ({ token }) => {
        const body = new URLSearchParams({ token });
        expect((await fetch(`${forge.guard.url}/oauth/revoke`, { method: 'POST', body })).status).toBe(200);
      },
    ],
  ])('%s: refused before the forward', async (_how, revoke) => {
    const { bareUrl, refs, name } = await repository();
    // Each case has a person of its own: what one revokes is no matter to the next.
    const person = `grace-${randomBytes(4).toString('hex')}`;
    const own = await session({ claims: { person } });
    const before = await refs();
    const told = await interrupted(bareUrl, own.token, () => revoke({ ...own, person }));
    expect(told).toMatch(/ng refs\/heads\/agent\/slow/);
    expect(told).toMatch(/revoked meanwhile \[identity\/revoked\]/);
    expect(await refs()).toEqual(before);
    expect(await lastOf(name)).toMatchObject({
      action: 'push.refused',
      details: { code: 'identity/revoked' },
    });
  });

  test('but one whose session has only ended may finish', async () => {
    const { bareUrl, refs } = await repository();
    const own = await session({ lifetime: 4 });
    const told = await interrupted(bareUrl, own.token, () => sleep(4_500));
    expect(told).toMatch(/ok refs\/heads\/agent\/slow/);
    expect(await refs()).toMatchObject({ 'refs/heads/agent/slow': objects[0].oid });
    expect((await advertise(bareUrl, basic(own.token))).status).toBe(401);
  });
});

test('what an agent had held does not land once its person was revoked, whoever approves it', async () => {
  const { bareUrl, refs } = await repository();
  const own = await session({ claims: { person: 'mallory' } });
  const tree = await forge.client.clone(withCredentials(bareUrl, 'x', own.token));
  await tree.commit('change', { 'README.md': 'changed\n' });
  const before = await refs();
  const pushed = await tree.push('HEAD:refs/heads/main', { options: ['forgeguard.format=json'] });
  const id = readRefusal(pushed.stderr).approval?.id ?? '';
  const reviewer = await createReviewer(forge.database.database, forge.guard.url, 'eve@example.org');
  await revocations.revokePrincipal('human:mallory', 'test');
  await reviewer.decide(id, 'approve');
  const seen = await reviewer.until(id, 'stale');
  expect(seen.note).toMatch(/was not applied: .* was revoked meanwhile/);
  expect(await refs()).toEqual(before);
});

describe('the header', () => {
  /** Sends a request by hand, header lines as they are, and returns the status. */
  async function raw(url: string, ...lines: readonly string[]): Promise<number> {
    const { hostname, port, pathname } = new URL(url);
    return new Promise((resolve, reject) => {
      const socket = connect(Number(port), hostname, () => {
        const head = [
          `GET ${pathname}/info/refs?service=git-upload-pack HTTP/1.1`,
          `Host: ${hostname}:${port}`,
          ...lines,
          'Connection: close',
        ];
        socket.write(`${head.join('\r\n')}\r\n\r\n`, 'latin1');
      });
      let text = '';
      socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
      socket.on('end', () => resolve(Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1])));
      // A request that is too long is answered, and cut off, while it is still being sent.
      socket.on('error', (error) =>
        'code' in error && error.code === 'ECONNRESET' ? resolve(431) : reject(error),
      );
      socket.setTimeout(10_000, () => socket.destroy(new Error('no answer')));
    });
  }

  test('is one header with one credential, or is refused', async () => {
    const { bareUrl } = await repository();
    const { token } = await session();
    const good = `Authorization: ${basic(token)}`;
    expect(await raw(bareUrl, good)).toBe(200);
    expect(await raw(bareUrl, 'Authorization: Bearer x')).toBe(401);
    const smuggled: readonly (readonly string[])[] = [
      [good, 'Authorization: Bearer x'],
      ['Authorization: Bearer x', good],
      [good, good],
      [good, 'AUTHORIZATION: '],
      [`Authorization: Bearer ${token}, Bearer ${token}`],
      [`Authorization: Bearer\r\n ${token}x`],
      [`Authorization: Bearer ${token.slice(0, 9)}\r\n ${token.slice(9)}`],
      [`Authorization : Bearer ${token}`],
      [`Authorization: Bearer ${token}\u0000`],
      [`Authorization: Bearer ${token}\u007f`],
      [`Authorization: Bearer \u00a0${token}`],
      [`Authorization: Bearer ${token}\nX: y`],
      [`X-Forwarded-Authorization: Bearer ${token}`],
      [`Proxy-Authorization: Bearer ${token}`],
      [`Authorization: Bearer ${'x'.repeat(9_000)}`],
      [`Authorization: Bearer ${'x'.repeat(40_000)}`],
    ];
    for (const lines of smuggled) {
      const status = await raw(bareUrl, ...lines);
      expect([400, 401, 431], JSON.stringify(lines).slice(0, 60)).toContain(status);
    }
  });
});

test('a guard of another forge does not take it, nor does it take theirs', async () => {
  await using elsewhere = await startGuardedForge({
    config: {
      identity: {
        issuers: [
          {
            issuer: issuer.url,
            audience: 'https://other-guard.example',
            rules: [{ human: '{sub}', scopes: [{ repository: '**', verbs: ['fetch'] }] }],
          },
        ],
      },
    },
  });
  const { bareUrl } = await elsewhere.createRepo('a/b', { seed: { 'README.md': 'x\n' } });
  const own = await session();
  for (const token of [await jwt(), own.token, forge.token])
    expect((await advertise(bareUrl, basic(token))).status).toBe(401);
  const theirs = await jwt({ claims: { aud: 'https://other-guard.example' } });
  expect((await advertise(bareUrl, basic(theirs))).status).toBe(200);
  const { bareUrl: here } = await repository();
  for (const token of [theirs, elsewhere.token])
    expect((await advertise(here, basic(token))).status).toBe(401);
});
