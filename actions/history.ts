// Finds the commits of a change in the runner's checkout. What a shallow checkout has not is fetched the way the
// checkout was made, as objects only: nothing that is fetched is ever checked out or run.
import { GuardError } from '../core/errors.ts';
import { tryGit, type WorkingCopy } from '../workcopy/working-copy.ts';
import type { Asked, Start } from './event.ts';

export interface Change {
  /** The newest commit of the target that is known: what is read in it is trusted. Undefined where nothing came before. */
  readonly trusted: string | undefined;
  /** Where the change left the trusted line. */
  readonly base: string | undefined;
  readonly head: string;
}

/** Depths that are fetched one after the other until both sides meet; then all. */
const depths = [50, 1000, undefined] as const;

/**
 * Finds both ends of the change and where they part, fetching what is missing. Rejects with `action/history` where that
 * cannot be had.
 */
export async function findChange(
  copy: WorkingCopy,
  asked: Extract<Asked, { readonly kind: 'change' }>,
): Promise<Change> {
  const head = await haveCommit(copy, asked.head, asked.commits);
  if (head === undefined) throw missing('the newest commit of the change');
  if (asked.starts.length === 0) {
    await completeHistory(copy, [head]);
    return { trusted: undefined, base: undefined, head };
  }
  for (const start of asked.starts) {
    const trusted = await resolveStart(copy, start, asked.commits);
    if (trusted === undefined) continue;
    const base = await meet(copy, trusted, head, asked.commits);
    if (base !== undefined) return { trusted, base, head };
  }
  throw missing('the commit that the change begins at');
}

function missing(what: string): GuardError {
  return new GuardError('action/history', `${what} is not in this checkout and could not be fetched`);
}

async function resolveStart(
  copy: WorkingCopy,
  start: Start,
  commits: number | undefined,
): Promise<string | undefined> {
  if (start.kind === 'commit') return haveCommit(copy, start.oid, commits);
  const fetched = await fetchInto(copy, [`refs/heads/${start.name}`], await depthFor(copy, commits));
  return commitOf(copy, fetched ? 'FETCH_HEAD' : `refs/remotes/origin/${start.name}`);
}

async function haveCommit(
  copy: WorkingCopy,
  oid: string,
  commits: number | undefined,
): Promise<string | undefined> {
  const here = await commitOf(copy, oid);
  if (here !== undefined) return here;
  await fetchInto(copy, [oid], await depthFor(copy, commits));
  return commitOf(copy, oid);
}

async function commitOf(copy: WorkingCopy, name: string): Promise<string | undefined> {
  const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`];
  const { code, stdout } = await tryGit(copy, args);
  if (code !== 0) return undefined;
  const oid = Buffer.from(stdout).toString('latin1').trim();
  // A commit may be named that is not there: in a shallow checkout its children are.
  return (await tryGit(copy, ['cat-file', '-e', oid])).code === 0 ? oid : undefined;
}

/** The newest common commit; in a whole history that has none, the trusted end itself. */
async function meet(
  copy: WorkingCopy,
  trusted: string,
  head: string,
  commits: number | undefined,
): Promise<string | undefined> {
  for (const depth of [0, ...depths]) {
    if (depth !== 0) {
      if (!(await isShallow(copy))) break;
      const enough = depth === undefined ? undefined : Math.max(depth, (commits ?? 0) + 1);
      if (!(await fetchInto(copy, [trusted, head], enough))) return undefined;
    }
    const { code, stdout } = await tryGit(copy, ['merge-base', trusted, head]);
    if (code === 0) return Buffer.from(stdout).toString('latin1').trim();
  }
  return trusted;
}

async function completeHistory(copy: WorkingCopy, commits: readonly string[]): Promise<void> {
  if ((await isShallow(copy)) && !(await fetchInto(copy, commits, undefined)))
    throw missing('the history of the change');
}

async function isShallow(copy: WorkingCopy): Promise<boolean> {
  const { stdout } = await tryGit(copy, ['rev-parse', '--is-shallow-repository']);
  return Buffer.from(stdout).toString('latin1').trim() === 'true';
}

/** A whole repository is not made shallow. */
async function depthFor(copy: WorkingCopy, commits: number | undefined): Promise<number | 'all' | undefined> {
  if (!(await isShallow(copy))) return 'all';
  return Math.max(depths[0], (commits ?? 0) + 1);
}

/** True where everything could be fetched. `undefined` asks a shallow repository for all of the history. */
async function fetchInto(
  copy: WorkingCopy,
  wanted: readonly string[],
  depth: number | 'all' | undefined,
): Promise<boolean> {
  const depthFlags = depth === 'all' ? [] : [depth === undefined ? '--unshallow' : `--depth=${depth}`];
  const flags = ['--quiet', '--no-tags', '--no-recurse-submodules', '--no-auto-maintenance', ...depthFlags];
  return (await tryGit(copy, ['fetch', ...flags, 'origin', ...wanted])).code === 0;
}
