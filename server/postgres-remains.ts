// What a cluster's directory says about a server that runs on it, or did: its process id and its socket. A process id
// may since belong to anything; it counts only together with the cluster's own socket or working directory.
import { mkdtemp, readFile, readlink, realpath, rm, symlink } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GuardError } from '../core/errors.ts';

/** The longest path that a Unix socket address can hold. */
const maxSocketPath = 107;
const socketName = '.s.PGSQL.5432';
const pollMs = 10;
const connectMs = 1_000;
const stopSteps = [
  { signal: 'SIGINT', waitMs: 20_000 },
  { signal: 'SIGQUIT', waitMs: 5_000 },
] as const;

export interface PidFile {
  readonly pid: number;
  readonly isReady: boolean;
}

/** What the server writes to `postmaster.pid`: line 1 its process id, line 8 its state. */
export async function readPidFile(directory: string): Promise<PidFile | undefined> {
  const text = await readFile(join(directory, 'postmaster.pid'), 'utf8').catch(() => '');
  const lines = text.split('\n');
  const pid = Number(lines[0]);
  return Number.isSafeInteger(pid) && pid > 1 ? { pid, isReady: lines[7]?.trim() === 'ready' } : undefined;
}

/** Name and state of a process, on Linux. Readable for every process. */
async function processStatus(
  pid: number,
): Promise<{ readonly name: string; readonly state: string } | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  const [, name, state] = /^\d+ \((.*)\) (\S)/s.exec(text ?? '') ?? [];
  return name === undefined || state === undefined ? undefined : { name, state };
}

/** True where the id is in use, if only by a process that has ended and whose parent has not taken notice (a zombie). */
function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

async function isRunning(pid: number): Promise<boolean> {
  return exists(pid) && (await processStatus(pid))?.state !== 'Z';
}

/** True where the process is certainly not a living server of this cluster. */
async function isStranger(pid: number, directory: string): Promise<boolean> {
  const status = await processStatus(pid);
  if (status === undefined) return false;
  if (status.name !== 'postgres' || status.state === 'Z') return true;
  const works = await readlink(`/proc/${pid}/cwd`).catch(() => undefined);
  return works !== undefined && works !== (await realpath(directory));
}

async function isGoneWithin(pid: number, limitMs: number): Promise<boolean> {
  const deadline = performance.now() + limitMs;
  while (await isRunning(pid)) {
    if (performance.now() >= deadline) return false;
    await sleep(pollMs);
  }
  return true;
}

export interface SocketDirectory {
  readonly path: string;
  remove(): Promise<void>;
}

/** The directory of the cluster's socket, or a short link to it where its path is too long for an address. */
export async function socketDirectory(directory: string): Promise<SocketDirectory> {
  if (Buffer.byteLength(join(directory, socketName)) <= maxSocketPath) {
    return { path: directory, remove: () => Promise.resolve() };
  }
  const short = await mkdtemp(join(tmpdir(), 'fg-'));
  await symlink(directory, join(short, 's'));
  return { path: join(short, 's'), remove: () => rm(short, { recursive: true, force: true }) };
}

/** True where a server listens in the cluster's directory: only one of this very cluster can. */
async function isListening(directory: string): Promise<boolean> {
  const socket = await socketDirectory(directory);
  try {
    return await new Promise<boolean>((settle) => {
      const probe = createConnection(join(socket.path, socketName), () => {
        settle(true);
        probe.destroy();
      });
      probe.setTimeout(connectMs, () => probe.destroy());
      probe.once('error', () => settle(false));
      probe.once('close', () => settle(false));
    });
  } finally {
    await socket.remove();
  }
}

async function stop(pid: number): Promise<void> {
  for (const { signal, waitMs } of stopSteps) {
    process.kill(pid, signal);
    if (await isGoneWithin(pid, waitMs)) return;
  }
  throw new GuardError(
    'database/unavailable',
    `couldn't stop the PostgreSQL that was left over (process ${pid})`,
  );
}

/**
 * Stops a server that outlived its guard, and takes away the process id of one that is gone where PostgreSQL itself
 * would take it for that of a living server: a zombie has it or, after a restart of a container, any process. To be
 * called under the data directory's lock, so that no living guard owns the server. False where nothing remained.
 */
export async function clearRemains(directory: string): Promise<boolean> {
  const found = await readPidFile(directory);
  if (found === undefined) return false;
  // Processes that a dead server has left are found by PostgreSQL through the shared memory of the directory.
  const stale = ['postmaster.pid', `${socketName}.lock`];
  if (exists(found.pid) && (await isStranger(found.pid, directory))) {
    for (const name of stale) await rm(join(directory, name), { force: true });
  } else if (exists(found.pid) && (await isListening(directory))) {
    // Where it does not listen, PostgreSQL makes its own checks at the start, and refuses when in doubt.
    await stop(found.pid);
  }
  return true;
}
