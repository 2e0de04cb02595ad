// From the commands of a push to the facts that a policy asks about: what kind of update each ref sees, and which
// paths change. Where the pack does not show it, the upstream is asked through the cache of its history.
import type { PathChange, RefUpdate, RefUpdateKind } from '../../core/operation.ts';
import { type ObjectFormat, type Oid, isZero, parseOid } from '../../core/oid.ts';
import { type BaseContext, basesOf, type Effort } from './compare-base.ts';
import { parseHeaded } from './object-format.ts';
import type { ObjectReader } from './object-reader.ts';
import { walkPack } from './pack-walk.ts';
import type { RefCommand } from './receive-pack-request.ts';
import { MissingObjectError, diffTrees, type TreeChange } from './tree-diff.ts';

/** Its graph is undefined where the push brings no pack, such as a delete. */
export interface ChangeContext extends BaseContext {
  readonly reader: () => Promise<ObjectReader>;
  readonly objectFormat: ObjectFormat;
}

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

export interface ChangedPaths {
  readonly paths: readonly PathChange[];
  /** False where an exact look may find fewer. */
  readonly exact: boolean;
}

/** The paths that change, against what the push builds on. */
export async function changedPaths(
  updates: readonly RefUpdate[],
  context: ChangeContext,
  effort: Effort,
): Promise<ChangedPaths> {
  const changes: PathChange[] = [];
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

/** Fetches from the upstream what the comparison lacks. */
async function diffPatiently(
  base: Oid | undefined,
  tip: Oid,
  context: ChangeContext,
): Promise<readonly TreeChange[]> {
  for (let tries = 0; ; tries += 1) {
    try {
      const before = base === undefined ? undefined : await treeOf(base, context);
      return await diffTrees(
        await context.reader(),
        context.objectFormat,
        before,
        await treeOf(tip, context),
      );
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

function isPushed(oid: Oid, { graph }: ChangeContext): boolean {
  return graph !== undefined && graph.index.findOid(oid) >= 0;
}

/** The root tree that an object stands for, through tags; undefined where it is a blob. */
async function treeOf(oid: Oid, context: ChangeContext): Promise<Oid | undefined> {
  let at = oid;
  for (let depth = 0; depth < 16; depth += 1) {
    const read = await (await context.reader()).object(at);
    if (read === undefined) throw new MissingObjectError(at);
    if (read.header.type === 'tree') return at;
    if (read.header.type === 'blob') return undefined;
    const key = read.header.type === 'commit' ? 'tree' : 'object';
    const value = parseHeaded(read.data).headers.find((header) => header.key === key)?.value ?? '';
    const next = parseOid(value, context.objectFormat);
    if (next === undefined) return undefined;
    at = next;
  }
  return undefined;
}
