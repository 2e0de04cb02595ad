// Git through the guard to a GitHub, as which the guard is an App: agents never see its key or tokens, and each token may
// do no more than the request that it was made for.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { secondaryLimit } from '../support/github/api-faults.ts';
import type { FakeApp, Installation, TokenFormat } from '../support/github/account-state.ts';
import { type FakeGitHub, startFakeGitHub } from '../support/github/fake-github.ts';
import { ok, withCredentials, type WorkTree } from '../support/client.ts';
import { placesThatHold } from '../support/nowhere.ts';
import { type PushForge, startPushForge } from '../support/push-forge.ts';
import type { Run } from '../support/run.ts';

const resources = new AsyncDisposableStack();
let github: FakeGitHub;
let app: FakeApp;
let installation: Installation;
let forge: PushForge;
const said: string[] = [];

beforeAll(async () => {
  github = resources.use(await startFakeGitHub());
  app = github.createApp({ permissions: { contents: 'write', workflows: 'write', metadata: 'read' } });
  installation = github.install(app, 'acme');
  const credential = { mode: 'github-app', appId: app.id, privateKey: { env: 'APP_KEY' } };
  forge = resources.use(
    await startPushForge({
      forges: [
        { name: 'hub', url: github.url, credential },
        { name: 'flows', url: github.url, credential: { ...credential, allowWorkflows: true } },
      ],
      env: { APP_KEY: app.privateKey },
      policy: { version: 1, rules: [] },
    }),
  );
});
afterAll(() => resources.disposeAsync());

let seen = 0;
beforeEach(() => (seen = github.calls.length));

function told(run: Run): Run {
  said.push(run.stdout, run.stderr);
  return run;
}

let made = 0;
const urlOf = (name: string, through = 'hub', owner = 'acme'): string =>
  withCredentials(`${forge.guard.url}/git/${through}/${owner}/${name}.git`, 'agent', forge.agentToken);

async function cloneOfNew(through = 'hub'): Promise<{ readonly tree: WorkTree; readonly name: string }> {
  const name = `made-${(made += 1)}`;
  await github.createRepository('acme', name);
  return { tree: await forge.client.clone(urlOf(name, through)), name };
}

/** Permissions of the tokens that were made since the test began. */
const permissions = (): readonly unknown[] =>
  github.calls
    .slice(seen)
    .filter(({ operation }) => operation.startsWith('POST /app/'))
    .map(({ body }) => (body as { readonly permissions: unknown }).permissions);

describe.each<TokenFormat>(['opaque', 'jwt'])('with tokens in the format %s', (format) => {
  test('a clone reads, a push writes, and a force push reads what it needs', async () => {
    app.tokenFormat = format;
    const { tree } = await cloneOfNew();
    expect(permissions()).toEqual([{ contents: 'read' }]);
    await tree.commit('One', { 'one.txt': 'one\n' });
    ok(told(await tree.push('HEAD:refs/heads/topic')));
    ok(await tree.git('commit', '--quiet', '--amend', '-m', 'Another'));
    ok(told(await tree.push('+HEAD:refs/heads/topic')));
    ok(told(await tree.git('fetch')));
    expect(permissions()).toEqual([{ contents: 'read' }, { contents: 'write' }]);
  });
});

test('many at once share one token', async () => {
  const name = 'busy';
  await github.createRepository('acme', name);
  const listed = await Promise.all(
    Array.from({ length: 6 }, () => forge.client.git(['ls-remote', urlOf(name)])),
  );
  expect(listed.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0, 0]);
  expect(permissions()).toEqual([{ contents: 'read' }]);
});

test('the permission for workflows is asked for where it is allowed and a push changes workflow files', async () => {
  const { tree } = await cloneOfNew('flows');
  await tree.commit('One', { 'one.txt': 'one\n' });
  ok(told(await tree.push('HEAD:refs/heads/plain')));
  await tree.commit('Two', { '.github/workflows/build.yml': 'on: push\n' });
  ok(told(await tree.push('HEAD:refs/heads/flow')));
  expect(permissions()).toEqual([
    { contents: 'read' },
    { contents: 'write' },
    { contents: 'write', workflows: 'write' },
  ]);
  seen = github.calls.length;
  const other = await cloneOfNew('hub');
  await other.tree.commit('Two', { '.github/workflows/build.yml': 'on: push\n' });
  told(await other.tree.push('HEAD:refs/heads/flow'));
  expect(permissions()).not.toContainEqual(expect.objectContaining({ workflows: 'write' }));
});

describe('an agent is told, without a password to ask for, that', () => {
  const list = async (name: string, owner?: string): Promise<string> => {
    const run = told(await forge.client.git(['ls-remote', urlOf(name, 'hub', owner)]));
    expect(run.code).toBe(128);
    return run.stderr;
  };

  test('the App is not installed', async () => {
    await github.createRepository('elsewhere', 'one');
    expect(await list('one', 'elsewhere')).toMatch(/upstream\/not-installed/);
  });

  test('it is suspended, and that it works again afterwards', async () => {
    await github.createRepository('acme', 'paused');
    installation.suspended = true;
    expect(await list('paused')).toMatch(/upstream\/suspended/);
    installation.suspended = false;
    ok(told(await forge.client.git(['ls-remote', urlOf('paused')])));
  });

  test('GitHub asks to wait', async () => {
    await github.createRepository('acme', 'limited');
    github.faults.plan('any', secondaryLimit(5));
    expect(await list('limited')).toMatch(/asks to wait 5 s.*upstream\/rate-limited/);
  });

  test('a push that gets no token is refused, and nothing of it was sent', async () => {
    const { tree } = await cloneOfNew();
    await tree.commit('One', { 'one.txt': 'one\n' });
    installation.permissions = { contents: 'read', metadata: 'read' };
    const pushed = told(await tree.push('HEAD:refs/heads/topic'));
    installation.permissions = app.permissions;
    expect(pushed.code).not.toBe(0);
    expect(pushed.stderr).toMatch(/upstream\/permission/);
  });
});

test('neither the key nor a token of the App stands in what was said, logged or stored', async () => {
  const tokens = [...github.world.tokens.keys()];
  expect(tokens.length).toBeGreaterThan(5);
  const pairs = tokens.map((token) => Buffer.from(`x-access-token:${token}`).toString('base64'));
  const key = app.privateKey.split('\n').slice(1, 4);
  expect(await placesThatHold(forge, [...tokens, ...pairs, ...key], said.join('\n'))).toEqual([]);
});

test('GitHub was asked as its description says', () => {
  expect(github.calls.length).toBeGreaterThan(10);
  expect(github.violations).toEqual([]);
});
