// What a clone holds, read with stock git in a way that two clones can be compared by.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GitClient, WorkTree } from './client.ts';
import { ok } from './client.ts';

export interface Fetched {
  /** `<oid> <ref>` of every ref. */
  readonly refs: readonly string[];
  /** `<oid> <type> <size>` of every object that is there. */
  readonly objects: readonly string[];
  /** Ids at which a shallow history ends. */
  readonly shallow: readonly string[];
  /** Content of HEAD. */
  readonly head: string;
}

/** Reads a clone, after git has checked every object of it. */
export async function readFetched(tree: WorkTree): Promise<Fetched> {
  ok(await tree.git('fsck', '--full', '--strict', '--no-dangling'));
  const head = await inGitDirectory(tree, 'HEAD');
  const shallow = await inGitDirectory(tree, 'shallow');
  const refs = await tree.git('for-each-ref', '--format=%(objectname) %(refname)');
  const objects = await tree.git(
    'cat-file',
    '--batch-all-objects',
    '--unordered',
    '--batch-check=%(objectname) %(objecttype) %(objectsize)',
  );
  return {
    refs: lines(ok(refs).stdout),
    objects: lines(ok(objects).stdout),
    shallow: lines(shallow),
    head: head.trim(),
  };
}

/** Clones through the guard and past it with the same arguments, and reads both. */
export async function cloneBoth(
  client: GitClient,
  urls: { readonly guarded: string; readonly direct: string },
  args: readonly string[],
): Promise<{ readonly guarded: Fetched; readonly direct: Fetched; readonly tree: WorkTree }> {
  const [tree, other] = await Promise.all([
    client.clone(urls.guarded, args),
    client.clone(urls.direct, args),
  ]);
  const [guarded, direct] = await Promise.all([readFetched(tree), readFetched(other)]);
  return { guarded, direct, tree };
}

/** Content of a file of the Git directory, bare or not; '' where there is none. */
async function inGitDirectory({ directory }: WorkTree, name: string): Promise<string> {
  return readFile(join(directory, '.git', name), 'utf8').catch(() =>
    readFile(join(directory, name), 'utf8').catch(() => ''),
  );
}

function lines(text: string): readonly string[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .toSorted();
}
