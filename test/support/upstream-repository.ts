// A bare repository of the test upstream: made, looked at and given hooks with stock git.
import { access, chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createHold, type Hold } from './hold.ts';
import { isolatedGitEnvironment, run, runOrThrow } from './run.ts';

export interface RepositoryOptions {
  /** Default `sha1`. */
  readonly objectFormat?: 'sha1' | 'sha256';
  /** Default `main`. */
  readonly defaultBranch?: string;
  /** Path to content of a first commit on the default branch; none where absent. */
  readonly seed?: Readonly<Record<string, string | Uint8Array>>;
  readonly config?: Readonly<Record<string, string>>;
}

export type HookName = 'pre-receive' | 'update' | 'post-receive' | 'post-update';

export interface UpstreamRepository {
  readonly name: string;
  readonly directory: string;
  /** Runs git in the repository and returns its output without the last newline; rejects where git fails. */
  git(...args: readonly string[]): Promise<string>;
  /** Every ref and the id it points to, HEAD left out. */
  refs(): Promise<Readonly<Record<string, string>>>;
  hasObject(oid: string): Promise<boolean>;
  /** Content of a file at a revision, or undefined. */
  read(revision: string, path: string): Promise<string | undefined>;
  /** Installs a hook written in sh. */
  hook(name: HookName, script: string): Promise<void>;
  /** Makes every push fail: by `pre-receive` as a whole, by `update` ref by ref. Lines are said over the side band. */
  refuse(name: 'pre-receive' | 'update', says: string): Promise<void>;
  /** Makes a hook wait in the middle of the push: objects are in quarantine at `pre-receive`, refs moved after it. */
  holdIn(name: HookName): Promise<Hold>;
}

/** Makes `<root>/<name>.git`. */
export async function createRepository(
  root: string,
  home: string,
  name: string,
  options: RepositoryOptions = {},
): Promise<UpstreamRepository> {
  const directory = join(root, `${name}.git`);
  const env = isolatedGitEnvironment(home, {
    GIT_AUTHOR_NAME: 'Upstream',
    GIT_AUTHOR_EMAIL: 'upstream@upstream.example',
    GIT_COMMITTER_NAME: 'Upstream',
    GIT_COMMITTER_EMAIL: 'upstream@upstream.example',
  });
  const branch = options.defaultBranch ?? 'main';
  const git = async (...args: readonly string[]): Promise<string> =>
    (await runOrThrow('git', ['-C', directory, ...args], { env })).stdout.replace(/\n$/, '');
  const hook = async (hookName: HookName, script: string): Promise<void> => {
    const path = join(directory, 'hooks', hookName);
    await mkdir(join(directory, 'hooks'), { recursive: true });
    await writeFile(path, `#!/bin/sh\n${script}\n`);
    await chmod(path, 0o755);
  };

  const format = options.objectFormat ?? 'sha1';
  const init = ['init', '--quiet', '--bare', `--object-format=${format}`, `--initial-branch=${branch}`];
  await runOrThrow('git', [...init, directory], { env });
  const config = {
    'http.receivepack': 'true',
    'uploadpack.allowFilter': 'true',
    'uploadpack.allowAnySHA1InWant': 'true',
    'receive.advertisePushOptions': 'true',
    ...options.config,
  };
  for (const [key, value] of Object.entries(config)) await git('config', key, value);
  if (options.seed) {
    const input = fastImportStream(branch, options.seed);
    await runOrThrow('git', ['-C', directory, 'fast-import', '--quiet'], { env, input });
  }
  return {
    name,
    directory,
    git,
    hook,
    refs: async () => {
      const listed = await git('for-each-ref', '--format=%(refname) %(objectname)');
      const refs: Record<string, string> = {};
      for (const line of listed.split('\n')) {
        const [ref, oid] = line.split(' ');
        if (ref && oid) refs[ref] = oid;
      }
      return refs;
    },
    hasObject: async (oid) =>
      (await run('git', ['-C', directory, 'cat-file', '-e', oid], { env })).code === 0,
    read: async (revision, path) => {
      const shown = await run('git', ['-C', directory, 'cat-file', 'blob', `${revision}:${path}`], { env });
      return shown.code === 0 ? shown.stdout : undefined;
    },
    refuse: (hookName, says) => hook(hookName, `cat <<'SAYS'\n${says}\nSAYS\nexit 1`),
    holdIn: async (hookName) => {
      const [reached, released] = [join(directory, `${hookName}.reached`), join(directory, `${hookName}.go`)];
      // Ends by itself after a minute, so that a failed test leaves no process behind.
      await hook(
        hookName,
        `: >'${reached}'; n=0; while [ ! -e '${released}' ] && [ $n -lt 600 ]; do sleep 0.1; n=$((n+1)); done`,
      );
      return holdByFiles(reached, released);
    },
  };
}

function holdByFiles(reachedFile: string, releasedFile: string): Hold {
  const hold = createHold();
  const watch = async (): Promise<void> => {
    for (let tries = 0; tries < 1200; tries += 1) {
      if (await exists(reachedFile)) break;
      await sleep(50, undefined, { ref: false });
    }
    await hold.wait();
    await writeFile(releasedFile, '');
  };
  watch().catch(() => undefined);
  return hold;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** One commit with these files, in git fast-import's language. */
export function fastImportStream(
  branch: string,
  files: Readonly<Record<string, string | Uint8Array>>,
): Uint8Array {
  const parts: Uint8Array[] = [];
  const text = (value: string): number => parts.push(Buffer.from(value));
  const message = 'first\n';
  text(`commit refs/heads/${branch}\ncommitter Seed <seed@upstream.example> 1700000000 +0000\n`);
  text(`data ${Buffer.byteLength(message)}\n${message}`);
  for (const [path, content] of Object.entries(files)) {
    const bytes = Buffer.from(content);
    text(`M 100644 inline ${JSON.stringify(path)}\ndata ${bytes.length}\n`);
    parts.push(bytes);
    text('\n');
  }
  text('done\n');
  return Buffer.concat(parts);
}
