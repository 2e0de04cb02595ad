// Starts the guard as a user does: a process of its own, by its command line, with a configuration file.
import { spawn } from 'node:child_process';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Agent, fetch } from 'undici';
import { stringify } from 'yaml';
import { freePort } from './free-port.ts';
import { type MemoryWatch, watchMemory } from './process-memory.ts';
import { killGroup } from './process-group.ts';
import { run, type Run } from './run.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import { expectNoUpstreamSecret, leakFileVariable } from './upstream-secret.ts';

export interface GuardOptions {
  /** Written as forgeguard.yaml. Without it the guard starts its sandbox. */
  readonly config?: object;
  /** Written as policy.yaml beside the configuration, which must name it (`policyFile: policy.yaml`). */
  readonly policy?: object | string;
  /** Default: a fresh directory that is removed at the end. Give one to start again on the same data. */
  readonly dataDir?: string;
  /** More environment, such as secrets that the configuration names. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default: a free port. */
  readonly port?: number;
  /** A file that may name a step of the walk of a push, at which the guard kills itself; needs `config`. */
  readonly deadlyStepFile?: string;
  /** The authority (PEM) of the certificate with which the guard listens; plain http without it. */
  readonly ca?: string;
  /** Milliseconds until `/readyz` must answer 200. Default 90,000. */
  readonly startDeadline?: number;
}

export interface Sandbox {
  readonly url: string;
  readonly repo: string;
  readonly agentToken: string;
  readonly reviewerToken: string;
  readonly adminToken: string;
}

export interface RunningGuard extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly dataDir: string;
  readonly configFile: string | undefined;
  /** Seconds from the start of the process until it was ready. */
  readonly startSeconds: number;
  /** Everything the guard has written so far, both streams. */
  logs(): string;
  /** What stands in sandbox.json; rejects where the guard was started with a configuration. */
  sandbox(): Promise<Sandbox>;
  /** Runs another command of the same program on the same data and configuration. */
  command(args: readonly string[], options?: { readonly input?: string | Uint8Array }): Promise<Run>;
  watchMemory(interval?: number): MemoryWatch;
  /** Asks it to end (SIGTERM), kills it after 20 s, and returns its exit code. Data that were given stay. */
  stop(): Promise<number | null>;
  /** Ends the process at once and nothing else, as the kernel would; the data stay until `stop` or disposal. */
  kill(signal?: NodeJS.Signals): Promise<void>;
}

const project = fileURLToPath(new URL('../../', import.meta.url));
const program = join(project, 'cli/forgeguard.ts');
const mortalProgram = join(project, 'test/support/mortal-guard.ts');
const tap = join(project, 'test/support/guard-tap.ts');

const running = new Set<number>();
let endsWithTests = false;

/** Whatever still runs is killed with the tests. */
function endWithTests(pid: number | undefined): void {
  if (pid === undefined) return;
  running.add(pid);
  if (endsWithTests) return;
  endsWithTests = true;
  process.once('exit', () => running.forEach((one) => killGroup(one)));
}

