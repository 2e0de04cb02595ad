// A user's git: the installed client in a home of its own, with nothing of this machine's configuration.
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isolatedGitEnvironment, run, type Run } from './run.ts';
import { temporaryDirectory } from './temporary-directory.ts';

export interface ClientOptions {
  readonly name?: string;
  readonly email?: string;
  /** Git configuration, `section.key` to value. */
  readonly config?: Readonly<Record<string, string>>;
  /** Sent with every request, such as `Authorization: Bearer …`. */
  readonly extraHeader?: string;
}

export interface GitOptions {
  readonly cwd?: string;
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds until git is killed. Default 60,000. */
  readonly deadline?: number;
}

export type Files = Readonly<Record<string, string | Uint8Array>>;

export interface PushOptions extends GitOptions {
  /** `-o` options of the push. */
  readonly options?: readonly string[];
  /** More arguments, such as `--atomic`. */
  readonly args?: readonly string[];
  /** Default `origin`. */
  readonly to?: string;
}

export interface WorkTree {
  readonly directory: string;
  /** Runs git here; never rejects for a bad exit code. */
  git(...args: readonly string[]): Promise<Run>;
  write(files: Files): Promise<void>;
  /** Writes `files`, commits everything and returns the new commit's id. */
  commit(message: string, files?: Files): Promise<string>;
  /** Pushes refspecs such as `HEAD:refs/heads/agent/x`. */
  push(refspecs: string | readonly string[], options?: PushOptions): Promise<Run>;
  oid(revision: string): Promise<string>;
}

export interface GitClient extends AsyncDisposable {
  /** Directory that holds the home and every work tree; removed at the end. */
  readonly directory: string;
  git(args: readonly string[], options?: GitOptions): Promise<Run>;
  /** Clones; rejects where the clone fails. */
  clone(url: string, args?: readonly string[]): Promise<WorkTree>;
  /** Makes an empty repository with `origin` at `url`. */
  init(url: string, args?: readonly string[]): Promise<WorkTree>;
  remove(): Promise<void>;
}

/** Makes a client whose author is `Agent <agent@example.com>` unless told otherwise. */
export async function createGitClient(options: ClientOptions = {}): Promise<GitClient> {
  const root = await temporaryDirectory('client');
  const home = join(root.path, 'home');
  await mkdir(home);
  const config: Record<string, string> = {
    'user.name': options.name ?? 'Agent',
    'user.email': options.email ?? 'agent@example.com',
    'init.defaultBranch': 'main',
    'advice.detachedHead': 'false',
    'protocol.file.allow': 'always',
    'gc.auto': '0',
    ...(options.extraHeader === undefined ? {} : { 'http.extraHeader': options.extraHeader }),
    ...options.config,
  };
  await writeFile(join(home, '.gitconfig'), configText(config));
  const git = (args: readonly string[], more: GitOptions = {}): Promise<Run> =>
    run('git', args, {
      cwd: more.cwd ?? root.path,
      env: isolatedGitEnvironment(home, more.env),
      ...(more.input === undefined ? {} : { input: more.input }),
      ...(more.deadline === undefined ? {} : { deadline: more.deadline }),
    });
  let trees = 0;
  const newDirectory = (): string => join(root.path, `work-${(trees += 1)}`);
  return {
    directory: root.path,
    git,
    clone: async (url, args = []) => {
      const directory = newDirectory();
      ok(await git(['clone', '--quiet', ...args, url, directory]));
      return workTree(directory, git);
    },
    init: async (url, args = []) => {
      const directory = newDirectory();
      ok(await git(['init', '--quiet', ...args, directory]));
      ok(await git(['remote', 'add', 'origin', url], { cwd: directory }));
      return workTree(directory, git);
    },
    remove: root.remove,
    [Symbol.asyncDispose]: root.remove,
  };
}

function workTree(directory: string, git: GitClient['git']): WorkTree {
  const here = (...args: readonly string[]): Promise<Run> => git(args, { cwd: directory });
  const oid = async (revision: string): Promise<string> =>
    ok(await here('rev-parse', '--verify', revision)).stdout.trim();
  const write = async (files: Files): Promise<void> => {
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(directory, path)), { recursive: true });
      await writeFile(join(directory, path), content);
    }
  };
  return {
    directory,
    git: here,
    write,
    oid,
    commit: async (message, files = {}) => {
      await write(files);
      ok(await here('add', '--all'));
      ok(await here('commit', '--quiet', '--allow-empty', '--allow-empty-message', '-m', message));
      return oid('HEAD');
    },
    push: (refspecs, { options = [], args = [], to = 'origin', ...rest } = {}) =>
      git(
        [
          'push',
          ...options.map((option) => `--push-option=${option}`),
          ...args,
          to,
          ...(typeof refspecs === 'string' ? [refspecs] : refspecs),
        ],
        { cwd: directory, ...rest },
      ),
  };
}

function configText(config: Readonly<Record<string, string>>): string {
  return Object.entries(config)
    .map(([key, value]) => {
      const dot = key.lastIndexOf('.');
      const [head, ...rest] = key.slice(0, dot).split('.');
      const section = rest.length > 0 ? `${head} "${rest.join('.')}"` : head;
      return `[${section}]\n\t${key.slice(dot + 1)} = ${JSON.stringify(value)}\n`;
    })
    .join('');
}

/** Returns `done`, or throws with what git said where it failed. */
export function ok(done: Run): Run {
  if (done.code !== 0) throw new Error(`git failed with ${done.code ?? done.signal}: ${done.stderr}`);
  return done;
}

/** `url` with a user name and password in it, as people paste tokens. */
export function withCredentials(url: string, username: string, password: string): string {
  const full = new URL(url);
  full.username = encodeURIComponent(username);
  full.password = encodeURIComponent(password);
  return full.href;
}
