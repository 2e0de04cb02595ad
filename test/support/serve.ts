// Runs `forgeguard serve` as a person does at a prompt: a directory, an environment, and what it prints.
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { descendantsOf } from './process-memory.ts';
import { killGroup } from './process-group.ts';

export interface ServeOptions {
  readonly cwd: string;
  /** Added to PATH, HOME (the directory itself) and PORT=0. */
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** Runs this instead, such as `npm start`; `args` are not used then. */
  readonly command?: readonly [string, ...string[]];
  /** User and group id to run as; needs root. */
  readonly uid?: number;
}

export interface Serving extends AsyncDisposable {
  readonly pid: number;
  /** Both streams so far. */
  output(): string;
  /** Exit code, null where a signal ended it. */
  readonly exited: Promise<number | null>;
  /** Waits for the line that says it is ready and returns its URL; rejects where the program ends before. */
  ready(): Promise<string>;
  signal(signal: NodeJS.Signals): void;
  /** To all that it has started as well, as a terminal does on Ctrl-C. */
  signalGroup(signal: NodeJS.Signals): void;
  /** Every process that it has started and that still runs. */
  children(): Promise<readonly ProcessMark[]>;
}

/** A process, told from a later one of the same number by when it started. */
export interface ProcessMark {
  readonly pid: number;
  readonly name: string;
  readonly started: string;
}

const program = fileURLToPath(new URL('../../cli/forgeguard.ts', import.meta.url));

/** Starts it in a process group of its own, which is killed at the latest on disposal. */
export function serve(options: ServeOptions): Serving {
  const [command, ...args] = options.command ?? [process.execPath, program, 'serve', ...(options.args ?? [])];
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', HOME: options.cwd, PORT: '0', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  const exited = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    // `close` rather than `exit`: everything it said is read then.
    child.on('close', (code) => resolve(code));
  });
  const pid = child.pid ?? 0;
  const dispose = async (): Promise<void> => {
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), 20_000);
    await exited;
    clearTimeout(late);
    killGroup(pid);
  };
  return {
    pid,
    output: () => output,
    exited,
    ready: async () => {
      const ended = exited.then((code) => {
        throw new Error(`it ended with ${code}:\n${output}`);
      });
      return Promise.race([readyUrl(() => output), ended]);
    },
    signal: (signal) => void child.kill(signal),
    signalGroup: (signal) => killGroup(pid, signal),
    children: async () => {
      const marks = await Promise.all(
        (await descendantsOf(pid)).map(({ pid: own, name }) => markOf(own, name)),
      );
      return marks.filter((mark) => mark !== undefined);
    },
    [Symbol.asyncDispose]: dispose,
  };
}

async function readyUrl(output: () => string): Promise<string> {
  const until = performance.now() + 60_000;
  while (performance.now() < until) {
    const found = /Forgeguard is ready at (http\S+)/.exec(output());
    // The block is printed in one piece; its last line shows that all of it is here.
    if (found?.[1] !== undefined && output().includes('\n')) return found[1];
    await sleep(20);
  }
  throw new Error(`not ready in time:\n${output()}`);
}

async function markOf(pid: number, name: string): Promise<ProcessMark | undefined> {
  const stat = await readFile(join('/proc', String(pid), 'stat'), 'utf8').catch(() => '');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // Field 3 of stat is the state, field 22 the start.
  return stat === '' || fields[0] === 'Z' ? undefined : { pid, name, started: fields[19] ?? '' };
}

/** Those of the processes that still run. */
export async function stillRunning(marks: readonly ProcessMark[]): Promise<readonly ProcessMark[]> {
  const now = await Promise.all(marks.map(({ pid, name }) => markOf(pid, name)));
  return marks.filter((mark, index) => now[index]?.started === mark.started);
}
