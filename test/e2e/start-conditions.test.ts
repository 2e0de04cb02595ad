// Starts and ends that are not the plain ones: `npm start` and Ctrl-C, a database that dies, power that fails, and data
// directories that cannot be used.
import { chmod, chown, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { createGitClient, type GitClient, ok, withCredentials } from '../support/client.ts';
import { run } from '../support/run.ts';
import { type ProcessMark, serve, stillRunning } from '../support/serve.ts';
import { signalProcess } from '../support/signal-process.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const project = fileURLToPath(new URL('../../', import.meta.url));
const program = join(project, 'cli/forgeguard.ts');
const isRoot = process.getuid?.() === 0;
const nobody = 65_534;

interface Sandbox {
  readonly repo: string;
  readonly agentToken: string;
}

async function sandboxUrl(dataDir: string): Promise<string> {
  const sandbox = JSON.parse(await readFile(join(dataDir, 'sandbox.json'), 'utf8')) as Sandbox;
  return withCredentials(sandbox.repo, 'agent', sandbox.agentToken);
}

async function pushBranch(client: GitClient, dataDir: string, name: string): Promise<string> {
  const tree = await client.clone(await sandboxUrl(dataDir));
  const oid = await tree.commit(name, { [`${name}.txt`]: `${name}\n` });
  ok(await tree.push(`HEAD:refs/heads/agent/${name}`));
  return oid;
}

async function verifies(dataDir: string, cwd: string): Promise<boolean> {
  const env = { PATH: process.env['PATH'] ?? '', HOME: cwd, FORGEGUARD_DATA_DIR: dataDir };
  const done = await run(process.execPath, [program, 'audit', 'verify'], { cwd, env });
  return done.code === 0;
}

const killPostmaster = async (dataDir: string): Promise<void> => {
  const [number = ''] = (await readFile(join(dataDir, 'postgres/data/postmaster.pid'), 'utf8')).split('\n');
  signalProcess(number, 'SIGKILL');
};

test('`npm start` serves, and Ctrl-C ends it and all that it has started without a complaint', async () => {
  await using directory = await temporaryDirectory('npm-start');
  await using client = await createGitClient();
  const dataDir = join(directory.path, 'data');
  const started = performance.now();
  await using serving = serve({
    cwd: project,
    command: ['npm', 'start'],
    env: { HOME: directory.path, FORGEGUARD_DATA_DIR: dataDir },
  });
  await serving.ready();
  expect((performance.now() - started) / 1000).toBeLessThan(30);
  await pushBranch(client, dataDir, 'one');
  const children = await serving.children();
  expect(children.map(({ name }) => name)).toContain('postgres');
  const before = serving.output().length;
  // A terminal tells the whole group: npm, the guard and PostgreSQL at once.
  serving.signalGroup('SIGINT');
  await serving.exited;
  await expect.poll(() => stillRunning(children)).toEqual([]);
  const last = serving.output().slice(before);
  expect(last).not.toMatch(/"level":(50|60)|Error|unhandled|\n\s+at /);
  // It was an orderly end: nothing is left to be recovered, and the log has it.
  expect(await verifies(dataDir, directory.path)).toBe(true);
});

describe('what dies is recovered from', () => {
  async function killedBy(
    how: (serving: ReturnType<typeof serve>, dataDir: string) => Promise<void>,
  ): Promise<void> {
    await using directory = await temporaryDirectory('power');
    await using client = await createGitClient();
    const dataDir = join(directory.path, '.forgeguard');
    let first: string;
    let children: readonly ProcessMark[];
    {
      await using serving = serve({ cwd: directory.path });
      await serving.ready();
      first = await pushBranch(client, dataDir, 'first');
      children = await serving.children();
      await how(serving, dataDir);
      await serving.exited;
    }
    await expect.poll(() => stillRunning(children)).toEqual([]);
    await using again = serve({ cwd: directory.path });
    await again.ready();
    const tree = await client.clone(await sandboxUrl(dataDir));
    expect(await tree.oid('origin/agent/first')).toBe(first);
    await pushBranch(client, dataDir, 'second');
    expect(await verifies(dataDir, directory.path)).toBe(true);
  }

  test('everything at once', async () => {
    await killedBy(async (serving) => {
      const children = await serving.children();
      serving.signal('SIGKILL');
      for (const { pid } of children) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // It was quicker.
        }
      }
    });
  });

  test('PostgreSQL, while the guard serves', async () => {
    await killedBy(async (serving, dataDir) => {
      const url = (await sandboxUrl(dataDir)).replace(/\/\/[^@]*@/, '//');
      const base = new URL(url).origin;
      await killPostmaster(dataDir);
      // Until it has ended, it says that it cannot serve, or does no longer answer.
      const status = (): Promise<number> =>
        fetch(`${base}/readyz`).then(
          (response) => response.status,
          () => 0,
        );
      await expect.poll(status).not.toBe(200);
      serving.signal('SIGTERM');
    });
  });
});

describe('a data directory that cannot be used is told in words', () => {
  /** A program without the rights of root: they would open every door. */
  async function failure(dataDir: string, cwd: string): Promise<string> {
    await using serving = serve({
      cwd,
      env: { FORGEGUARD_DATA_DIR: dataDir },
      ...(isRoot ? { uid: nobody } : {}),
    });
    expect(await serving.exited).toBe(2);
    const said = serving.output();
    expect(said).not.toMatch(/\n\s+at |node:internal/);
    expect(said).toContain(dataDir);
    expect(said).toMatch(/what to do: /);
    return said;
  }

  async function ownDirectory(path: string, mode: number): Promise<string> {
    if (isRoot) await chown(path, nobody, nobody);
    await chmod(path, mode);
    return path;
  }

  test('one that may not be made', async () => {
    await using directory = await temporaryDirectory('closed');
    await ownDirectory(directory.path, 0o500);
    await failure(join(directory.path, 'data'), directory.path);
    await chmod(directory.path, 0o700);
  });

  test('one that may not be written to', async () => {
    await using directory = await temporaryDirectory('read-only');
    await ownDirectory(directory.path, 0o700);
    const dataDir = join(directory.path, 'data');
    await mkdir(dataDir);
    await ownDirectory(dataDir, 0o500);
    await failure(dataDir, directory.path);
    await chmod(dataDir, 0o700);
  });

  test('a file', async () => {
    await using directory = await temporaryDirectory('file');
    await ownDirectory(directory.path, 0o700);
    const dataDir = join(directory.path, 'data');
    await writeFile(dataDir, 'not a directory\n');
    await failure(dataDir, directory.path);
  });
});

test('a data directory that others may enter is closed to them', async () => {
  await using directory = await temporaryDirectory('open');
  const dataDir = join(directory.path, 'data');
  await mkdir(dataDir, { mode: 0o755 });
  await chmod(dataDir, 0o755);
  await using serving = serve({ cwd: directory.path, env: { FORGEGUARD_DATA_DIR: dataDir } });
  await serving.ready();
  expect((await stat(dataDir)).mode & 0o077).toBe(0);
  for (const name of ['sandbox.json', 'fingerprint-key'])
    expect((await stat(join(dataDir, name))).mode & 0o777).toBe(0o600);
});
