// The one door to child processes of Git. No shell, a fixed environment, and a deadline or a signal on every run.
import { devNull } from 'node:os';
import { GuardError } from '../../core/errors.ts';
import { type GitProcess, spawnDirectly } from './spawn-direct.ts';
import { Spawner } from './spawner.ts';

export type { GitProcess } from './spawn-direct.ts';

export interface GitOptions {
  readonly cwd: string;
  /** Added to the fixed environment; may hold a credential and is therefore never logged. */
  readonly env?: Readonly<Record<string, string>>;
  /** Kills the process when it aborts. */
  readonly signal?: AbortSignal | undefined;
}

// Nothing of the machine's or the user's configuration reaches a child, and no child may ask a person anything.
const fixedEnvironment: Readonly<Record<string, string>> = {
  LC_ALL: 'C',
  HOME: devNull,
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: devNull,
  GIT_TERMINAL_PROMPT: '0',
  GIT_ASKPASS: 'true',
  GIT_PROTOCOL_FROM_USER: '0',
  GIT_ADVICE: '0',
  GIT_NO_REPLACE_OBJECTS: '1',
};

// The search path is the one thing a child takes from the process: where `git` itself stands.
const searchPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

// One for the whole process, however many guards run in it.
let spawner: Promise<Spawner> | undefined;
let spawnerUsers = 0;

/**
 * Has Git started by a small process from now on, until the handle is disposed of: starting a child from a large
 * process stops it for many milliseconds. Without one, Git is started directly.
 */
export async function useSpawner(): Promise<AsyncDisposable> {
  spawner ??= Spawner.start();
  spawnerUsers += 1;
  const opened = spawner;
  await opened;
  return {
    async [Symbol.asyncDispose]() {
      spawnerUsers -= 1;
      if (spawnerUsers > 0) return;
      if (spawner === opened) spawner = undefined;
      await (await opened)[Symbol.asyncDispose]();
    },
  };
}

/** Starts Git with an argument array. The caller reads its streams and waits with `exitOf`. */
export async function spawnGit(args: readonly string[], options: GitOptions): Promise<GitProcess> {
  const command = {
    args,
    cwd: options.cwd,
    env: { PATH: searchPath, ...fixedEnvironment, ...options.env },
  };
  const child = await (spawner === undefined ? spawnDirectly(command) : (await spawner).spawn(command));
  killOnAbort(child, options.signal);
  return child;
}

/** Kills a process once `signal` aborts. */
export function killOnAbort(child: GitProcess, signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) child.kill();
  signal?.addEventListener('abort', () => child.kill(), { once: true });
}

export interface GitExit {
  readonly code: number;
  /** The last 16 KiB of what the process said on stderr. */
  readonly stderr: string;
}

const stderrCap = 16 * 1024;

/** Waits for the end of a process, gathering stderr. A process that was killed has the code 128. */
export async function exitOf(child: GitProcess): Promise<GitExit> {
  let stderr = '';
  child.stderr.setEncoding('latin1').on('data', (text: string) => {
    stderr = (stderr + text).slice(-stderrCap);
  });
  // A child that ends before it has read all its input closes the pipe; its exit code tells the story.
  child.stdin.on('error', () => undefined);
  const { code, signal } = await child.ended;
  return { code: code ?? 128, stderr: signal === null ? stderr : `${stderr}killed by ${signal}` };
}

export interface GitResult extends GitExit {
  readonly stdout: Uint8Array;
}

/**
 * Runs Git to its end and returns what it printed. `maxBytes` (default 64 MiB) caps stdout: past it the process is
 * killed and the promise rejects with `git/limit`; with `request/cancelled` once `signal` aborts. A non-zero exit is a
 * result, not an error.
 */
export async function runGit(
  args: readonly string[],
  options: GitOptions & {
    readonly input?: Uint8Array | undefined;
    readonly maxBytes?: number;
  },
): Promise<GitResult> {
  const child = await spawnGit(args, options);
  const exit = exitOf(child);
  const maxBytes = options.maxBytes ?? 64 * 1024 * 1024;
  const chunks: Buffer[] = [];
  let size = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > maxBytes) child.kill();
    else chunks.push(chunk);
  });
  child.stdin.end(options.input);
  const { code, stderr } = await exit;
  if (options.signal?.aborted === true) throw new GuardError('request/cancelled', 'the work was stopped');
  if (size > maxBytes)
    throw new GuardError('git/limit', `git ${args[0] ?? ''} printed more than ${maxBytes} bytes`);
  return { code, stderr, stdout: Buffer.concat(chunks) };
}
