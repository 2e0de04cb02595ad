// A working copy of Git that the command line or the Action reads. Its configuration is the user's only where Git says that it belongs
// to them; in a foreign one nothing that it configures is run and nothing is fetched.
import { resolve } from 'node:path';
import { GuardError } from '../core/errors.ts';
import { type GitResult, exitOf, runGit, spawnGit } from '../server/git/process.ts';

export interface WorkingCopy {
  /** Directory in which Git is run. */
  readonly directory: string;
  /** Its top level; paths of Git's answers about changes are relative to it. */
  readonly root: string;
  /** Environment under which every Git of this working copy is run. */
  readonly environment: Readonly<Record<string, string>>;
}

const maxBytes = 512 * 1024 * 1024;
const deadlineMs = 10 * 60_000;
/** What is read while it is scanned takes as long as the scan. */
const streamDeadlineMs = 6 * 60 * 60_000;

/** What Git tells its hooks about the commit in the making. Without the index file, `commit -a` would not be seen. */
const hookVariables = [
  'GIT_DIR',
  'GIT_WORK_TREE',
  'GIT_INDEX_FILE',
  'GIT_OBJECT_DIRECTORY',
  'GIT_ALTERNATE_OBJECT_DIRECTORIES',
];

// A file system monitor is a program that the repository names, and listing files would run it.
const own = configured({ 'core.fsmonitor': 'false' });
const foreign = {
  ...configured({ 'core.fsmonitor': 'false', 'safe.directory': '*' }),
  GIT_NO_LAZY_FETCH: '1',
};

function configured(settings: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const entries = Object.entries(settings).flatMap(([key, value], at) => [
    [`GIT_CONFIG_KEY_${at}`, key] as const,
    [`GIT_CONFIG_VALUE_${at}`, value] as const,
  ]);
  return { GIT_CONFIG_COUNT: String(entries.length / 2), ...Object.fromEntries(entries) };
}

/**
 * The working copy that `directory` lies in, or undefined where there is none. `hook` is the environment of the process
 * where it may run as a Git hook, and empty where other directories than the hook's are looked at.
 */
export async function openWorkingCopy(
  directory: string,
  hook: Readonly<Record<string, string | undefined>>,
): Promise<WorkingCopy | undefined> {
  const told = Object.fromEntries(
    hookVariables.flatMap((name) => {
      const value = hook[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
  for (const base of [own, foreign]) {
    const environment = { ...base, ...told };
    const found = await runGit(['rev-parse', '--show-toplevel'], options(directory, environment, deadlineMs));
    const root = Buffer.from(found.stdout).toString('utf8').replace(/\n$/, '');
    if (found.code === 0 && root !== '') return { directory, root: resolve(directory, root), environment };
  }
  return undefined;
}

function options(cwd: string, env: Readonly<Record<string, string>>, deadline: number) {
  return { cwd, env, maxBytes, signal: AbortSignal.timeout(deadline) };
}

/** Runs Git and returns what it printed and how it ended. */
export function tryGit(copy: WorkingCopy, args: readonly string[], input?: Uint8Array): Promise<GitResult> {
  return runGit(args, {
    ...options(copy.directory, copy.environment, deadlineMs),
    ...(input === undefined ? {} : { input }),
  });
}

/** Runs Git and returns what it printed. Rejects with `input/invalid` where Git fails. */
export async function git(
  copy: WorkingCopy,
  args: readonly string[],
  input?: Uint8Array,
): Promise<Uint8Array> {
  const { code, stdout, stderr } = await tryGit(copy, args, input);
  if (code === 0) return stdout;
  throw failed(args, stderr);
}

/** What Git prints, as it prints it. Rejects with `input/invalid` where Git fails. */
export async function* streamGit(copy: WorkingCopy, args: readonly string[]): AsyncGenerator<Uint8Array> {
  const child = await spawnGit(args, options(copy.directory, copy.environment, streamDeadlineMs));
  const exit = exitOf(child);
  child.stdin.end();
  try {
    for await (const chunk of child.stdout) if (chunk instanceof Uint8Array) yield chunk;
    const { code, stderr } = await exit;
    if (code !== 0) throw failed(args, stderr);
  } finally {
    child.kill();
  }
}

function failed(args: readonly string[], stderr: string): GuardError {
  const said = stderr.trim().split('\n')[0] ?? '';
  return new GuardError('input/invalid', `couldn't run git ${args[0] ?? ''}: ${said}`);
}

/** Splits what Git prints with -z. */
export function splitNul(bytes: Uint8Array): readonly string[] {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    .toString('utf8')
    .split('\0')
    .filter((part) => part !== '');
}
