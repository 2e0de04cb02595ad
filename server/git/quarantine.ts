// A quarantine: a Git directory of its own for the objects of one push. What is not forwarded is removed with it.
// The objects in it are hostile: they are read through `git` only, with fsck, and never checked out.
import { copyFile, link, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GuardError } from '../../core/errors.ts';
import type { ObjectFormat } from '../../core/oid.ts';
import {
  feedIndexPack,
  type Indexed,
  type IndexPackOptions,
  packError,
  startIndexPack,
} from './index-pack.ts';
import type { GitDirectory } from './git-directory.ts';
import { checkPatiently, isTolerated } from './legacy-fsck.ts';
import type { GitProcess } from './process.ts';
import { Spool } from './spool.ts';

export interface QuarantineOptions {
  /** Directory that holds all quarantines. */
  readonly root: string;
  readonly objectFormat: ObjectFormat;
  /** Object directories to read through, such as the cache of the upstream's history. */
  readonly alternates: readonly string[];
  /** Bytes that Git may allocate for one object; larger blobs are streamed where they are no deltas. */
  readonly maxObjectBytes: number;
  /** True where Git can tolerate old faults while it indexes (2.45 and newer). */
  readonly toleratesWhileIndexing: boolean;
}

export interface Pack {
  /** Path of the `.pack` file; its index stands beside it as `.idx`. */
  readonly path: string;
  readonly indexPath: string;
  /** Objects that the sender announced; any beyond were added from the upstream to complete a thin pack. */
  readonly announced: number;
  /** Blobs that trees of the pack name `.gitmodules` and that the pack does not hold: not yet checked by fsck. */
  readonly uncheckedGitmodules: readonly string[];
}

/** The lifetime of one quarantine. Dispose of it whatever happened. */
export class Quarantine implements AsyncDisposable, GitDirectory {
  readonly path: string;
  readonly objectFormat: ObjectFormat;
  readonly alternates: readonly string[];
  readonly #toleratesWhileIndexing: boolean;
  readonly #maxObjectBytes: number;
  #indexer: Promise<GitProcess> | undefined;

  private constructor(path: string, options: QuarantineOptions) {
    this.path = path;
    this.objectFormat = options.objectFormat;
    this.alternates = options.alternates;
    this.#maxObjectBytes = options.maxObjectBytes;
    this.#toleratesWhileIndexing = options.toleratesWhileIndexing;
  }

  /** Makes an empty quarantine. Rejects with `git/disk-full` where there is no room. */
  static async create(options: QuarantineOptions): Promise<Quarantine> {
    try {
      const path = await mkdtemp(join(options.root, 'push-'));
      await Promise.all([
        mkdir(join(path, 'objects', 'pack'), { recursive: true }),
        mkdir(join(path, 'refs')),
      ]);
      const isSha1 = options.objectFormat === 'sha1';
      const extensions = isSha1 ? '' : `[extensions]\n\tobjectformat = ${options.objectFormat}\n`;
      await Promise.all([
        writeFile(join(path, 'HEAD'), 'ref: refs/heads/none\n'),
        writeFile(
          join(path, 'config'),
          `[core]\n\trepositoryformatversion = ${isSha1 ? 0 : 1}\n\tbare = true\n${extensions}`,
        ),
      ]);
      return new Quarantine(path, options);
    } catch (thrown) {
      throw diskError(thrown, "couldn't make a quarantine");
    }
  }

