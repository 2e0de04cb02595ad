// `forgeguard credential` as Git uses it: real clones and pushes through a real guard, with no token in any URL.
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { program } from '../cli/program.ts';
import { ok } from '../support/client.ts';
import { issueToken } from '../support/guarded-forge.ts';
import { startIssuer, type TestIssuer } from '../support/issuer.ts';
import { type PushForge, startPushForge } from '../support/push-forge.ts';
import { isolatedGitEnvironment, run, type Run } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const audience = 'https://guard.example';

let forge: PushForge;
let issuer: TestIssuer;
let home: string;
let agentToken: string;
const resources = new AsyncDisposableStack();

beforeAll(async () => {
  issuer = resources.use(await startIssuer());
  const rule = {
    when: { sub: 'job' },
    workload: 'job',
    owner: 'human:operator',
    scopes: [{ repository: 'forge/**', verbs: ['fetch', 'push'] }],
  };
  const issuers = [
    { issuer: issuer.url, audience: [audience], clockSkew: '0s', reuse: 'never', rules: [rule] },
  ];
  forge = resources.use(
    await startPushForge({ policy: { version: 1, rules: [] }, config: { identity: { issuers } } }),
  );
  home = resources.use(await temporaryDirectory('helped')).path;
  agentToken = (await issueToken(forge.database, { name: 'helped', repository: 'forge/**' })).token;
  ok(await helper(['setup', forge.guard.url]));
  for (const [key, value] of [
    ['user.name', 'Agent'],
    ['user.email', 'agent@example.com'],
  ] as const)
    ok(await git(['config', '--global', key, value]));
});
afterAll(() => resources.disposeAsync());

const said: string[] = [];
interface As {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}
const environment = (env?: Readonly<Record<string, string>>) =>
  isolatedGitEnvironment(home, env ?? { FORGEGUARD_TOKEN: agentToken });

async function git(args: readonly string[], { cwd = home, env, input = '' }: As = {}): Promise<Run> {
  const done = await run('git', args, { cwd, env: environment(env), input });
  said.push(done.stdout, done.stderr);
  return done;
}

function helper(args: readonly string[], { cwd = home, env, input = '' }: As = {}): Promise<Run> {
  return run(process.execPath, [program, 'credential', ...args], { cwd, env: environment(env), input });
}

interface Place {
  readonly url: string;
  readonly id: string;
  readonly path: string;
  readonly refs: () => Promise<Readonly<Record<string, string>>>;
}

let made = 0;
async function newRepository(
  seed: Readonly<Record<string, string>> = { 'README.md': 'hello\n' },
): Promise<Place> {
  const { bareUrl, id, upstream } = await forge.repo({ seed });
  made += 1;
  return { url: bareUrl, id, path: join(home, `work-${made}`), refs: () => upstream.refs() };
}

const directory = (): string => join(home, '.cache/forgeguard/credential');

/** What is kept, newest last. */
async function kept(): Promise<
  readonly { readonly file: string; readonly token: string; readonly expiresAt: number }[]
> {
  const names = (await readdir(directory()).catch(() => [])).filter((name) => name.endsWith('.json'));
  const entries = await Promise.all(
    names.map(async (name) => {
      const file = join(directory(), name);
      const entry = JSON.parse(await readFile(file, 'utf8')) as { token: string; expiresAt: number };
      return { file, token: entry.token, expiresAt: entry.expiresAt, at: (await stat(file)).mtimeMs };
    }),
  );
  return entries.toSorted((a, b) => a.at - b.at);
}

/** Sessions that were opened so far. */
async function opened(): Promise<number> {
  const rows = await forge.database.query<{ readonly body: Buffer }>('select body from audit_entry');
  return rows.filter(({ body }) => body.toString('utf8').includes('"action":"session.opened"')).length;
}