/** Starts the guard and waits until it is ready; rejects with its output where it ends before. */
export async function startGuard(options: GuardOptions = {}): Promise<RunningGuard> {
  const scratch = await temporaryDirectory('guard');
  const dataDir = options.dataDir ?? join(scratch.path, 'data');
  const port = options.port ?? (await freePort());
  const configFile = await writeConfiguration(scratch.path, options);
  const env = { ...environment(dataDir, port, scratch.path), ...options.env };
  const configArgs = configFile === undefined ? [] : ['--config', configFile];
  const started = performance.now();
  const entry =
    options.deadlyStepFile === undefined
      ? [program, 'serve', ...configArgs]
      : [mortalProgram, configFile ?? '', options.deadlyStepFile];
  // Benchmarks have no watch, and no tap that would cost time.
  const leaks = process.env[leakFileVariable];
  const child = spawn(process.execPath, leaks === undefined ? entry : ['--import', tap, ...entry], {
    cwd: scratch.path,
    env: leaks === undefined ? env : { ...env, [leakFileVariable]: leaks },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  const exited = new Promise<number | null>((resolve) => child.on('exit', (code) => resolve(code)));
  endWithTests(child.pid);

  const kill = async (signal: NodeJS.Signals = 'SIGKILL'): Promise<void> => {
    child.kill(signal);
    await exited;
  };
  const stop = async (): Promise<number | null> => {
    const late = setTimeout(() => child.kill('SIGKILL'), 20_000);
    child.kill('SIGTERM');
    const code = await exited;
    clearTimeout(late);
    killGroup(child.pid);
    if (child.pid !== undefined) running.delete(child.pid);
    expectNoUpstreamSecret('what the guard said on its streams', output);
    await expectCleanFiles(dataDir);
    await scratch.remove();
    return code;
  };
  const url = `${options.ca === undefined ? 'http' : 'https'}://127.0.0.1:${port}`;
  try {
    await ready(url, options.ca, exited, options.startDeadline ?? 90_000, () => output);
  } catch (error) {
    await kill();
    await scratch.remove();
    throw error;
  }
  return {
    url,
    port,
    pid: child.pid ?? 0,
    dataDir,
    configFile,
    startSeconds: (performance.now() - started) / 1000,
    logs: () => output,
    sandbox: async () => JSON.parse(await written(join(dataDir, 'sandbox.json'))) as Sandbox,
    command: (args, more = {}) =>
      run(process.execPath, [program, ...args, ...configArgs], { cwd: scratch.path, env, ...more }),
    watchMemory: (interval) => watchMemory(child.pid ?? 0, interval),
    stop,
    kill,
    [Symbol.asyncDispose]: async () => void (await stop()),
  };
}

/** The files that the guard left, those of its own PostgreSQL aside, which is looked through as a database. */
async function expectCleanFiles(dataDir: string): Promise<void> {
  const entries = await readdir(dataDir, { recursive: true, withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || path.startsWith(join(dataDir, 'postgres'))) continue;
    const { size } = await stat(path).catch(() => ({ size: Infinity }));
    if (size > 2 ** 20) continue;
    expectNoUpstreamSecret(`the file ${path}`, await readFile(path).catch(() => ''));
  }
}

function environment(dataDir: string, port: number, home: string): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    HOME: home,
    LC_ALL: 'C.UTF-8',
    FORGEGUARD_DATA_DIR: dataDir,
    PORT: String(port),
  };
}

async function writeConfiguration(directory: string, options: GuardOptions): Promise<string | undefined> {
  if (options.policy !== undefined) {
    const text = typeof options.policy === 'string' ? options.policy : stringify(options.policy);
    await writeFile(join(directory, 'policy.yaml'), text);
  }
  if (!options.config) return undefined;
  const file = join(directory, 'forgeguard.yaml');
  await writeFile(file, stringify(options.config));
  return file;
}

/** The sandbox is described once the guard knows its port, which is after it listens. */
async function written(file: string): Promise<string> {
  for (let tries = 0; tries < 600; tries += 1) {
    const text = await readFile(file, 'utf8').catch(() => undefined);
    if (text !== undefined) return text;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${file} was not written`);
}

async function ready(
  url: string,
  ca: string | undefined,
  exited: Promise<number | null>,
  deadline: number,
  said: () => string,
): Promise<void> {
  const until = performance.now() + deadline;
  const dispatcher = new Agent(ca === undefined ? {} : { connect: { ca } });
  const ended = exited.then((code) => {
    throw new Error(`the guard ended with ${code} before it was ready:\n${said()}`);
  });
  const poll = async (): Promise<void> => {
    while (performance.now() < until) {
      const answer = await fetch(`${url}/readyz`, { dispatcher, signal: AbortSignal.timeout(2000) }).catch(
        () => undefined,
      );
      if (answer?.ok) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`the guard was not ready within ${deadline} ms:\n${said()}`);
  };
  try {
    await Promise.race([poll(), ended]);
  } finally {
    await dispatcher.destroy();
  }
}
