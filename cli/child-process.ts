// The command line's door to child processes: starts the program that a user named, without a shell, its input and
// environment those of this process, its output in our hands.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';

/** How a program ended. */
export type Ending =
  | { readonly kind: 'code'; readonly code: number }
  | { readonly kind: 'signal'; readonly signal: NodeJS.Signals }
  /** It never ran; `reason` is the system's code, such as ENOENT. */
  | { readonly kind: 'not-started'; readonly reason: string };

export interface Child {
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves once the program has ended; its output may still be on its way. */
  readonly ended: Promise<Ending>;
  readonly kill: (signal: NodeJS.Signals) => void;
}

/** Starts `command`; whether it could be is told by `ended`. */
export function startChild(command: string, args: readonly string[]): Child {
  const child = spawn(command, args, { stdio: ['inherit', 'pipe', 'pipe'], shell: false });
  const { promise, resolve } = Promise.withResolvers<Ending>();
  child.on('error', (error) => {
    const reason = 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
    resolve({ kind: 'not-started', reason });
  });
  child.on('exit', (code, signal) =>
    resolve(signal === null ? { kind: 'code', code: code ?? 0 } : { kind: 'signal', signal }),
  );
  return {
    stdout: child.stdout,
    stderr: child.stderr,
    ended: promise,
    kill: (signal) => void child.kill(signal),
  };
}

/** The exit code that shells give to an ending. */
export function exitCodeOfEnding(ending: Ending): number {
  switch (ending.kind) {
    case 'code':
      return ending.code;
    case 'signal':
      return 128 + constants.signals[ending.signal];
    case 'not-started':
      return ending.reason === 'ENOENT' ? 127 : 126;
  }
}
