// Runs a program to its end and returns everything it said. For tests only: no shell, a deadline, captured output.
import { spawn } from 'node:child_process';
import { expectNoUpstreamSecret } from './upstream-secret.ts';

export interface Run {
  /** Exit code; 128 + signal number is never made up: a killed program has code null. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly stdoutBytes: Uint8Array;
  /** Wall-clock seconds. */
  readonly seconds: number;
}

export interface RunOptions {
  readonly cwd?: string;
  /** The whole environment; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly input?: string | Uint8Array;
  /** Milliseconds until the program is killed. Default 60,000. */
  readonly deadline?: number;
}

/** Runs `command`; never rejects for a bad exit code, only where the program cannot be started. */
export function run(command: string, args: readonly string[], options: RunOptions): Promise<Run> {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: options.cwd, env: options.env, stdio: 'pipe', detached: true });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    // The whole group: git's transport helpers hold the pipes open when only git itself is killed.
    const timer = setTimeout(() => killGroup(child.pid), options.deadline ?? 60_000);
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.on('error', reject);
    // A program that ends before it read its input closes the pipe; its exit code says the rest.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const stdoutBytes = Buffer.concat(out);
      const stderrBytes = Buffer.concat(err);
      const name = `${command} ${args[0] ?? ''}`;
      expectNoUpstreamSecret(`what ${name} printed`, stdoutBytes);
      expectNoUpstreamSecret(`what ${name} complained`, stderrBytes);
      resolve({
        code,
        signal,
        stdout: stdoutBytes.toString('utf8'),
        stderr: stderrBytes.toString('utf8'),
        stdoutBytes,
        seconds: (performance.now() - started) / 1000,
      });
    });
  });
}

/** Kills a process that was started as the leader of its own group, and its children. */
export function killGroup(pid: number | undefined, signal: NodeJS.Signals = 'SIGKILL'): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // Already gone.
  }
}

/** Runs and rejects, with what the program said, where it does not end with 0. */
export async function runOrThrow(
  command: string,
  args: readonly string[],
  options: RunOptions,
): Promise<Run> {
  const done = await run(command, args, options);
  if (done.code !== 0) {
    throw new Error(
      `${command} ${args.join(' ')}: exit ${done.code ?? done.signal}\n${done.stderr}${done.stdout}`,
    );
  }
  return done;
}

/** An environment for git that nothing of this machine leaks into. `home` should be an empty directory. */
export function isolatedGitEnvironment(
  home: string,
  extra: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  return {
    PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    HOME: home,
    XDG_CONFIG_HOME: `${home}/.config`,
    LC_ALL: 'C.UTF-8',
    TZ: 'UTC',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: 'true',
    NO_PROXY: '*',
    ...extra,
  };
}
