// The first minute with the guard: it is started in an empty directory, and what it prints is pasted into a shell.
import { chmod, chown, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createGitClient, withCredentials } from '../support/client.ts';
import { freshDatabase } from '../support/database.ts';
import { run, type Run } from '../support/run.ts';
import { serve, stillRunning } from '../support/serve.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

interface SandboxFile {
  readonly url: string;
  readonly repo: string;
  readonly agentToken: string;
  readonly reviewerToken: string;
  readonly adminToken: string;
}

const readSandbox = async (dataDir: string): Promise<SandboxFile> =>
  JSON.parse(await readFile(join(dataDir, 'sandbox.json'), 'utf8')) as SandboxFile;

const nobody = 65_534;
const isRoot = process.getuid?.() === 0;

/** The indented lines of what was printed, one text for each block. */
function printedBlocks(output: string): readonly string[] {
  const lines = output.split('\n').filter((line) => !line.startsWith('{'));
  const blocks: string[][] = [[]];
  for (const line of lines) {
    if (line.startsWith('  ')) blocks.at(-1)?.push(line.slice(2));
    else if ((blocks.at(-1)?.length ?? 0) > 0 && line !== '') blocks.push([]);
  }
  return blocks.filter((block) => block.length > 0).map((block) => block.join('\n'));
}

const shell = (text: string, cwd: string, home: string): Promise<Run> =>
  run('sh', ['-c', text], {
    cwd,
    env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', HOME: home, GIT_TERMINAL_PROMPT: '0' },
  });

