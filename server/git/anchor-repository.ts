// Checkpoints of the audit log in somebody else's Git repository: one commit for each, on one branch, made without a work
// tree and pushed as a fast-forward. The server is outside; what it answers is looked at only for ids and modes.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type ErrorCode, GuardError } from '../../core/errors.ts';
import type { UpstreamCredential } from '../upstream-credential.ts';
import { type GitResult, runGit } from './process.ts';
import { remoteEnvironment } from './remote-environment.ts';

export interface AnchorRepositoryOptions {
  /** Where the copy of the newest commit is kept; may be deleted at any time. */
  readonly directory: string;
  /** The repository's URL, without user and query. */
  readonly url: string;
  readonly branch: string;
  /** File with the certificate authorities that count; undefined: those of the machine. */
  readonly caFile: string | undefined;
  readonly credential: UpstreamCredential;
}

/** Where anchors are put, as the audit log knows it. */
export interface AnchorRepository extends AsyncDisposable {
  readonly name: 'git';
  put(name: string, text: string): Promise<void>;
}

const deadlineMs = 60_000;
/** Somebody else may push at the same time: another guard, or a person. */
const tries = 3;
const tip = 'refs/forgeguard/tip';
const identity = { name: 'Forgeguard', email: 'forgeguard@localhost' };

function failed(code: ErrorCode, what: string): GuardError {
  return new GuardError(code, `couldn't ${what} the repository for anchors`);
}

/** Opens it; nothing is asked yet. `put` rejects with a code of `upstream/…`, within a minute. */
export function createAnchorRepository(options: AnchorRepositoryOptions): AnchorRepository {
  const { directory, url, branch, caFile, credential } = options;
  const ref = `refs/heads/${branch}`;
  const use = {
    repository: new URL(url).pathname.replace(/^\/+/, '').replace(/\.git$/, ''),
    access: 'write',
  } as const;

  /** Local work, which sees no credential. */
  async function local(args: readonly string[], input?: Uint8Array): Promise<Uint8Array> {
    const env = {
      GIT_AUTHOR_NAME: identity.name,
      GIT_AUTHOR_EMAIL: identity.email,
      GIT_COMMITTER_NAME: identity.name,
      GIT_COMMITTER_EMAIL: identity.email,
    };
    const signal = AbortSignal.timeout(deadlineMs);
    const { code, stdout } = await runGit(args, { cwd: directory, env, signal, input });
    if (code !== 0) throw new GuardError('internal', `git ${args[0] ?? ''} failed for an anchor`);
    return stdout;
  }
  const line = async (args: readonly string[], input?: Uint8Array): Promise<string> =>
    Buffer.from(await local(args, input))
      .toString('utf8')
      .trim();

  /** The credential goes by environment, never by argument. */
  async function remote(args: readonly string[]): Promise<GitResult> {
    const header = await credential.header(use);
    const env = {
      ...remoteEnvironment({ url, headers: header === undefined ? [] : [`Authorization: ${header}`] }),
      GIT_ALLOW_PROTOCOL: new URL(url).protocol.slice(0, -1),
      ...(caFile === undefined ? {} : { GIT_SSL_CAINFO: caFile }),
    };
    try {
      return await runGit(args, { cwd: directory, env, signal: AbortSignal.timeout(deadlineMs) });
    } catch (thrown) {
      if (thrown instanceof GuardError && thrown.code === 'request/cancelled')
        throw failed('upstream/timeout', 'reach in time');
      throw thrown;
    }
  }

  /** The newest commit there; undefined where the branch is not there yet. */
  async function fetchTip(): Promise<string | undefined> {
    const listed = await remote(['ls-remote', '--refs', '--', 'origin', ref]);
    if (listed.code !== 0) {
      credential.refused(use);
      throw failed('upstream/unreachable', 'read');
    }
    const [, oid] =
      /^([0-9a-f]{40}|[0-9a-f]{64})\t/.exec(Buffer.from(listed.stdout).toString('latin1')) ?? [];
    if (oid === undefined) return undefined;
    const fetched = await remote([
      'fetch',
      '--quiet',
      '--depth=1',
      '--no-tags',
      '--no-write-fetch-head',
      '--',
      'origin',
      `+${ref}:${tip}`,
    ]);
    if (fetched.code !== 0) throw failed('upstream/unreachable', 'read');
    return line(['rev-parse', '--verify', `${tip}^{commit}`]);
  }

  /** The commit over the newest one with one file more; undefined where the file is there. */
  async function commitWith(
    parent: string | undefined,
    name: string,
    text: string,
  ): Promise<string | undefined> {
    const entries =
      parent === undefined ? '' : Buffer.from(await local(['ls-tree', '-z', parent])).toString('latin1');
    if (entries.includes(`\t${name}\0`)) return undefined;
    const blob = await line(['hash-object', '-w', '--stdin'], Buffer.from(text));
    const listing = Buffer.from(`${entries}100644 blob ${blob}\t${name}\0`, 'latin1');
    const tree = await line(['mktree', '-z', '--missing'], listing);
    const parents = parent === undefined ? [] : ['-p', parent];
    return line(['commit-tree', tree, ...parents, '-m', `Add ${name}`]);
  }

  async function put(name: string, text: string): Promise<void> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await local(['init', '--quiet', '--bare', '--initial-branch=main', '.']);
    for (let round = 1; ; round += 1) {
      const commit = await commitWith(await fetchTip(), name, text);
      if (commit === undefined) return;
      // Without force: what is there is never rewritten.
      const pushed = await remote(['push', '--quiet', '--', 'origin', `${commit}:${ref}`]);
      if (pushed.code === 0) return;
      if (round === tries) throw failed('upstream/refused', 'push to');
    }
  }

  return { name: 'git', put, [Symbol.asyncDispose]: () => credential[Symbol.asyncDispose]() };
}

/** Where the copy is, below the data directory. */
export function anchorDirectoryOf(dataDir: string): string {
  return join(dataDir, 'anchor-repository.git');
}
