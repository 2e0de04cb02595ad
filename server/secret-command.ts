// Runs the program that the configuration names as the source of a secret. No shell, no input, a deadline, bounded output;
// what it says on stderr is thrown away, because it may hold the secret.
import { spawn } from 'node:child_process';
import process from 'node:process';

export type SecretOutput =
  | { readonly kind: 'output'; readonly text: string }
  /** `why` is the end of a sentence about the program. */
  | { readonly kind: 'failed'; readonly why: string };

/** It has the guard's environment and a process group of its own, which is killed when the time is over. */
export function runSecretCommand(
  program: string,
  args: readonly string[],
  bounds: { readonly timeoutMs: number; readonly maxBytes: number },
): Promise<SecretOutput> {
  const { promise, resolve } = Promise.withResolvers<SecretOutput>();
  const child = spawn(program, [...args], {
    stdio: ['ignore', 'pipe', 'ignore'],
    shell: false,
    detached: true,
    cwd: '/',
  });
  const parts: Buffer[] = [];
  let length = 0;
  const end = (output: SecretOutput): void => {
    clearTimeout(timer);
    killGroup(child.pid);
    child.stdout.destroy();
    resolve(output);
  };
  const timer = setTimeout(
    () => end({ kind: 'failed', why: `took longer than ${bounds.timeoutMs / 1000} s` }),
    bounds.timeoutMs,
  );
  child.on('error', (error) => {
    const code = 'code' in error ? String(error.code) : 'unknown';
    end({ kind: 'failed', why: `could not be started (${code})` });
  });
  child.stdout.on('data', (part: Buffer) => {
    length += part.length;
    if (length > bounds.maxBytes) end({ kind: 'failed', why: `wrote more than ${bounds.maxBytes} bytes` });
    else parts.push(part);
  });
  child.on('close', (code, signal) =>
    end(
      code === 0
        ? { kind: 'output', text: Buffer.concat(parts).toString('utf8') }
        : { kind: 'failed', why: `ended with ${code ?? signal ?? 'nothing'}` },
    ),
  );
  return promise;
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}
