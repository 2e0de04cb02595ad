// A working copy in a directory of its own, for tests of commands that ask Git.
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isolatedGitEnvironment, run, runOrThrow, type Run } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { forgeguard } from './program.ts';

export interface WorkTree extends AsyncDisposable {
  readonly path: string;
  /** Runs git and returns what it printed; rejects where it fails. */
  git(...args: readonly string[]): Promise<string>;
  /** Runs git and returns how it ended. */
  tryGit(...args: readonly string[]): Promise<Run>;
  write(files: Readonly<Record<string, string | Uint8Array>>): Promise<void>;
  /** Writes, stages and commits. */
  commit(message: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<string>;
  forgeguard(...args: readonly string[]): Promise<Run>;
}

const identity = {
  GIT_AUTHOR_NAME: 'A',
  GIT_AUTHOR_EMAIL: 'a@example.com',
  GIT_COMMITTER_NAME: 'A',
  GIT_COMMITTER_EMAIL: 'a@example.com',
};

/** An empty repository with the branch `main`. */
export async function makeWorkTree(): Promise<WorkTree> {
  const directory = await temporaryDirectory('work-tree');
  const { path } = directory;
  const options = { cwd: path, env: isolatedGitEnvironment(path, identity) };
  const git = async (...args: readonly string[]) => (await runOrThrow('git', args, options)).stdout.trim();
  const write: WorkTree['write'] = async (files) => {
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(join(path, name)), { recursive: true });
      await writeFile(join(path, name), content);
    }
  };
  await git('init', '-q', '-b', 'main');
  return {
    path,
    git,
    tryGit: (...args) => run('git', args, options),
    write,
    async commit(message, files) {
      await write(files);
      await git('add', '-A');
      await git('commit', '-qm', message);
      return git('rev-parse', 'HEAD');
    },
    forgeguard: (...args) => forgeguard(path, args),
    [Symbol.asyncDispose]: directory.remove,
  };
}
