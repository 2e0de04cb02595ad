// From the commands of a push to the facts that a policy asks about: what kind of update each ref sees, and which
// paths change. Where the pack does not show it, the upstream is asked through the cache of its history.
import type { PathChange, RefUpdate, RefUpdateKind } from '../../core/operation.ts';
import { type ObjectFormat, type Oid, isZero, parseOid } from '../../core/oid.ts';
import type { HistoryLease } from './history.ts';
import { parseHeaded } from './object-format.ts';
import type { ObjectGraph } from './object-graph.ts';
import type { ObjectReader } from './object-reader.ts';
import type { RefCommand } from './receive-pack-request.ts';
import { MissingObjectError, diffTrees } from './tree-diff.ts';
import type { GitRemote } from './upstream.ts';

export interface ChangeContext {
  /** Undefined where the push brings no pack, such as a delete. */
  readonly graph: ObjectGraph | undefined;
  readonly reader: () => Promise<ObjectReader>;
  readonly history: HistoryLease;
  readonly remote: GitRemote;
  readonly objectFormat: ObjectFormat;
  readonly signal: AbortSignal;
}

/** Tells for each command what it does to its ref. */
export async function classifyUpdates(
  commands: readonly RefCommand[],
  defaultBranch: string | undefined,
  context: ChangeContext,
): Promise<readonly RefUpdate[]> {
  const updates: RefUpdate[] = [];
  for (const command of commands) {
    const kind = await kindOf(command, context);
    updates.push({ ...command, kind, isDefaultBranch: command.ref === defaultBranch });
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
  const { found, boundary } = walkBack(command, context.graph);
  if (found) return 'update';
  if (boundary.length === 0 || boundary.length > 500) return 'force';
  const reached = await context.history.isAncestor(context.remote, command.oldOid, boundary, context.signal);
  return reached ? 'update' : 'force';
}

/** Follows parents through the pack from the new value: is the old one met, and where does the pack end? */
function walkBack(
  command: RefCommand,
  graph: ObjectGraph | undefined,
): { readonly found: boolean; readonly boundary: readonly Oid[] } {
  const seen = new Set<Oid>([command.newOid]);
  const stack: Oid[] = [command.newOid];
  const boundary: Oid[] = [];
  for (let oid = stack.pop(); oid !== undefined; oid = stack.pop()) {
    if (oid === command.oldOid) return { found: true, boundary };
    const position = graph?.index.findOid(oid) ?? -1;
    const links = graph?.commits.get(position);
    if (links === undefined) {
      if (position < 0) boundary.push(oid);
      continue;
    }
    for (const parent of links.parents) {
      if (!seen.has(parent)) {
        seen.add(parent);
        stack.push(parent);
      }
    }
  }
  return { found: false, boundary };
}

/** The paths that change, against the old value or, for a new ref, against the commit that the push builds on. */
export async function changedPaths(
  updates: readonly RefUpdate[],
  context: ChangeContext,
): Promise<readonly PathChange[]> {
  const changes: PathChange[] = [];
  for (const update of updates) {
    // The paths of notes are object ids.
    if (update.kind === 'delete' || update.ref.startsWith('refs/notes/')) continue;
    const found = await withTrees(context, update, () => diffOf(update, context));
    for (const change of found) changes.push({ ...change, ref: update.ref });
  }
  return changes;
}

async function withTrees<T>(context: ChangeContext, update: RefUpdate, work: () => Promise<T>): Promise<T> {
  const base = baseOf(update, context.graph);
  for (let tries = 0; ; tries += 1) {
    try {
      return await work();
    } catch (thrown) {
      if (!(thrown instanceof MissingObjectError) || tries === 2) throw thrown;
      const pushed = context.graph !== undefined && context.graph.index.findOid(update.newOid) >= 0;
      const commits = [base, pushed ? undefined : update.newOid].filter((oid) => oid !== undefined);
      // First the commits themselves; a tree that is still missing came over another parent of a merge.
      await context.history.fetchTrees(
        context.remote,
        tries === 0 && commits.length > 0 ? commits : [thrown.oid],
        context.signal,
      );
    }
  }
}

/** The commit to compare with: the old value, or for a new ref the first commit outside the pack by first parents. */
function baseOf(update: RefUpdate, graph: ObjectGraph | undefined): Oid | undefined {
  if (!isZero(update.oldOid)) return update.oldOid;
  let oid: Oid | undefined = update.newOid;
  const seen = new Set<Oid>();
  while (oid !== undefined && !seen.has(oid)) {
    seen.add(oid);
    const position: number = graph?.index.findOid(oid) ?? -1;
    if (position < 0) return oid === update.newOid ? undefined : oid;
    const target: number | undefined = graph?.tagTargets.get(position);
    oid =
      target !== undefined && target >= 0
        ? graph?.index.oid(target)
        : graph?.commits.get(position)?.parents[0];
  }
  return undefined;
}

async function diffOf(update: RefUpdate, context: ChangeContext): ReturnType<typeof diffTrees> {
  const base = baseOf(update, context.graph);
  // A new ref at an object that the upstream has already brings no change.
  if (isZero(update.oldOid) && (context.graph?.index.findOid(update.newOid) ?? -1) < 0) return [];
  const before = base === undefined ? undefined : await treeOf(base, context);
  return diffTrees(
    await context.reader(),
    context.objectFormat,
    before,
    await treeOf(update.newOid, context),
  );
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
