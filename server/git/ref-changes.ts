// From the commands of a push to the facts that a policy asks about: what kind of update each ref sees, and which
// paths change. Where the pack does not show it, the upstream is asked through the cache of its history.
import type { PathChange, RefUpdate, RefUpdateKind } from '../../core/operation.ts';
import { type ObjectFormat, type Oid, isZero, parseOid } from '../../core/oid.ts';
import { type BaseContext, basesOf, type Effort } from './compare-base.ts';
import { parseHeaded } from './object-format.ts';
import type { ObjectReader, ReadObject } from './object-reader.ts';
import { walkPack } from './pack-walk.ts';
import type { RefCommand } from './receive-pack-request.ts';
import { MissingObjectError, diffTrees, type TreeChange } from './tree-diff.ts';

/** Its graph is undefined where the push brings no pack, such as a delete. */
export interface ChangeContext extends BaseContext {
  readonly reader: () => Promise<ObjectReader>;
  readonly objectFormat: ObjectFormat;
}

/** Where trees are read from. */
export type TreeContext = Pick<
  ChangeContext,
  'graph' | 'reader' | 'history' | 'remote' | 'objectFormat' | 'signal'
>;

/** Tells for each command what it does to its ref. */
export async function classifyUpdates(
  commands: readonly RefCommand[],
  context: ChangeContext,
): Promise<readonly RefUpdate[]> {
  const updates: RefUpdate[] = [];
  for (const command of commands) {
    const kind = await kindOf(command, context);
    updates.push({ ...command, kind, isDefaultBranch: command.ref === context.defaultBranch });
  }
  return updates;
}

async function kindOf(command: RefCommand, context: ChangeContext): Promise<RefUpdateKind> {
  // Stock git deletes what it has not seen from nothing to nothing; the upstream warns and says ok.
  if (isZero(command.newOid)) return 'delete';
  if (isZero(command.oldOid)) return 'create';
  if (command.oldOid === command.newOid) return 'update';
  // A tag stands for one object: moving it is never a fast-forward.
  if (command.ref.startsWith('refs/tags/')) return 'force';
  const { commits, boundary } = walkPack(command.newOid, context.graph);
  if (commits.has(command.oldOid) || boundary.includes(command.oldOid)) return 'update';
  if (boundary.length === 0 || boundary.length > 500) return 'force';
  const reached = await context.history.isAncestor(context.remote, command.oldOid, boundary, context.signal);
  return reached ? 'update' : 'force';
}

/** A path of a push that differs from what it builds on, with both versions of the file. */
export type RefChange = PathChange & TreeChange;

export interface ChangedPaths {
  readonly paths: readonly RefChange[];
  /** False where an exact look may find fewer. */
  readonly exact: boolean;
}

/** The paths that change, against what the push builds on. */
export async function changedPaths(
  updates: readonly RefUpdate[],
  context: ChangeContext,
  effort: Effort,
): Promise<ChangedPaths> {
  const changes: RefChange[] = [];
  let isExact = true;
  for (const update of updates) {
    // The paths of notes are object ids. A new ref at an object that the upstream has already brings no change.
    if (update.kind === 'delete' || update.ref.startsWith('refs/notes/')) continue;
    if (isZero(update.oldOid) && !isPushed(update.newOid, context)) continue;
    const { commits, exact } = await basesOf(update, context, effort);
    isExact &&= exact;
    for (const change of await pathsOf(update, commits, context))
      changes.push({ ...change, ref: update.ref });
  }
  return { paths: changes, exact: isExact };
}

async function pathsOf(
  update: RefUpdate,
  [first, ...others]: readonly Oid[],
  context: ChangeContext,
): Promise<readonly TreeChange[]> {
  let changes = await diffPatiently(first, update.newOid, context);
  for (const base of others) {
    if (changes.length === 0) break;
    const differing = new Set((await diffPatiently(base, update.newOid, context)).map(({ path }) => path));
    changes = changes.filter(({ path }) => differing.has(path));
  }
  return changes;
}

/** What differs between two commits; fetches from the upstream what the comparison lacks. */
export async function diffPatiently(
  base: Oid | undefined,
  tip: Oid,
  context: TreeContext,
): Promise<readonly TreeChange[]> {
  for (let tries = 0; ; tries += 1) {
    try {
      const [after, before] = await treesOf(base === undefined ? [tip] : [tip, base], context);
      return await diffTrees(await context.reader(), context.objectFormat, before, after);
    } catch (thrown) {
      if (!(thrown instanceof MissingObjectError) || tries === 2) throw thrown;
      const commits = [base, isPushed(tip, context) ? undefined : tip].filter((oid) => oid !== undefined);
      // First the commits themselves; a tree that is still missing came over another parent of a merge.
      await context.history.fetchTrees(
        context.remote,
        tries === 0 && commits.length > 0 ? commits : [thrown.oid],
        context.signal,
      );
    }
  }
}

function isPushed(oid: Oid, { graph }: Pick<TreeContext, 'graph'>): boolean {
  return graph !== undefined && graph.index.findOid(oid) >= 0;
}

/** The root tree that each object stands for, through tags; undefined for a blob. Throws `MissingObjectError`. */
async function treesOf(oids: readonly Oid[], context: TreeContext): Promise<readonly (Oid | undefined)[]> {
  const reader = await context.reader();
  let roots: readonly Root[] = oids.map((oid) => ({ kind: 'tag', target: oid }));
  for (let depth = 0; depth < maxTagDepth; depth += 1) {
    const tags = roots.filter((root) => root.kind === 'tag');
    if (tags.length === 0) break;
    const found = new Map<Root, Root>();
    for await (const read of reader.contents(tags.map(({ target }) => target))) {
      const tag = tags[found.size];
      if (tag !== undefined) found.set(tag, rootOf(tag.target, read, context));
    }
    roots = roots.map((root) => found.get(root) ?? root);
    const missing = roots.find((root) => root.kind === 'missing');
    if (missing !== undefined) throw new MissingObjectError(missing.oid);
  }
  return roots.map((root) => (root.kind === 'tree' ? root.oid : undefined));
}

type Root =
  | { readonly kind: 'tag'; readonly target: Oid }
  | { readonly kind: 'tree'; readonly oid: Oid }
  | { readonly kind: 'missing'; readonly oid: Oid }
  | { readonly kind: 'none' };

const maxTagDepth = 16;

function rootOf(
  asked: Oid,
  read: ReadObject | undefined,
  { objectFormat }: Pick<TreeContext, 'objectFormat'>,
): Root {
  if (read === undefined) return { kind: 'missing', oid: asked };
  const { type } = read.header;
  if (type === 'blob') return { kind: 'none' };
  if (type === 'tree') return { kind: 'tree', oid: asked };
  const isCommit = type === 'commit';
  const value =
    parseHeaded(read.data).headers.find(({ key }) => key === (isCommit ? 'tree' : 'object'))?.value ?? '';
  const oid = parseOid(value, objectFormat);
  if (oid === undefined) return { kind: 'none' };
  return isCommit ? { kind: 'tree', oid } : { kind: 'tag', target: oid };
}
