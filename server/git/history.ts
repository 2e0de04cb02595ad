// A cache of what the upstream already has, fetched lazily and per repository: trees of the commits that pushes build
// on, and bare commit history where ancestry must be told. It may be deleted at any time; it is emptied at each start.
import { createHash } from 'node:crypto';
import { copyFile, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { GuardError } from '../../core/errors.ts';
import { type ObjectFormat, type Oid, parseOid } from '../../core/oid.ts';
import { JoinedFetches } from './joined-fetches.ts';
import { plainText } from './plain-text.ts';
import { runGit } from './process.ts';
import { remoteEnvironment } from './remote-environment.ts';
import type { GitRemote } from './gateway.ts';

export interface HistoryKey {
  readonly repository: string;
  readonly objectFormat: ObjectFormat;
}

type Depth = 'trees' | 'commits';

// What is fetched into each cache: the trees of single commits, or all commits without their trees.
const fetchOptions: Readonly<Record<Depth, readonly string[]>> = {
  trees: ['--depth=1', '--filter=blob:none'],
  commits: ['--filter=tree:0'],
};

// A question about a commit that is not here is answered by its absence, not by asking the upstream for it.
export const neverFetch: Readonly<Record<string, string>> = { GIT_NO_LAZY_FETCH: '1' };

const keptPackBytes = 4 * 1024 * 1024;
const keptPacks = 50;
const fetchDeadlineMs = 10 * 60_000;

interface RepositoryCache {
  readonly path: string;
  readonly objectFormat: ObjectFormat;
  /** Commits whose trees are believed to be here; a hint, a missing tree is fetched again. */
  readonly known: Set<string>;
  /** `.gitmodules` blobs that passed fsck. */
  readonly checkedGitmodules: Set<string>;
  readonly fetches: JoinedFetches;
  packs: number;
  users: number;
  retired: boolean;
}

/** A cache in use; it is not removed until its last user let go. */
export interface HistoryLease extends AsyncDisposable {
  /** Object directory of the trees, to be read through as an alternate. */
  readonly treesPath: string;
  readonly known: ReadonlySet<string>;
  /** Git directory of the bare history. */
  readonly commitsPath: string;
  readonly checkedGitmodules: Set<string>;
  /** Fetches the trees of these commits, or single objects. Rejects with `upstream/unreachable`. */
  fetchTrees(remote: GitRemote, oids: readonly Oid[], signal: AbortSignal): Promise<void>;
  /** Fetches these commits and all that they reach, without trees. Rejects with `upstream/unreachable`. */
  fetchCommits(remote: GitRemote, oids: readonly Oid[], signal: AbortSignal): Promise<void>;
  /** True where `ancestor` is reached from one of `tips`, all of which the upstream has. */
  isAncestor(remote: GitRemote, ancestor: Oid, tips: readonly Oid[], signal: AbortSignal): Promise<boolean>;
  /** The first of these commits that the tips reach. `chain` goes from child to parent. */
  newestReached(question: ReachQuestion, chain: readonly Oid[]): Promise<Oid | undefined>;
  /** At most `limit` commits that the tips reach and none of `bases` does; all are on the upstream. */
  commitsBetween(question: ReachQuestion, bases: readonly Oid[], limit: number): Promise<readonly Oid[]>;
  /** For Git to read the commits that were fetched. */
  readonly commits: { readonly directory: string; readonly environment: Readonly<Record<string, string>> };
  /** Those of these commits that the tips reach, in their order. */
  allReached(question: ReachQuestion, oids: readonly Oid[]): Promise<readonly Oid[]>;
  /** Those of these known commits that none of the others reaches, in their order. */
  independent(oids: readonly Oid[], signal: AbortSignal): Promise<readonly Oid[]>;
  /** Keeps a small pack that was just forwarded, so that the next push finds the trees it builds on. */
  keep(packPath: string, tips: readonly Oid[]): Promise<void>;
}

/** What do these tips, which the upstream advertises, reach? */
export interface ReachQuestion {
  readonly remote: GitRemote;
  readonly tips: readonly Oid[];
  readonly signal: AbortSignal;
}

export interface History {
  lease(key: HistoryKey): Promise<HistoryLease>;
}

/** Opens an empty cache below `root`; what earlier processes left there is removed. */
export async function createHistory(root: string): Promise<History> {
  await rm(root, { recursive: true, force: true });
  await mkdir(root, { recursive: true, mode: 0o700 });
  const caches = new Map<string, Promise<RepositoryCache>>();
  let generation = 0;

  async function open(key: HistoryKey): Promise<RepositoryCache> {
    generation += 1;
    const hash = createHash('sha256')
      .update(`${key.objectFormat}:${key.repository}`)
      .digest('hex')
      .slice(0, 32);
    const path = join(root, `${hash}-${generation}`);
    await Promise.all([
      initialise(join(path, 'trees'), key.objectFormat),
      initialise(join(path, 'commits'), key.objectFormat),
    ]);
    return {
      path,
      objectFormat: key.objectFormat,
      known: new Set(),
      checkedGitmodules: new Set(),
      fetches: new JoinedFetches(),
      packs: 0,
      users: 0,
      retired: false,
    };
  }

  return {
    async lease(key) {
      const name = `${key.objectFormat}:${key.repository}`;
      const opening = caches.get(name) ?? open(key);
      caches.set(name, opening);
      const cache = await opening.catch((thrown: unknown) => {
        caches.delete(name);
        throw thrown;
      });
      cache.users += 1;
      return leaseOf(cache, () => {
        if (caches.get(name) === opening) caches.delete(name);
      });
    },
  };
}

async function initialise(path: string, objectFormat: ObjectFormat): Promise<void> {
  await Promise.all([
    mkdir(join(path, 'objects', 'pack'), { recursive: true }),
    mkdir(join(path, 'refs'), { recursive: true }),
  ]);
  const format = objectFormat === 'sha1' ? '' : `\tobjectformat = ${objectFormat}\n`;
  const config = `[core]\n\trepositoryformatversion = 1\n\tbare = true\n[extensions]\n\tpartialClone = origin\n${format}`;
  await writeFile(join(path, 'HEAD'), 'ref: refs/heads/none\n');
  await writeFile(join(path, 'config'), `${config}[remote "origin"]\n\tpromisor = true\n`);
}

function leaseOf(cache: RepositoryCache, retire: () => void): HistoryLease {
  const trees = join(cache.path, 'trees');
  const commits = join(cache.path, 'commits');

  async function fetch(
    path: string,
    depth: Depth,
    remote: GitRemote,
    refspecs: readonly string[],
    signal: AbortSignal,
  ): Promise<void> {
    const shared = cache.fetches.add({
      group: [depth, remote.url, ...remote.headers].join(' '),
      refspecs,
      run: (joined) => runFetch(path, depth, remote, joined),
    });
    await Promise.race([shared, aborted(signal)]);
  }

  async function runFetch(
    path: string,
    depth: Depth,
    remote: GitRemote,
    refspecs: readonly string[],
  ): Promise<void> {
    const args = ['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--no-auto-maintenance'];
    const result = await runGit([...args, ...fetchOptions[depth], 'origin', ...refspecs], {
      cwd: path,
      env: { GIT_DIR: path, ...remoteEnvironment(remote) },
      signal: AbortSignal.timeout(fetchDeadlineMs),
    });
    if (result.code === 0) return;
    // What Git says may quote the upstream; the operator's log gets it, the client does not.
    const cause = new Error(`git fetch ended with ${result.code}: ${plainText(result.stderr.trim(), 500)}`);
    throw new GuardError('upstream/unreachable', "couldn't read from the upstream what the push builds on", {
      cause,
    });
  }

  // Refs of the cache's own tell the upstream what is here already.
  async function fetchCommits(remote: GitRemote, oids: readonly Oid[], signal: AbortSignal): Promise<void> {
    const refspecs = oids.map((oid) => `+${oid}:refs/cache/${oid}`);
    await fetch(commits, 'commits', remote, refspecs, signal);
  }

  /** Undefined where `oid` is not among the fetched commits. */
  async function reaches(tips: readonly Oid[], oid: Oid, signal: AbortSignal): Promise<boolean | undefined> {
    const args = ['rev-list', '--max-count=1', oid, '--not', ...tips, '--'];
    const result = await runGit(args, { cwd: commits, env: { GIT_DIR: commits, ...neverFetch }, signal });
    return result.code === 0 ? result.stdout.length === 0 : undefined;
  }

  /** Commits that `from` reaches and `without` does not, as far as they are here. */
  async function listCommits(
    options: readonly string[],
    from: readonly Oid[],
    without: readonly Oid[],
    signal: AbortSignal,
  ): Promise<ReadonlySet<Oid>> {
    if (from.length === 0) return new Set();
    const input = [...from, ...without.map((oid) => `^${oid}`), ''].join('\n');
    const args = ['rev-list', '--missing=allow-any', '--ignore-missing', ...options, '--stdin'];
    const env = { GIT_DIR: commits, ...neverFetch };
    const result = await runGit(args, { cwd: commits, env, signal, input: Buffer.from(input) });
    if (result.code !== 0)
      throw new GuardError('upstream/invalid', "couldn't tell what the upstream has already");
    const lines = Buffer.from(result.stdout).toString('latin1').split('\n');
    return new Set(lines.flatMap((line) => parseOid(line, cache.objectFormat) ?? []));
  }

  return {
    treesPath: join(trees, 'objects'),
    commitsPath: commits,
    fetchCommits,
    known: cache.known,
    checkedGitmodules: cache.checkedGitmodules,
    async fetchTrees(remote, oids, signal) {
      await fetch(trees, 'trees', remote, oids, signal);
      for (const oid of oids) cache.known.add(oid);
    },
    async isAncestor(remote, ancestor, tips, signal) {
      await fetchCommits(remote, [ancestor, ...tips], signal);
      const reached = await reaches(tips, ancestor, signal);
      if (reached === undefined)
        throw new GuardError('upstream/invalid', "couldn't tell how the new value relates to the old one");
      return reached;
    },
    async newestReached({ remote, tips, signal }, chain) {
      await fetchCommits(remote, tips, signal);
      // What a tip reaches it reaches with all ancestors, so the chain has one turning point.
      let low = 0;
      let high = chain.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        const oid = chain[middle];
        if (oid !== undefined && (await reaches(tips, oid, signal)) === true) high = middle;
        else low = middle + 1;
      }
      return chain[low];
    },
    async allReached({ remote, tips, signal }, oids) {
      if (oids.length === 0) return [];
      await fetchCommits(remote, tips, signal);
      // What is not here is not reached; of what is, whatever no tip reaches is listed.
      const here = await listCommits(['--no-walk=unsorted'], oids, [], signal);
      const beside = await listCommits([], [...here], tips, signal);
      return oids.filter((oid) => here.has(oid) && !beside.has(oid));
    },
    async commitsBetween({ remote, tips, signal }, bases, limit) {
      await fetchCommits(remote, [...tips, ...bases], signal);
      return [...(await listCommits([`--max-count=${limit}`], tips, bases, signal))];
    },
    commits: { directory: commits, environment: { GIT_DIR: commits, ...neverFetch } },
    async independent(oids, signal) {
      if (oids.length < 2) return oids;
      const args = ['merge-base', '--independent', ...oids];
      const result = await runGit(args, { cwd: commits, env: { GIT_DIR: commits, ...neverFetch }, signal });
      if (result.code !== 0) return oids;
      const kept = new Set(Buffer.from(result.stdout).toString('latin1').split('\n'));
      return oids.filter((oid) => kept.has(oid));
    },
    async keep(packPath, tips) {
      const { size } = await stat(packPath);
      if (size > keptPackBytes || cache.packs >= keptPacks) {
        cache.retired = true;
        retire();
        return;
      }
      cache.packs += 1;
      const target = join(trees, 'objects', 'pack', basename(packPath));
      // The pack before its index: Git takes an index as the sign that the pack is whole.
      await move(packPath, target);
      await move(packPath.replace(/\.pack$/, '.idx'), target.replace(/\.pack$/, '.idx'));
      for (const tip of tips) cache.known.add(tip);
    },
    async [Symbol.asyncDispose]() {
      cache.users -= 1;
      if (cache.retired && cache.users === 0) await rm(cache.path, { recursive: true, force: true });
    },
  };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const stop = (): void => reject(new GuardError('request/cancelled', 'the request was stopped'));
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
  });
}

async function move(from: string, to: string): Promise<void> {
  await rename(from, to).catch(() => copyFile(from, to));
}