test('what is printed works as it stands: a push lands, the next is refused, the log verifies', async () => {
  await using directory = await temporaryDirectory('first-start');
  await using elsewhere = await temporaryDirectory('other terminal');
  await using serving = serve({ cwd: directory.path });
  const url = await serving.ready();
  const dataDir = join(directory.path, '.forgeguard');
  const [first = '', second = '', held = '', approve = '', verify = '', ...others] = printedBlocks(
    serving.output(),
  );
  expect(others).toEqual([]);

  const landed = await shell(`set -e\n${first}`, elsewhere.path, directory.path);
  expect(landed).toMatchObject({ code: 0 });
  const demo = join(elsewhere.path, 'forgeguard-demo');
  const refused = await shell(second, demo, directory.path);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(
    /remote: forgeguard: this push was refused\. Nothing of it reached the upstream/,
  );
  expect(refused.stderr).toMatch(/patients\.csv:2/);
  expect(refused.stderr).toMatch(/ ! \[remote rejected\] agent\/hello -> agent\/hello/);
  const waiting = await shell(held, demo, directory.path);
  expect(waiting.code).toBe(1);
  expect(waiting.stderr).toMatch(/ ! \[remote rejected\] for-main -> main \(held for approval http/);
  const approved = await shell(`set -e\n${approve}`, demo, directory.path);
  expect(approved).toMatchObject({ code: 0 });
  expect(approved.stdout).toContain('+Read by a person\n');
  expect(approved.stdout).toMatch(/\n  state {5}applied\n/);
  const after = await shell('git fetch -q && git rev-parse for-main origin/main', demo, directory.path);
  expect(new Set(after.stdout.trim().split('\n')).size).toBe(1);
  const verified = await shell(verify, demo, directory.path);
  expect(verified).toMatchObject({ code: 0 });
  expect(verified.stdout).toMatch(/\nok\n$/);

  const sandbox = await readSandbox(dataDir);
  expect(Object.keys(sandbox)).toEqual(['url', 'repo', 'agentToken', 'reviewerToken', 'adminToken']);
  expect(sandbox).toMatchObject({ url, repo: `${url}/git/sandbox/demo.git` });
  expect((await stat(join(dataDir, 'sandbox.json'))).mode & 0o777).toBe(0o600);
  expect((await stat(dataDir)).mode & 0o077).toBe(0);
  // The made-up record itself stands in nothing that was printed, logged or answered.
  const made = ['536', '22', '8714'].join('-');
  expect([serving.output(), refused.stderr, refused.stdout].join('\n')).not.toContain(made);
  expect(await (await fetch(`${url}/healthz`)).json()).toEqual({ status: 'ok' });
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
});

test('a restart keeps repositories and tokens; SIGINT and SIGTERM leave no process; SIGKILL is recovered from', async () => {
  await using directory = await temporaryDirectory('restart');
  await using client = await createGitClient();
  const dataDir = join(directory.path, '.forgeguard');
  const seen: SandboxFile[] = [];
  const branches: string[] = [];
  for (const signal of ['SIGINT', 'SIGKILL', 'SIGTERM'] as const) {
    await using serving = serve({ cwd: directory.path });
    await serving.ready();
    const sandbox = await readSandbox(dataDir);
    seen.push(sandbox);
    const tree = await client.clone(withCredentials(sandbox.repo, 'agent', sandbox.agentToken));
    const listed = await tree.git('branch', '--remotes', '--format=%(refname:lstrip=3)');
    for (const branch of branches) expect(listed.stdout.split('\n')).toContain(branch);
    branches.push(`agent/${signal.toLowerCase()}`);
    await tree.commit('more', { [`${signal}.txt`]: 'more\n' });
    expect(await tree.push(`HEAD:refs/heads/agent/${signal.toLowerCase()}`)).toMatchObject({ code: 0 });
    const children = await serving.children();
    expect(children.map(({ name }) => name)).toContain('postgres');
    serving.signal(signal);
    expect(await serving.exited).toBe(signal === 'SIGKILL' ? null : 0);
    if (signal === 'SIGKILL') await expect.poll(() => stillRunning(children)).toEqual([]);
    else expect(await stillRunning(children)).toEqual([]);
  }
  const [first, ...later] = seen;
  for (const { agentToken, reviewerToken, adminToken } of later)
    expect({ agentToken, reviewerToken, adminToken }).toEqual({
      agentToken: first?.agentToken,
      reviewerToken: first?.reviewerToken,
      adminToken: first?.adminToken,
    });
});

test('a signal while it starts stops it as well', async () => {
  await using directory = await temporaryDirectory('early');
  await using serving = serve({ cwd: directory.path });
  await expect.poll(() => serving.children(), { interval: 20 }).not.toEqual([]);
  const children = await serving.children();
  serving.signal('SIGTERM');
  expect(await serving.exited).toBe(0);
  expect(await stillRunning(children)).toEqual([]);
});

describe('where it can live', () => {
  test.runIf(isRoot)('as an ordinary user', async () => {
    await using directory = await temporaryDirectory('ordinary');
    await chown(directory.path, nobody, nobody);
    await using serving = serve({ cwd: directory.path, uid: nobody });
    const url = await serving.ready();
    await expectPushToLand(join(directory.path, '.forgeguard'), url);
    expect((await stat(join(directory.path, '.forgeguard'))).uid).toBe(nobody);
  });

  test('in a directory that only its own user can enter, with a space and an umlaut in its name', async () => {
    await using directory = await temporaryDirectory('closed');
    const closed = join(directory.path, 'only mine ü');
    await mkdir(closed, { mode: 0o700 });
    await chmod(directory.path, 0o700);
    await using serving = serve({ cwd: closed });
    const url = await serving.ready();
    await expectPushToLand(join(closed, '.forgeguard'), url);
    const verify = printedBlocks(serving.output()).at(-1) ?? '';
    expect(await shell(verify, '/', closed)).toMatchObject({ code: 0 });
  });

  test('on a PostgreSQL of somebody else', async () => {
    await using directory = await temporaryDirectory('external');
    await using database = await freshDatabase({ migrate: false });
    await using serving = serve({ cwd: directory.path, env: { DATABASE_URL: database.url } });
    const url = await serving.ready();
    await expectPushToLand(join(directory.path, '.forgeguard'), url);
    expect((await serving.children()).map(({ name }) => name)).not.toContain('postgres');
    expect(await stat(join(directory.path, '.forgeguard/postgres')).catch(() => undefined)).toBeUndefined();
  });
});

async function expectPushToLand(dataDir: string, url: string): Promise<void> {
  await using client = await createGitClient();
  const sandbox = await readSandbox(dataDir);
  expect(sandbox.url).toBe(url);
  const tree = await client.clone(withCredentials(sandbox.repo, 'agent', sandbox.agentToken));
  const oid = await tree.commit('Say hello', { 'hello.txt': 'hello\n' });
  expect(await tree.push('HEAD:refs/heads/agent/hello')).toMatchObject({ code: 0 });
  const again = await client.clone(withCredentials(sandbox.repo, 'agent', sandbox.agentToken), [
    '--branch',
    'agent/hello',
  ]);
  expect(await again.oid('HEAD')).toBe(oid);
}

describe('what keeps it from starting is said in words', () => {
  async function failure(options: Partial<Parameters<typeof serve>[0]>, cwd: string): Promise<string> {
    await using serving = serve({ cwd, ...options });
    expect(await serving.exited).toBe(2);
    expect(serving.output()).not.toMatch(/\n\s+at |node:internal/);
    return serving.output();
  }

  test('a second guard on the same data', async () => {
    await using directory = await temporaryDirectory('second');
    await using serving = serve({ cwd: directory.path });
    await serving.ready();
    const said = await failure({}, directory.path);
    expect(said).toMatch(
      /another Forgeguard already uses the data directory .*\.forgeguard.*FORGEGUARD_DATA_DIR/,
    );
    expect(said).toMatch(/what to do:/);
  });

  test('a port that is taken', async () => {
    await using directory = await temporaryDirectory('port');
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const address = taken.address();
    const port = typeof address === 'object' && address !== null ? String(address.port) : '';
    const said = await failure({ env: { PORT: port } }, directory.path);
    expect(said).toContain(`port ${port} on 127.0.0.1 is taken`);
    expect(said).toContain('listen/in-use');
    taken.close();
  });

  test.each([
    ['listen', 'lissten: 127.0.0.1:8080\n', /lissten.*listen/s],
    [
      'a forge',
      'forges:\n  - name: f\n    url: https://forge.example\n    credential: { mode: none }\n    repositorys: ["**"]\n',
      /repositorys.*repositories/s,
    ],
    ['a limit', 'limits:\n  packByte: 1GiB\n', /packByte.*packBytes/s],
    ['an inline secret', 'database:\n  url: postgres://user:word@db.example/x\n', /secret.*\{env: NAME\}/s],
  ])('an unknown key or bad value: %s', async (_name, yaml, says) => {
    await using directory = await temporaryDirectory('config');
    await writeFile(join(directory.path, 'forgeguard.yaml'), yaml);
    const said = await failure({}, directory.path);
    expect(said).toMatch(says);
    expect(said).toMatch(/forgeguard\.yaml/);
    expect(said).toContain('config/invalid');
    expect(said).not.toContain('word@');
  });

  test('an unknown key in the policy', async () => {
    await using directory = await temporaryDirectory('policy');
    await writeFile(join(directory.path, 'forgeguard.yaml'), 'policyFile: policy.yaml\n');
    const rule = '  - id: one\n    when: { operation: push }\n    then: deny\n    mesage: no\n';
    await writeFile(join(directory.path, 'policy.yaml'), `version: 1\nrules:\n${rule}`);
    const said = await failure({}, directory.path);
    expect(said).toMatch(/mesage.*message/s);
    expect(said).toMatch(/policy\.yaml/);
    expect(said).toContain('policy/invalid');
  });

  test('a database that does not answer', async () => {
    await using directory = await temporaryDirectory('no-database');
    const url = 'postgres://nobody@127.0.0.1:9/none';
    const said = await failure({ env: { DATABASE_URL: url } }, directory.path);
    expect(said).toContain('database/unavailable');
  });
});