  /** What a Git child needs to work on this quarantine. */
  environment(alternates = this.alternates): Record<string, string> {
    return {
      GIT_DIR: this.path,
      GIT_ALLOC_LIMIT: String(this.#maxObjectBytes),
      GIT_OBJECT_DIRECTORY: join(this.path, 'objects'),
      ...(alternates.length === 0 ? {} : { GIT_ALTERNATE_OBJECT_DIRECTORIES: alternates.join(':') }),
    };
  }

  /** Starts the process that will receive the pack, before there is one. */
  async warmUp(options: IndexPackOptions): Promise<void> {
    await this.#startIndexer(options);
  }

  #startIndexer(options: IndexPackOptions): Promise<GitProcess> {
    const fsck = this.#toleratesWhileIndexing ? 'tolerant' : 'strict';
    return (this.#indexer ??= startIndexPack(this, fsck, options));
  }

  /**
   * Streams a pack into the quarantine; every object is checked by fsck. Rejects with `git/bad-pack`, `git/limit` or
   * `git/disk-full`; the source is then left unread where it stands.
   */
  async receive(
    source: AsyncIterable<Uint8Array>,
    options: IndexPackOptions,
    signal: AbortSignal,
  ): Promise<Pack> {
    const indexer = await this.#startIndexer(options);
    let announced = 0;
    const counted = withPackHeader(source, (count) => (announced = count));
    const indexed = this.#toleratesWhileIndexing
      ? await feedIndexPack(indexer, counted, signal)
      : await this.#receiveTwice(indexer, counted, options, signal);
    if (indexed.code !== 0) throw packError(indexed.stderr);
    const stem = join(this.path, 'objects', 'pack', `pack-${indexed.hash ?? ''}`);
    return {
      path: `${stem}.pack`,
      indexPath: `${stem}.idx`,
      announced,
      uncheckedGitmodules: indexed.gitmodules,
    };
  }

  /** Takes in a pack that another quarantine of this guard has checked, with the index beside it. */
  async adopt(packPath: string, announced: number): Promise<Pack> {
    const stem = join(this.path, 'objects', 'pack', 'pack-kept');
    // The pack before its index: Git takes an index as the sign that the pack is whole.
    await linkOrCopy(packPath, `${stem}.pack`);
    await linkOrCopy(packPath.replace(/\.pack$/, '.idx'), `${stem}.idx`);
    return { path: `${stem}.pack`, indexPath: `${stem}.idx`, announced, uncheckedGitmodules: [] };
  }

  /**
   * Older Git knows only all of fsck or nothing while it indexes. The pack is kept aside as it comes; where fsck stops
   * at a fault that is tolerated, it is indexed again from there and checked afterwards.
   */
  async #receiveTwice(
    indexer: GitProcess,
    source: AsyncGenerator<Uint8Array>,
    options: IndexPackOptions,
    signal: AbortSignal,
  ): Promise<Indexed> {
    await using spool = new Spool(join(this.path, 'incoming.pack'));
    async function* copied(): AsyncGenerator<Uint8Array> {
      // Not `for await`: where Git stops, the source is read on from there.
      for (let next = await source.next(); next.done !== true; next = await source.next()) {
        if (spool.size + next.value.length > options.maxBytes)
          throw new GuardError('git/limit', 'the pack is larger than limits.packBytes allows');
        await spool.add(next.value).catch((cause: unknown) => {
          throw diskError(cause, 'there is no room for the pack');
        });
        yield next.value;
      }
    }
    const first = await feedIndexPack(indexer, copied(), signal);
    if (first.code === 0 || !isTolerated(first.stderr)) return first;
    for await (const chunk of copied()) void chunk;
    const second = await feedIndexPack(await startIndexPack(this, 'none', options), spool.read(), signal);
    return second.code === 0 ? { ...second, gitmodules: await checkPatiently(this, signal) } : second;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const indexer = await this.#indexer?.catch(() => undefined);
    indexer?.kill();
    await rm(this.path, { recursive: true, force: true, maxRetries: 3 });
  }
}

// "PACK", version, count of objects: three 32-bit words (gitformat-pack).
async function* withPackHeader(
  source: AsyncIterable<Uint8Array>,
  onCount: (count: number) => void,
): AsyncGenerator<Uint8Array> {
  let head = Buffer.alloc(0);
  for await (const chunk of source) {
    if (head.length < 12) {
      head = Buffer.concat([head, chunk.subarray(0, 12 - head.length)]);
      if (head.length === 12) onCount(head.readUInt32BE(8));
    }
    yield chunk;
  }
}

/** A second name of the same file where the file system has one. */
export async function linkOrCopy(from: string, to: string): Promise<void> {
  await link(from, to).catch(() => copyFile(from, to));
}

/** Removes what earlier processes left in the quarantine directory. */
export async function sweepQuarantines(root: string): Promise<void> {
  await mkdir(root, { recursive: true, mode: 0o700 });
  for (const name of await readdir(root)) {
    if (name.startsWith('push-')) await rm(join(root, name), { recursive: true, force: true });
  }
}

const diskFullCodes: readonly unknown[] = ['ENOSPC', 'EDQUOT', 'EFBIG'];

/** Tells a full disk from other failures of the file system. */
export function diskError(thrown: unknown, message: string): GuardError {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
  return new GuardError(diskFullCodes.includes(code) ? 'git/disk-full' : 'internal', message, {
    cause: thrown,
  });
}
