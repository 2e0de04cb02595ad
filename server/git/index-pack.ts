// `git index-pack` on what a client sends: unpacks nothing, resolves deltas, checks every object.
import { GuardError } from '../../core/errors.ts';
import { toleratedArgument } from './legacy-fsck.ts';
import { exitOf, type GitProcess, killOnAbort, spawnGit } from './process.ts';
import { pumpInto } from './pump.ts';
import type { GitDirectory } from './git-directory.ts';

export interface IndexPackOptions {
  readonly maxBytes: number;
  /** What Git needs to fetch the bases of a thin pack from the upstream. Holds the key of the gateway. */
  readonly remote: Readonly<Record<string, string>>;
}

/** `tolerant` needs Git 2.45; `none` must be followed by a check of another kind. */
export type Fsck = 'strict' | 'tolerant' | 'none';

const fsckArguments: Readonly<Record<Fsck, readonly string[]>> = {
  strict: ['--fsck-objects'],
  tolerant: [`--fsck-objects${toleratedArgument}`],
  none: [],
};

export interface Indexed {
  readonly code: number;
  readonly stderr: string;
  /** Name of the pack, hex; undefined where the code is not 0. */
  readonly hash: string | undefined;
  /** Blobs that trees name `.gitmodules` and that are not here. */
  readonly gitmodules: readonly string[];
}

/** Starts it; it waits for its input. */
export function startIndexPack(
  directory: GitDirectory,
  fsck: Fsck,
  options: IndexPackOptions,
): Promise<GitProcess> {
  return spawnGit(indexPackArguments(fsck, options.maxBytes), {
    cwd: directory.path,
    env: { ...directory.environment(), ...options.remote },
  });
}

/** Feeds it. A pack that Git refuses is a result; the source is then left unread where it stands. */
export async function feedIndexPack(
  child: GitProcess,
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<Indexed> {
  killOnAbort(child, signal);
  const exit = exitOf(child);
  let output = '';
  child.stdout
    .setEncoding('latin1')
    .on('data', (text: string) => (output = (output + text).slice(0, 1 << 20)));
  const [{ code, stderr }] = await Promise.all([exit, pumpInto(source, child.stdin)]);
  const [first = '', ...gitmodules] = output.trimEnd().split('\n');
  const hash = /^(?:pack|keep)\t([0-9a-f]+)$/.exec(first)?.[1];
  if (code === 0 && hash === undefined)
    throw new GuardError('internal', 'git index-pack did not name the pack');
  return { code, stderr, hash, gitmodules };
}

function indexPackArguments(fsck: Fsck, maxBytes: number): readonly string[] {
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
    // A quarantine does not outlive the process: what a crash takes was never forwarded.
    '-c',
    'core.fsync=none',
    'index-pack',
    '--stdin',
    '--fix-thin',
    ...fsckArguments[fsck],
    `--max-input-size=${maxBytes}`,
  ];
}

// Git has no codes for these; its texts choose the words of a refusal, they never allow anything.
const packErrors: readonly {
  readonly pattern: RegExp;
  readonly code: 'git/limit' | 'git/disk-full';
  readonly message: string;
}[] = [
  {
    pattern: /pack exceeds maximum allowed size/,
    code: 'git/limit',
    message: 'the pack is larger than limits.packBytes allows',
  },
  {
    pattern: /attempting to allocate .* over limit/,
    code: 'git/limit',
    message: 'the pack holds an object that is larger than limits.objectBytes allows',
  },
  {
    pattern: /No space left on device|Disk quota exceeded|File too large/,
    code: 'git/disk-full',
    message: 'there is no room for the pack',
  },
];

/** The error that tells a client why its pack was not taken. */
export function packError(stderr: string): GuardError {
  const known = packErrors.find(({ pattern }) => pattern.test(stderr));
  if (known !== undefined) return new GuardError(known.code, known.message);
  const words = stderr
    .split('\n')
    .filter((line) => /^(error|fatal): /.test(line))
    .map((line) => line.replace(/^(error|fatal): /, ''));
  return new GuardError(
    'git/bad-pack',
    `the pack was not accepted: ${words.slice(0, 3).join('; ').slice(0, 600)}`,
  );
}
