// The one door to child processes of Git. No shell, a fixed environment, and a deadline or a signal on every run.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { devNull } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { GuardError } from '../../core/errors.ts';

export interface GitOptions {
  readonly cwd: string;
  /** Added to the fixed environment; may hold a credential and is therefore never logged. */
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

export type GitProcess = ChildProcessByStdio<Writable, Readable, Readable>;

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

/** Starts Git with an argument array. The caller reads its streams and waits with `exitOf`. */
export function spawnGit(args: readonly string[], options: GitOptions): GitProcess {
  return spawn('git', [...args], {
    cwd: options.cwd,
    env: { PATH: searchPath, ...fixedEnvironment, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
    shell: false,
    ...(options.signal === undefined ? {} : { signal: options.signal, killSignal: 'SIGKILL' }),
  });
}

/** Kills a process that was started before its deadline was known, once `signal` aborts. */
export function killOnAbort(child: GitProcess, signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) child.kill('SIGKILL');
  signal?.addEventListener('abort', () => child.kill('SIGKILL'), { once: true });
}

export interface GitExit {
  readonly code: number;
  /** The last 16 KiB of what the process said on stderr. */
  readonly stderr: string;
}

const stderrCap = 16 * 1024;

/** Waits for the end of a process, gathering stderr. Rejects only where it could not be started or was aborted. */
export function exitOf(child: GitProcess): Promise<GitExit> {
  let stderr = '';
  child.stderr.setEncoding('latin1').on('data', (text: string) => {
    stderr = (stderr + text).slice(-stderrCap);
  });
  // A child that ends before it has read all its input closes the pipe; its exit code tells the story.
  child.stdin.on('error', () => undefined);
  return new Promise((resolve, reject) => {
    child.on('error', (cause: Error) => {
      if (cause.name === 'AbortError')
        reject(new GuardError('request/cancelled', 'the work was stopped', { cause }));
      else reject(new GuardError('internal', `couldn't run git: ${cause.message}`, { cause }));
    });
    child.on('close', (code, signal) => {
      resolve({ code: code ?? 128, stderr: signal === null ? stderr : `${stderr}killed by ${signal}` });
    });
  });
}

export interface GitResult extends GitExit {
  readonly stdout: Uint8Array;
}

/**
 * Runs Git to its end and returns what it printed. `maxBytes` (default 64 MiB) caps stdout: past it the process is
 * killed and the promise rejects with `git/limit`. A non-zero exit is a result, not an error.
 */
export async function runGit(
  args: readonly string[],
  options: GitOptions & { readonly input?: Uint8Array | undefined; readonly maxBytes?: number },
): Promise<GitResult> {
  const child = spawnGit(args, options);
  const exit = exitOf(child);
  const maxBytes = options.maxBytes ?? 64 * 1024 * 1024;
  const chunks: Buffer[] = [];
  let size = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > maxBytes) child.kill('SIGKILL');
    else chunks.push(chunk);
  });
  child.stdin.end(options.input);
  const { code, stderr } = await exit;
  if (size > maxBytes)
    throw new GuardError('git/limit', `git ${args[0] ?? ''} printed more than ${maxBytes} bytes`);
  return { code, stderr, stdout: Buffer.concat(chunks) };
}
