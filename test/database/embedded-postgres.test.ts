// The guard's own PostgreSQL: who reaches it, what it survives, and what it says where it cannot start.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, chmod, chown, constants, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { openDatabase } from '../../server/db.ts';
import { reachEmbeddedPostgres, startEmbeddedPostgres } from '../../server/embedded-postgres.ts';
import { findBinaries } from '../../server/postgres-binaries.ts';
import { run } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const program = fileURLToPath(new URL('start-and-wait.ts', import.meta.url));
const isRoot = process.getuid?.() === 0;
const nobody = 65_534;

const readySchema = z.object({ url: z.string(), uid: z.number(), answer: z.number() });
type Guard = { readonly process: ChildProcess } & Readonly<z.infer<typeof readySchema>>;

async function startGuard(dataDir: string, uid?: number): Promise<Guard> {
  const account = uid === undefined ? {} : { uid, gid: uid };
  const child = spawn(process.execPath, [program, dataDir], {
    ...account,
    env: {},
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const line = await new Promise<string>((settle, fail) => {
    createInterface({ input: child.stdout }).once('line', settle);
    child.once('exit', () => fail(new Error('the guard ended before it was ready')));
  });
  return { process: child, ...readySchema.parse(JSON.parse(line)) };
}

async function serverPid(dataDir: string): Promise<number> {
  const text = await readFile(join(dataDir, 'postgres/data/postmaster.pid'), 'utf8');
  return Number(text.split('\n')[0]);
}

/** Zombies count as gone: who reaps them depends on the machine's first process. */
async function isRunning(pid: number): Promise<boolean> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return text !== undefined && !/\) Z /.test(text);
}

async function childrenOf(pid: number | undefined): Promise<readonly number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return text.trim().split(' ').map(Number);
}

async function killed(guard: Guard): Promise<void> {
  const exited = once(guard.process, 'exit');
  guard.process.kill('SIGKILL');
  await exited;
}

async function ask<T extends object>(url: string, sql: string): Promise<readonly T[]> {
  await using database = await openDatabase(url, { migrate: false, maxConnections: 1 });
  return await database.query<T>(sql);
}

