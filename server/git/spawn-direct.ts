// A Git child as the rest of the guard sees it, and the plain way to start one.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { GuardError } from '../../core/errors.ts';
import { killGroup, ownGroup } from './process-group.ts';

export interface GitCommand {
  readonly args: readonly string[];
  readonly cwd: string;
  /** The whole environment of the child; may hold a credential and is therefore never logged. */
  readonly env: Readonly<Record<string, string>>;
}

export interface GitProcess {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Ends it, and what it started, with SIGKILL. */
  kill(): void;
  /** Fulfils when the process has ended and its output was read or given up. */
  readonly ended: Promise<GitEnd>;
}

/** `code` is null where a signal ended the process. */
export interface GitEnd {
  readonly code: number | null;
  readonly signal: string | null;
}

/** Starts Git from this process. Rejects with `internal` where it cannot be started. */
export async function spawnDirectly(command: GitCommand): Promise<GitProcess> {
  const child = spawn('git', [...command.args], {
    cwd: command.cwd,
    env: { ...command.env },
    stdio: ['pipe', 'pipe', 'pipe'],
    shell: false,
    ...ownGroup,
  });
  const { promise: ended, resolve } = Promise.withResolvers<GitEnd>();
  child.once('close', (code, signal) => resolve({ code, signal }));
  try {
    await once(child, 'spawn');
  } catch (cause) {
    throw couldNotRun(cause);
  }
  child.on('error', () => undefined);
  const kill = (): void => killGroup(child);
  return { stdin: child.stdin, stdout: child.stdout, stderr: child.stderr, kill, ended };
}

/** The error of a Git that could not be started. */
export function couldNotRun(cause: unknown): GuardError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
  return new GuardError('internal', `couldn't run git (${code})`, { cause });
}
