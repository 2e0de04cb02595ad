// Which commits a ref update is compared with, so that it is blamed for what it brings and for nothing else. A client
// that does not know the upstream's latest commits sends old ones again, and may name any commit as a parent: only what
// a ref of the upstream reaches counts as there.
import { GuardError } from '../../core/errors.ts';
import { isZero, type Oid } from '../../core/oid.ts';
import type { RefUpdate } from '../../core/operation.ts';
import type { AdvertisedRef } from './advertisement.ts';
import type { HistoryLease } from './history.ts';
import type { ObjectGraph } from './object-graph.ts';
import { firstParents, type PackWalk, walkPack } from './pack-walk.ts';
import type { GitRemote } from './gateway.ts';

export interface BaseContext {
  readonly graph: ObjectGraph | undefined;
  readonly history: HistoryLease;
  readonly remote: GitRemote;
  readonly defaultBranch: string | undefined;
  /** The upstream's refs: as last seen, or asked anew. */
  readonly refs: (age: 'remembered' | 'now') => Promise<readonly AdvertisedRef[]>;
  readonly signal: AbortSignal;
}

const historyMs = 60_000;
const maxHeads = 500;
const maxBoundary = 20;

/** `quick` takes the branch that a new one stands on; `exact` asks the upstream's history, which may take a while. */
export type Effort = 'quick' | 'exact';

export interface Bases {
  /** What differs from all of them is what the update brings. Empty where it builds on nothing that the upstream has. */
  readonly commits: readonly Oid[];
  /** False where an exact answer may show that the update brings less. */
  readonly exact: boolean;
}

/** The commits to compare with. */
export async function basesOf(update: RefUpdate, context: BaseContext, effort: Effort): Promise<Bases> {
  const walk = walkPack(update.newOid, context.graph);
  const bringsIn = (tip: Oid | undefined): tip is Oid =>
    tip !== undefined && (walk.commits.has(tip) || walk.boundary.includes(tip));
  const remembered = await context.refs('remembered');
  const known = defaultTip(remembered, context);
  if (!isZero(update.oldOid)) {
    // A merge of the default branch brings in nothing of its own.
    return exactly(bringsIn(known) && known !== update.oldOid ? [update.oldOid, known] : [update.oldOid]);
  }
  if (bringsIn(known)) return exactly([known]);
  if (effort === 'quick') {
    const near = branchBelow(update, remembered, context);
    if (near !== undefined) return { commits: [near], exact: false };
  }
  return exactly(await newestKnown(update, walk, bringsIn, context));
}

function exactly(commits: readonly Oid[]): Bases {
  return { commits, exact: true };
}

/** The first commit along first parents that is the tip of a branch of the upstream. */
function branchBelow(
  update: RefUpdate,
  refs: readonly AdvertisedRef[],
  context: BaseContext,
): Oid | undefined {
  const heads = new Set(headsOf(refs));
  return firstParents(update.newOid, context.graph).find((oid) => heads.has(oid));
}

function headsOf(refs: readonly AdvertisedRef[]): readonly Oid[] {
  return refs.filter((ref) => ref.name.startsWith('refs/heads/')).map((ref) => ref.oid);
}

async function newestKnown(
  update: RefUpdate,
  walk: PackWalk,
  bringsIn: (tip: Oid | undefined) => tip is Oid,
  context: BaseContext,
): Promise<readonly Oid[]> {
  const refs = await context.refs('now');
  const tip = defaultTip(refs, context);
  if (bringsIn(tip)) return [tip];
  try {
    const found = await forkPoint(update, walk, refs, tip, context);
    if (found !== undefined) return [found];
    // A history of its own, or one that builds on what no ref reaches.
    return walk.boundary.length === 0 || tip === undefined ? [] : [tip];
  } catch (thrown) {
    if (context.signal.aborted || !(thrown instanceof GuardError)) throw thrown;
    // Without the history, what the default branch does not have counts as brought.
    return tip === undefined ? [] : [tip];
  }
}

function defaultTip(refs: readonly AdvertisedRef[], context: BaseContext): Oid | undefined {
  return refs.find((ref) => ref.name === context.defaultBranch)?.oid;
}

/** The newest commit that the update builds on and a ref of the upstream reaches, along first parents where several. */
async function forkPoint(
  update: RefUpdate,
  walk: PackWalk,
  refs: readonly AdvertisedRef[],
  tip: Oid | undefined,
  context: BaseContext,
): Promise<Oid | undefined> {
  const advertised = new Set<Oid>(refs.map((ref) => ref.oid));
  const met = [...walk.boundary, ...walk.commits].filter((oid) => advertised.has(oid)).slice(0, maxHeads);
  const near = [...new Set([...(tip === undefined ? [] : [tip]), ...met])];
  const all = [...new Set([...near, ...headsOf(refs)])].slice(0, maxHeads);
  const chain = firstParents(update.newOid, context.graph);
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(historyMs)]);
  for (const tips of all.length > near.length ? [near, all] : [all]) {
    if (tips.length === 0) continue;
    const question = { remote: context.remote, tips, signal };
    const onChain = await context.history.newestReached(question, chain);
    const beside = walk.boundary.filter((oid) => !chain.includes(oid)).slice(0, maxBoundary);
    const reached = await context.history.allReached(question, beside);
    const newest = await context.history.independent(
      [...(onChain === undefined ? [] : [onChain]), ...reached],
      signal,
    );
    if (newest.length > 0) return newest[0];
  }
  return undefined;
}