test('git clones, fetches and pushes; one session is opened and kept where only its user can read it', async () => {
  const { url, path, refs } = await newRepository();
  const before = await opened();
  ok(await git(['clone', '--quiet', url, path]));
  await writeFile(join(path, 'new.txt'), 'new\n');
  ok(await git(['add', '.'], { cwd: path }));
  ok(await git(['commit', '--quiet', '-m', 'New'], { cwd: path }));
  ok(await git(['push', 'origin', 'HEAD:refs/heads/agent/one'], { cwd: path }));
  ok(await git(['fetch'], { cwd: path }));
  expect(Object.keys(await refs())).toContain('refs/heads/agent/one');
  expect((await opened()) - before).toBe(1);
  const entry = (await kept()).at(-1);
  expect((entry?.expiresAt ?? 0) * 1000 - Date.now()).toBeGreaterThan(600_000);
  expect((entry?.expiresAt ?? 0) * 1000 - Date.now()).toBeLessThanOrEqual(900_000);
  expect((await stat(entry?.file ?? '')).mode & 0o777).toBe(0o600);
  expect((await stat(directory())).mode & 0o777).toBe(0o700);
  expect(await readFile(join(path, '.git/config'), 'utf8')).not.toMatch(/fg_|fgs_|@/);
});

test('many gits at once open one session', async () => {
  const { url } = await newRepository();
  const before = await opened();
  const listed = await Promise.all(Array.from({ length: 4 }, () => git(['ls-remote', url])));
  expect(listed.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
  expect((await opened()) - before).toBe(1);
});

test('the session is good for its repository and no other', async () => {
  const [one, other] = [await newRepository(), await newRepository()];
  ok(await git(['ls-remote', one.url]));
  const token = (await kept()).at(-1)?.token ?? '';
  const list = (url: string): Promise<Run> =>
    run(
      'git',
      ['-c', `http.extraHeader=Authorization: Bearer ${token}`, '-c', 'credential.helper=', 'ls-remote', url],
      {
        cwd: home,
        env: isolatedGitEnvironment(home, { GIT_CONFIG_GLOBAL: '/dev/null' }),
      },
    );
  expect(await list(one.url)).toMatchObject({ code: 0 });
  const refused = await list(other.url);
  expect(refused.code).toBe(128);
  expect(refused.stderr).toMatch(/403/);
});

test('a session that was ended is forgotten at the first refusal, and the next git has another', async () => {
  const { url } = await newRepository();
  ok(await git(['ls-remote', url]));
  const entry = (await kept()).at(-1);
  await revoke(entry?.token ?? '');
  const refused = await git(['ls-remote', url]);
  expect(refused.code).toBe(128);
  expect(refused.stderr).toMatch(/Authentication failed/);
  ok(await git(['ls-remote', url]));
  expect((await kept()).at(-1)?.token).not.toBe(entry?.token);
});

test('another identity of the same user does not get what is kept for the first', async () => {
  const { url } = await newRepository();
  ok(await git(['ls-remote', url]));
  const { token } = await issueToken(forge.database, { name: 'narrow', repository: 'forge/nothing/**' });
  const refused = await git(['ls-remote', url], { env: { FORGEGUARD_TOKEN: token } });
  expect(refused.code).toBe(128);
  expect(refused.stderr).toMatch(/gave no session token \(invalid_target\)[^]*told us to quit/);
});

test('a cache that others may write to is not used', async () => {
  const { url } = await newRepository();
  const open = resources.use(await temporaryDirectory('open-cache')).path;
  const env = { FORGEGUARD_TOKEN: agentToken, XDG_CACHE_HOME: open };
  await run('mkdir', ['-p', '-m', '0777', join(open, 'forgeguard/credential')], { env: {} });
  await run('chmod', ['0777', join(open, 'forgeguard/credential')], { env: { PATH: '/bin' } });
  const before = await opened();
  ok(await git(['ls-remote', url], { env }));
  ok(await git(['ls-remote', url], { env }));
  expect((await opened()) - before).toBe(2);
  expect(await readdir(join(open, 'forgeguard/credential'))).toEqual([]);
});

describe('a token that a newer Git gets', () => {
  test('is ready made, says when it ends, and opens the repository', async () => {
    const { url } = await newRepository();
    const { protocol, host, pathname } = new URL(url);
    const input = `capability[]=authtype\nprotocol=${protocol.slice(0, -1)}\nhost=${host}\npath=${pathname.slice(1)}\n\n`;
    const answer = ok(await helper(['--guard', forge.guard.url, 'get'], { input }));
    const values = new Map(
      answer.stdout.split('\n').map((line) => [line.split('=')[0] ?? '', line.slice(line.indexOf('=') + 1)]),
    );
    expect([...values.keys()]).toEqual([
      'capability[]',
      'authtype',
      'credential',
      'ephemeral',
      'password_expiry_utc',
      '',
    ]);
    const asked = await fetch(`${url}/info/refs?service=git-upload-pack`, {
      headers: { authorization: `${values.get('authtype') ?? ''} ${values.get('credential') ?? ''}` },
    });
    expect(asked.status).toBe(200);
  });
});

/** A token of the platform, as it is good once. */
function jobToken(lifetime: number, aud = audience): Promise<string> {
  jobs += 1;
  return issuer.token({ lifetime, claims: { sub: 'job', aud, jti: `job-${jobs}` } });
}
let jobs = 0;

/** As GitHub answers a job that asks for its identity. */
async function startActions(): Promise<AsyncDisposable & { readonly env: Readonly<Record<string, string>> }> {
  const requestToken = ['request', 'token', 'of', 'the', 'job'].join('-');
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://127.0.0.1');
    if (request.headers.authorization !== `Bearer ${requestToken}`)
      return void response.writeHead(401).end('{}');
    const token = jobToken(300, url.searchParams.get('audience') ?? '');
    token.then((value) => response.end(JSON.stringify({ count: 1, value }))).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    env: {
      ACTIONS_ID_TOKEN_REQUEST_URL: `http://127.0.0.1:${port}/token?api-version=2`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: requestToken,
      FORGEGUARD_AUDIENCE: audience,
    },
    [Symbol.asyncDispose]: () => new Promise((resolve) => void server.close(() => resolve())),
  };
}