describe('a server', () => {
  test('keeps its data, listens on its private socket only, and commits durably', async () => {
    await using directory = await temporaryDirectory('postgres');
    const dataDir = join(directory.path, 'made/by/the/guard');
    {
      await using first = await startEmbeddedPostgres({ dataDir });
      await ask(first.url, 'create table kept as select 7 as seven');
    }
    await chmod(join(dataDir, 'postgres/data'), 0o755);
    await using second = await startEmbeddedPostgres({ dataDir });
    expect(await ask(second.url, 'select seven from kept')).toEqual([{ seven: 7 }]);
    const settings = await ask(
      second.url,
      `select name, setting from pg_settings where name in
         ('listen_addresses', 'fsync', 'synchronous_commit', 'full_page_writes', 'max_connections') order by name`,
    );
    expect(settings).toEqual([
      { name: 'fsync', setting: 'on' },
      { name: 'full_page_writes', setting: 'on' },
      { name: 'listen_addresses', setting: '' },
      { name: 'max_connections', setting: '80' },
      { name: 'synchronous_commit', setting: 'on' },
    ]);
    const found = await stat(join(dataDir, 'postgres/data'));
    expect(found.mode & 0o777).toBe(0o700);
    expect(found.uid).not.toBe(0);
  });

  test('works where the path is longer than a socket address', async () => {
    await using directory = await temporaryDirectory('postgres');
    const dataDir = join(directory.path, 'd'.repeat(120));
    await using server = await startEmbeddedPostgres({ dataDir });
    expect(await ask(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    await using same = await reachEmbeddedPostgres(dataDir);
    expect(await ask(same.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('is reached by a second process while the guard runs, and started for it otherwise', async () => {
    await using directory = await temporaryDirectory('postgres');
    const dataDir = directory.path;
    await expect(reachEmbeddedPostgres(dataDir)).rejects.toMatchObject({
      code: 'database/unavailable',
      message: `there is no database in ${dataDir}`,
    });
    const guard = await startGuard(dataDir);
    const pid = await serverPid(dataDir);
    {
      await using reached = await reachEmbeddedPostgres(dataDir);
      expect(await ask(reached.url, 'select pg_is_in_recovery() as standby')).toEqual([{ standby: false }]);
    }
    expect(await isRunning(pid)).toBe(true);
    const exited = once(guard.process, 'exit');
    guard.process.stdin?.end();
    expect(await exited).toEqual([0, null]);
    expect(await isRunning(pid)).toBe(false);
    await using started = await reachEmbeddedPostgres(dataDir);
    expect(await ask(started.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('is given to one guard at a time', async () => {
    await using directory = await temporaryDirectory('postgres');
    const dataDir = directory.path;
    await using first = await startEmbeddedPostgres({ dataDir });
    expect(first.url).toContain('postgres://forgeguard@');
    await expect(startEmbeddedPostgres({ dataDir, lockWaitMs: 100 })).rejects.toMatchObject({
      code: 'database/unavailable',
      message: `another Forgeguard already uses the data directory ${dataDir}: stop it, or choose another with FORGEGUARD_DATA_DIR`,
    });
    const waiting = startEmbeddedPostgres({ dataDir, lockWaitMs: 30_000 });
    await first.stop();
    await using second = await waiting;
    expect(await ask(second.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('gives up when it is told to, and where it cannot have its directory', async () => {
    await using directory = await temporaryDirectory('postgres');
    const started = startEmbeddedPostgres({ dataDir: directory.path, signal: AbortSignal.timeout(1) });
    await expect(started).rejects.toMatchObject({ name: 'AbortError' });
    const file = join(directory.path, 'file');
    await writeFile(file, '');
    await expect(startEmbeddedPostgres({ dataDir: join(file, 'data') })).rejects.toMatchObject({
      code: 'database/unavailable',
      message: `couldn't start the built-in database in ${join(file, 'data')}`,
    });
  });

  test('says why it does not start', async () => {
    await using directory = await temporaryDirectory('postgres');
    const dataDir = directory.path;
    await (await startEmbeddedPostgres({ dataDir })).stop();
    await writeFile(join(dataDir, 'postgres/data/PG_VERSION'), '12\n');
    const message: unknown = expect.stringMatching(
      /^the built-in database didn't start; .*incompatible with server/s,
    );
    await expect(startEmbeddedPostgres({ dataDir })).rejects.toMatchObject({
      code: 'database/unavailable',
      message,
    });
    // The directory is free again.
    await writeFile(join(dataDir, 'postgres/data/PG_VERSION'), '18\n');
    await using server = await startEmbeddedPostgres({ dataDir });
    expect(await ask(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });
});

describe.runIf(process.platform === 'linux')('a guard that is killed', () => {
  test('takes its server with it', async () => {
    await using directory = await temporaryDirectory('postgres');
    const guard = await startGuard(directory.path);
    const pid = await serverPid(directory.path);
    await killed(guard);
    await expect.poll(() => isRunning(pid)).toBe(false);
  });

  test('and could not do that: the next one stops the server that was left over', async () => {
    await using directory = await temporaryDirectory('postgres');
    const guard = await startGuard(directory.path);
    const pid = await serverPid(directory.path);
    for (const child of await childrenOf(guard.process.pid))
      if (child !== pid) process.kill(child, 'SIGKILL');
    await killed(guard);
    expect(await isRunning(pid)).toBe(true);
    await using server = await startEmbeddedPostgres({ dataDir: directory.path });
    expect(await isRunning(pid)).toBe(false);
    expect(await serverPid(directory.path)).not.toBe(pid);
    expect(await ask(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  test.each([
    ['of a process that is no server', () => process.pid],
    ['of the machine’s first process', () => 1],
  ])('left a process id %s behind', async (_name, pid) => {
    await using directory = await temporaryDirectory('postgres');
    const dataDir = directory.path;
    await (await startEmbeddedPostgres({ dataDir })).stop();
    const data = join(dataDir, 'postgres/data');
    await writeFile(join(data, 'postmaster.pid'), `${pid()}\n${data}\n1\n5432\n.\n\n\nready\n`);
    await writeFile(join(data, '.s.PGSQL.5432.lock'), `${pid()}\n`);
    await using server = await startEmbeddedPostgres({ dataDir });
    expect(await ask(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });
});

describe('accounts', () => {
  // A guard that is not root is an ordinary user in all the tests above.
  test.runIf(isRoot)('an ordinary user runs the server as itself', async () => {
    await using directory = await temporaryDirectory('postgres');
    const dataDir = join(directory.path, 'data');
    await mkdir(dataDir);
    await chown(dataDir, nobody, nobody);
    await chmod(directory.path, 0o755);
    const guard = await startGuard(dataDir, nobody);
    expect(guard).toMatchObject({ uid: nobody, answer: 42 });
    expect((await stat(join(dataDir, 'postgres/data'))).uid).toBe(nobody);
    const exited = once(guard.process, 'exit');
    guard.process.stdin?.end();
    expect(await exited).toEqual([0, null]);
    // Root goes on with the account that the cluster has.
    await using server = await startEmbeddedPostgres({ dataDir });
    expect(await ask(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    expect((await stat(join(dataDir, 'postgres/data'))).uid).toBe(nobody);
  });

  test.runIf(isRoot)(
    'root gives the server an account of its own, which need not reach the directory',
    async () => {
      // The temporary directory has mode 0700 and belongs to root.
      await using directory = await temporaryDirectory('postgres');
      await using server = await startEmbeddedPostgres({ dataDir: directory.path });
      const data = await stat(join(directory.path, 'postgres/data'));
      const passwd = await readFile('/etc/passwd', 'utf8');
      expect(passwd).not.toMatch(new RegExp(`^[^:]*:[^:]*:${data.uid}:`, 'm'));
      expect((await stat(directory.path)).uid).toBe(0);
      expect(await ask(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    },
  );
});

test('binaries that cannot be run in place are copied, with their links', async () => {
  await using directory = await temporaryDirectory('postgres');
  const place = join(directory.path, 'copy');
  const binaries = await findBinaries(
    directory.path,
    async ({ postgres }) => {
      if (!postgres.startsWith(place)) return false;
      return (await run(postgres, ['--version'], { env: {} })).code === 0;
    },
    [place],
  );
  expect(binaries.initdb.startsWith(place)).toBe(true);
  await access(binaries.initdb, constants.X_OK);
  const native = join(binaries.postgres, '../..');
  const icu = await stat(join(native, 'lib/libicuuc.so.60')).catch(() => undefined);
  if (process.platform === 'linux' && process.arch === 'x64') expect(icu?.isFile()).toBe(true);
});

test('where no binaries can be run, the error says what to do', async () => {
  await using directory = await temporaryDirectory('postgres');
  await expect(findBinaries(directory.path, () => Promise.resolve(false), [])).rejects.toMatchObject({
    code: 'database/unavailable',
    message: 'the built-in PostgreSQL cannot be run here: set DATABASE_URL to a PostgreSQL of your own',
  });
});
