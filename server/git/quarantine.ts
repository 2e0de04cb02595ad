// A quarantine: a Git directory of its own for the objects of one push. What is not forwarded is removed with it.
// The objects in it are hostile: they are read through `git` only, with fsck, and never checked out.
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GuardError } from '../../core/errors.ts';
import type { ObjectFormat } from '../../core/oid.ts';
import { pumpInto } from './pump.ts';
import { exitOf, spawnGit } from './process.ts';

export interface QuarantineOptions {
  /** Directory that holds all quarantines. */
  readonly root: string;
  readonly objectFormat: ObjectFormat;
  /** Object directories to read through, such as the cache of the upstream's history. */
  readonly alternates: readonly string[];
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
export class Quarantine implements AsyncDisposable {
  readonly path: string;
  readonly objectFormat: ObjectFormat;
  readonly alternates: readonly string[];

  private constructor(path: string, options: QuarantineOptions) {
    this.path = path;
    this.objectFormat = options.objectFormat;
    this.alternates = options.alternates;
  }

  /** Makes an empty quarantine. Rejects with `git/disk-full` where there is no room. */
  static async create(options: QuarantineOptions): Promise<Quarantine> {
    try {
      const path = await mkdtemp(join(options.root, 'push-'));
      await Promise.all([
        mkdir(join(path, 'objects', 'pack'), { recursive: true }),
        mkdir(join(path, 'refs')),
      ]);
      const format =
        options.objectFormat === 'sha1' ? '' : `[extensions]\n\tobjectformat = ${options.objectFormat}\n`;
      const version = options.objectFormat === 'sha1' ? 0 : 1;
      await Promise.all([
        writeFile(join(path, 'HEAD'), 'ref: refs/heads/none\n'),
        writeFile(
          join(path, 'config'),
          `[core]\n\trepositoryformatversion = ${version}\n\tbare = true\n${format}`,
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
      GIT_OBJECT_DIRECTORY: join(this.path, 'objects'),
      ...(alternates.length === 0 ? {} : { GIT_ALTERNATE_OBJECT_DIRECTORIES: alternates.join(':') }),
    };
  }

  /**
   * Streams a pack into the quarantine through `git index-pack`, which checks every object. Rejects with
   * `git/bad-pack`, `git/limit` or `git/disk-full`; the source is then left unread where it stands.
   */
  async receive(source: AsyncIterable<Uint8Array>, options: ReceiveOptions): Promise<Pack> {
    const child = spawnGit(indexPackArguments(options), {
      cwd: this.path,
      env: { ...this.environment(), ...options.remote },
      signal: options.signal,
    });
    const exit = exitOf(child);
    let output = '';
    child.stdout
      .setEncoding('latin1')
      .on('data', (text: string) => (output = (output + text).slice(0, 1 << 20)));
    let announced = 0;
    const pumped = pumpInto(
      withPackHeader(source, (count) => (announced = count)),
      child.stdin,
    );
    const [{ code, stderr }] = await Promise.all([exit, pumped]);
    if (code !== 0) throw packError(stderr);
    const [first = '', ...gitmodules] = output.trimEnd().split('\n');
    const hash = /^(?:pack|keep)\t([0-9a-f]+)$/.exec(first)?.[1];
    if (hash === undefined) throw new GuardError('internal', 'git index-pack did not name the pack');
    const stem = join(this.path, 'objects', 'pack', `pack-${hash}`);
    return { path: `${stem}.pack`, indexPath: `${stem}.idx`, announced, uncheckedGitmodules: gitmodules };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true, maxRetries: 3 });
  }
}

export interface ReceiveOptions {
  readonly maxBytes: number;
  /** What Git needs to fetch the bases of a thin pack from the upstream. Holds the credential. */
  readonly remote: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

function indexPackArguments(options: ReceiveOptions): readonly string[] {
  return [
    // Larger objects are streamed to disk instead of being held in memory.
    '-c',
    'core.bigFileThreshold=16m',
    '-c',
    'core.deltaBaseCacheLimit=32m',
    '-c',
    'pack.threads=2',
    '-c',
    'pack.writeReverseIndex=false',
    'index-pack',
    '--stdin',
    '--fix-thin',
    '--fsck-objects',
    `--max-input-size=${options.maxBytes}`,
  ];
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

/** Removes what earlier processes left in the quarantine directory. */
export async function sweepQuarantines(root: string): Promise<void> {
  await mkdir(root, { recursive: true, mode: 0o700 });
  for (const name of await readdir(root)) {
    if (name.startsWith('push-')) await rm(join(root, name), { recursive: true, force: true });
  }
}

// Git has no codes for these; its texts are read only to choose the words for a refusal, never to allow anything.
const packErrors: readonly {
  readonly pattern: RegExp;
  readonly code: 'git/limit' | 'git/disk-full' | 'git/bad-pack';
}[] = [
  { pattern: /pack exceeds maximum allowed size/, code: 'git/limit' },
  { pattern: /No space left on device|Disk quota exceeded|File too large/, code: 'git/disk-full' },
];

function packError(stderr: string): GuardError {
  const code = packErrors.find(({ pattern }) => pattern.test(stderr))?.code ?? 'git/bad-pack';
  const last = stderr
    .split('\n')
    .filter((line) => /^(error|fatal): /.test(line))
    .map((line) => line.replace(/^(error|fatal): /, ''))
    .slice(0, 3)
    .join('; ');
  const words =
    code === 'git/limit'
      ? 'the pack is larger than limits.packBytes allows'
      : `the pack was not accepted: ${last.slice(0, 600)}`;
  return new GuardError(code, words);
}

/** Tells a full disk from other failures of the file system. */
export function diskError(thrown: unknown, message: string): GuardError {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
  const full = code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG';
  return new GuardError(full ? 'git/disk-full' : 'internal', message, { cause: thrown });
}