test('a job of GitHub Actions pushes to two repositories without any secret of its own', async () => {
  await using actions = await startActions();
  for (const { url, path, refs } of [await newRepository(), await newRepository()]) {
    ok(await git(['clone', '--quiet', url, path], actions));
    await writeFile(join(path, 'new.txt'), 'new\n');
    ok(await git(['add', '.'], { cwd: path, ...actions }));
    ok(await git(['commit', '--quiet', '-m', 'New'], { cwd: path, ...actions }));
    ok(await git(['push', 'origin', 'HEAD:refs/heads/topic'], { cwd: path, ...actions }));
    expect(Object.keys(await refs())).toContain('refs/heads/topic');
  }
  const wrong = await git(['ls-remote', (await newRepository()).url], {
    env: { ...actions.env, FORGEGUARD_AUDIENCE: 'https://elsewhere.example' },
  });
  expect(wrong.code).toBe(128);
  expect(wrong.stderr).toMatch(/gave no session token[^]*told us to quit/);
});

/** Ends a session at the guard, which takes up to a second. */
async function revoke(token: string): Promise<void> {
  const answer = await fetch(`${forge.guard.url}/oauth/revoke`, {
    method: 'POST',
    body: new URLSearchParams({ token }),
  });
  expect(answer.status).toBe(200);
  await new Promise((resolve) => setTimeout(resolve, 1_100));
}

test('a clone that takes longer than its token is good gets another on the way', async () => {
  const { url, path } = await newRepository({ 'one.txt': 'one\n', 'two.txt': 'two\n' });
  const file = join(home, 'job-token');
  const env = { FORGEGUARD_ID_TOKEN_FILE: file };
  await writeFile(file, await jobToken(300));
  const before = await opened();
  // Without contents: Git asks for those when it checks out, in a process of its own.
  const hold = forge.upstream.hold('after', 'git-upload-pack');
  const filter = ['-c', 'protocol.version=0', 'clone', '--quiet', '--filter=blob:none'];
  const cloning = git([...filter, url, path], { env });
  await hold.reached;
  const first = (await kept()).at(-1);
  // Its time is over while the clone waits, at the guard and by the clock; the platform renews what it wrote.
  await revoke(first?.token ?? '');
  const entry = JSON.parse(await readFile(first?.file ?? '', 'utf8')) as object;
  await writeFile(first?.file ?? '', JSON.stringify({ ...entry, expiresAt: Math.floor(Date.now() / 1000) }));
  await writeFile(file, await jobToken(300));
  hold.release();
  ok(await cloning);
  expect(await readFile(join(path, 'two.txt'), 'utf8')).toBe('two\n');
  expect((await opened()) - before).toBe(2);
  expect((await kept()).at(-1)?.token).not.toBe(first?.token);
});

test('no git and no config was shown a token', async () => {
  const tokens = [agentToken, ...(await kept()).map(({ token }) => token)];
  expect(tokens.length).toBeGreaterThan(3);
  const config = await readFile(join(home, '.gitconfig'), 'utf8');
  for (const token of tokens) expect(`${said.join('\n')}${config}`).not.toContain(token);
});
