// The fake GitHub by itself, asked by Octokit and by stock git: who may do what, and that it keeps to GitHub's rules.
import { createSign, generateKeyPairSync } from 'node:crypto';
import { App } from '@octokit/app';
import { Octokit } from '@octokit/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isolatedGitEnvironment, run } from '../run.ts';
import { temporaryDirectory, type TemporaryDirectory } from '../temporary-directory.ts';
import { badGateway, secondaryLimit } from './api-faults.ts';
import { type FakeGitHub, startFakeGitHub } from './fake-github.ts';
import type { FakeApp, Installation, TokenFormat } from './account-state.ts';
import type { Repository } from './world.ts';

let github: FakeGitHub;
let app: FakeApp;
let installation: Installation;
let first: Repository;
let second: Repository;
let home: TemporaryDirectory;

beforeAll(async () => {
  github = await startFakeGitHub();
  home = await temporaryDirectory('fake-home');
  app = github.createApp({ permissions: { contents: 'write', checks: 'write', metadata: 'read' } });
  first = await github.createRepository('acme', 'first');
  second = await github.createRepository('acme', 'second');
  installation = github.install(app, 'acme');
});
afterAll(async () => {
  await github[Symbol.asyncDispose]();
  await home.remove();
});

const octokitApp = (): App =>
  new App({
    appId: app.id,
    privateKey: app.privateKey,
    Octokit: Octokit.defaults({ baseUrl: github.apiUrl }),
  });

interface Claims {
  readonly iat?: number;
  readonly exp?: number;
  readonly iss?: string | number;
}

