// Runs a program to its end and returns everything it said. For tests only: no shell, a deadline, captured output.
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { StartAnswer, StartRequest } from './starter-messages.ts';
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
export async function run(command: string, args: readonly string[], options: RunOptions): Promise<Run> {
  const { cwd, env, input, deadline = 60_000 } = options;
  const answer = await ask({ command, args, cwd, env, input, deadline });
  if ('problem' in answer) throw new Error(answer.problem);
  const { code, signal, seconds } = answer;
  const name = `${command} ${args[0] ?? ''}`;
  expectNoUpstreamSecret(`what ${name} printed`, answer.stdout);
  expectNoUpstreamSecret(`what ${name} complained`, answer.stderr);
  const stdoutBytes = Buffer.from(answer.stdout);
  const stdout = stdoutBytes.toString('utf8');
  return { code, signal, stdout, stderr: Buffer.from(answer.stderr).toString('utf8'), stdoutBytes, seconds };
}

let starter: ChildProcess | undefined;
let lastId = 0;
const waiting = new Map<number, PromiseWithResolvers<StartAnswer>>();

function ask(request: Omit<StartRequest, 'id'>): Promise<StartAnswer> {
  const program = (starter ??= openStarter());
  const id = (lastId += 1);
  const answer = Promise.withResolvers<StartAnswer>();
  waiting.set(id, answer);
  // Only what is awaited keeps this process.
  program.channel?.ref();
  program.send({ ...request, id }, (error) => {
    if (error !== null) answer.reject(error);
  });
  return answer.promise.finally(() => {
    waiting.delete(id);
    if (waiting.size === 0) program.channel?.unref();
  });
}

function openStarter(): ChildProcess {
  const opened = fork(fileURLToPath(new URL('starter.ts', import.meta.url)), {
    serialization: 'advanced',
    execArgv: [],
  });
  opened.unref();
  opened.on('message', (answer: StartAnswer) => waiting.get(answer.id)?.resolve(answer));
  opened.on('exit', () => {
    if (starter === opened) starter = undefined;
    for (const { reject } of waiting.values()) reject(new Error('what starts programs for tests has ended'));
  });
  return opened;
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