function jwt(claims: Claims, options: { readonly key?: string; readonly alg?: string } = {}): string {
  const now = Math.floor(Date.now() / 1000);
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part({ alg: options.alg ?? 'RS256', typ: 'JWT' })}.${part({ iat: now - 60, exp: now + 300, iss: app.id, ...claims })}`;
  return `${text}.${createSign('RSA-SHA256')
    .update(text)
    .sign(options.key ?? app.privateKey, 'base64url')}`;
}

const asApp = (token: string): Promise<Response> =>
  fetch(`${github.apiUrl}/app`, { headers: { authorization: `Bearer ${token}` } });

async function tokenFor(wish: object = {}): Promise<Response> {
  return fetch(`${github.apiUrl}/app/installations/${installation.id}/access_tokens`, {
    method: 'POST',
    headers: { authorization: `Bearer ${jwt({})}`, 'content-type': 'application/json' },
    body: JSON.stringify(wish),
  });
}

const token = async (wish: object = {}): Promise<string> =>
  ((await (await tokenFor(wish)).json()) as { token: string }).token;

describe('the JWT of an app', () => {
  const now = (): number => Math.floor(Date.now() / 1000);
  const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
    type: 'pkcs1',
    format: 'pem',
  }) as string;

  test.each([
    ['by its number', () => jwt({}), 200],
    ['by its client id', () => jwt({ iss: app.clientId }), 200],
    ['run out', () => jwt({ exp: now() - 1 }), 401],
    ['good for too long', () => jwt({ exp: now() + 700 }), 401],
    ['from the future', () => jwt({ iat: now() + 120 }), 401],
    ['of nobody', () => jwt({ iss: 1 }), 401],
    ['with another algorithm', () => jwt({}, { alg: 'HS256' }), 401],
    ['signed by another key', () => jwt({}, { key: other }), 401],
    ['that is none', () => 'nonsense', 401],
  ])('%s', async (_, made, status) => {
    expect((await asApp(made())).status).toBe(status);
  });
});

describe('an installation token', () => {
  test.each<[TokenFormat, RegExp]>([
    ['opaque', /^ghs_[0-9a-f]{36}$/],
    ['jwt', /^ghs_\d+_[\w-]+\.[\w-]+\.[\w-]+$/],
  ])('in the format %s is had through Octokit and opens repositories', async (format, shape) => {
    app.tokenFormat = format;
    const octokit = await octokitApp().getInstallationOctokit(installation.id);
    const { token: had } = (await octokit.auth({ type: 'installation' })) as { token: string };
    expect(had).toMatch(shape);
    const { data } = await octokit.request('GET /repos/{owner}/{repo}', { owner: 'acme', repo: 'first' });
    expect(data.full_name).toBe('acme/first');
  });

  test('narrowed to a repository does not reach another', async () => {
    const narrow = await token({ repository_ids: [first.id], permissions: { contents: 'read' } });
    const ask = (name: string): Promise<Response> =>
      fetch(`${github.apiUrl}/repos/acme/${name}`, { headers: { authorization: `token ${narrow}` } });
    expect((await ask('first')).status).toBe(200);
    expect((await ask('second')).status).toBe(404);
  });

  test.each([
    ['more than is granted', { permissions: { contents: 'admin' } }],
    ['what is not granted', { permissions: { administration: 'read' } }],
    ['a repository that is not there', { repositories: ['nowhere'] }],
    ['what GitHub does not know', { permisions: {} }],
  ])('for %s is not given', async (_, wish) => {
    expect((await tokenFor(wish)).status).toBe(422);
  });

  test('is not given to a suspended installation, nor good there', async () => {
    const had = await token();
    installation.suspended = true;
    expect((await tokenFor()).status).toBe(403);
    const asked = await fetch(`${github.apiUrl}/repos/acme/first`, {
      headers: { authorization: `token ${had}` },
    });
    expect(asked.status).toBe(401);
    installation.suspended = false;
  });
});

describe('Git over HTTP', () => {
  const git = (...args: readonly string[]) => run('git', args, { env: isolatedGitEnvironment(home.path) });
  const address = (name: string, password: string): string =>
    `${github.url.replace('://', `://x-access-token:${password}@`)}/acme/${name}.git`;

  test('lets a token in that reaches the repository, as far as its permissions go', async () => {
    const reading = await token({ repositories: ['first'], permissions: { contents: 'read' } });
    const writing = await token({ repositories: ['first'], permissions: { contents: 'write' } });
    const clone = `${home.path}/clone`;
    expect((await git('clone', '-q', address('first', reading), clone)).code).toBe(0);
    const refused = await git('-C', clone, 'push', address('first', reading), 'HEAD:refs/heads/new');
    expect(refused.stderr).toContain('403');
    expect(
      (await git('-C', clone, 'push', '-q', address('first', writing), 'HEAD:refs/heads/new')).code,
    ).toBe(0);
    expect(Object.keys(await first.git.refs())).toContain('refs/heads/new');
    expect((await git('ls-remote', address('second', reading))).stderr).toContain('not found');
    expect((await git('ls-remote', address('first', 'ghs_wrong'))).code).not.toBe(0);
    expect(second.owner.login).toBe('acme');
  });
});

describe('what holds for every operation', () => {
  const asked = async (headers: Record<string, string>): Promise<Response> =>
    fetch(`${github.apiUrl}/repos/acme/first`, { headers });

  test('tells the rate limit and refuses beyond it', async () => {
    const authorization = `token ${await token()}`;
    const answer = await asked({ authorization });
    expect(answer.headers.get('x-ratelimit-remaining')).toBe('4999');
    github.setHourlyLimit(1);
    expect((await asked({ authorization })).status).toBe(403);
    github.setHourlyLimit(5_000);
  });

  test('knows what has not changed', async () => {
    const authorization = `token ${await token()}`;
    const tag = (await asked({ authorization })).headers.get('etag') ?? '';
    expect((await asked({ authorization, 'if-none-match': tag })).status).toBe(304);
  });

  test('has faults: a bad gateway, a secondary limit, a broken connection', async () => {
    const authorization = `token ${await token()}`;
    github.faults.plan('GET /repos/{owner}/{repo}', badGateway);
    github.faults.plan('GET /repos/{owner}/{repo}', secondaryLimit(7));
    github.faults.plan('GET /repos/{owner}/{repo}', { kind: 'drop' });
    expect((await asked({ authorization })).status).toBe(502);
    expect((await asked({ authorization })).headers.get('retry-after')).toBe('7');
    await expect(asked({ authorization })).rejects.toThrow('fetch failed');
    expect((await asked({ authorization })).status).toBe(200);
  });

  test('gives lists in pages with links', async () => {
    const octokit = await octokitApp().getInstallationOctokit(installation.id);
    const { data, headers } = await octokit.request('GET /installation/repositories', { per_page: 1 });
    expect([data.total_count, data.repositories.length]).toEqual([2, 1]);
    expect(headers.link).toContain('rel="next"');
  });

  test('answered as GitHub describes, and was asked so but twice', () => {
    expect(github.violations).toEqual([
      expect.stringContaining('/permissions/contents: must be equal to one of the allowed values'),
      expect.stringContaining('/permisions: unknown to GitHub'),
    ]);
  });
});
