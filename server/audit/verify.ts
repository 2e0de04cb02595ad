// Checks the whole log against itself, the signing key, and the checkpoint kept beside the database. Believes nothing
// that is stored: every hash is computed again from the entries' bytes. Memory does not grow with the log.
import { parseEntry } from '../../core/audit-entry.ts';
import { openCheckpoint, type NoteVerifier } from '../../core/checkpoint.ts';
import {
  appendLeaf,
  emptyEdge,
  leafHash,
  rootOf,
  type Edge,
  type Hash,
  type TreeNode,
} from '../../core/merkle.ts';
import { sameHash } from '../../core/merkle-proof.ts';
import { tileHeight } from '../../core/tile.ts';
import type { Queryable } from '../db.ts';
import {
  readCheckpoints,
  readEntries,
  readHead,
  readStoredNodes,
  type StoredCheckpoint,
  type StoredEntry,
} from './store.ts';

export type ProblemKind =
  | 'entry-missing'
  | 'entry-changed'
  | 'entry-misplaced'
  | 'time-backwards'
  | 'hash-changed'
  | 'checkpoint-missing'
  | 'checkpoint-unsigned'
  | 'checkpoint-contradicts'
  | 'kept-checkpoint-contradicts';

export interface Problem {
  readonly kind: ProblemKind;
  /** The entry, or for checkpoints the tree size, that the problem is at. */
  readonly at: number;
  readonly message: string;
}

export interface Verification {
  readonly ok: boolean;
  /** Entries that the newest checkpoint covers. */
  readonly size: number;
  /** The root over the entries that are there, computed from their bytes. */
  readonly root: Hash;
  /** Signed checkpoints in the database. */
  readonly checkpoints: number;
  /** The first problems found. */
  readonly problems: readonly Problem[];
  /** All problems found. */
  readonly problemCount: number;
}

export interface VerifyOptions {
  readonly key: NoteVerifier;
  /** Checkpoints from outside the database that the log must continue; read them before this is called. */
  readonly kept: readonly string[];
  readonly signal?: AbortSignal;
}

const pageSize = 500;
const maxReported = 20;

/** What has been seen of the log so far. */
class Walk {
  readonly problems: Problem[] = [];
  problemCount = 0;
  edge: Edge = emptyEdge;
  /** The entry that must come next. */
  next = 0;
  lastTime = '';
  /** Size of the last checkpoint that fitted; entries from there on are not yet vouched for. */
  vouched = 0;
  checkpoints = 0;
  contradicted = false;

  report(kind: ProblemKind, at: number, message: string): void {
    this.problemCount += 1;
    if (this.problems.length < maxReported) this.problems.push({ kind, at, message });
  }
}

/** The rows of a paged query, one after the other; `read` is given the last row that was seen. */
async function* rowsOf<Row>(
  read: (last: Row | undefined) => Promise<readonly Row[]>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Row, undefined> {
  let last: Row | undefined;
  for (;;) {
    signal?.throwIfAborted();
    const rows = await read(last);
    yield* rows;
    if (rows.length < pageSize) return;
    last = rows.at(-1);
  }
}

/** Checks one entry and grows the tree by its bytes; returns the stored nodes that it completes. */
function visitEntry(walk: Walk, { index, body, leafHash: stored }: StoredEntry): readonly TreeNode[] {
  if (index !== walk.next) {
    walk.report('entry-missing', walk.next, `the entries ${walk.next} to ${index - 1} are missing`);
  }
  walk.next = index + 1;
  const leaf = leafHash(body);
  const entry = parseEntry(body);
  if (!sameHash(leaf, stored))
    walk.report('entry-changed', index, 'its bytes are not those that its hash is of');
  else if (entry === undefined)
    walk.report('entry-changed', index, 'its bytes are no entry in canonical form');
  if (entry !== undefined && entry.index !== index) {
    walk.report('entry-misplaced', index, `it says of itself that it is entry ${entry.index}`);
  }
  if (entry !== undefined && entry.time < walk.lastTime) {
    walk.report('time-backwards', index, `its time ${entry.time} is before that of an earlier entry`);
  }
  if (entry !== undefined && entry.time > walk.lastTime) walk.lastTime = entry.time;
  const grown = appendLeaf(walk.edge, leaf);
  walk.edge = grown.edge;
  return grown.completed.filter(({ level }) => level > 0 && level % tileHeight === 0);
}

/** Compares the root so far with a checkpoint of this size. Of a history that was changed only the first place is told. */
function visitCheckpoint(walk: Walk, { size, note }: StoredCheckpoint, key: NoteVerifier): void {
  walk.checkpoints += 1;
  const checkpoint = openCheckpoint(note, key);
  if (checkpoint === undefined) {
    walk.report('checkpoint-unsigned', size, `it is not signed by ${key.name}, key ${key.keyId}`);
  } else if (checkpoint.size !== size) {
    walk.report('checkpoint-contradicts', size, `it is signed for ${checkpoint.size} entries`);
  } else if (walk.edge.size === size && sameHash(rootOf(walk.edge), checkpoint.root)) {
    walk.vouched = size;
  } else if (!walk.contradicted) {
    walk.contradicted = true;
    const range = `${walk.vouched} to ${size - 1}`;
    walk.report('checkpoint-contradicts', size, `the entries ${range} are not those that were signed`);
  }
}

async function visitNodes(walk: Walk, client: Queryable, computed: readonly TreeNode[]): Promise<void> {
  if (computed.length === 0) return;
  const stored = await readStoredNodes(
    client,
    computed.map(({ level }) => level / tileHeight),
    computed.map(({ index }) => index),
    computed.map(({ index }) => index + 1),
  );
  for (const { level, index, hash } of computed) {
    const found = stored.find((node) => node.level * tileHeight === level && node.index === index);
    if (found !== undefined && sameHash(found.hash, hash)) continue;
    const first = index * 2 ** level;
    walk.report(
      'hash-changed',
      first,
      `the stored hash ${index} of level ${level} is not that of its entries`,
    );
  }
}

/** Checkpoints from outside by their size. Those that cannot be right at any size are reported at once. */
function openKept(
  walk: Walk,
  size: number,
  { kept, key }: VerifyOptions,
): ReadonlyMap<number, readonly Hash[]> {
  const roots = new Map<number, readonly Hash[]>();
  for (const note of kept) {
    const checkpoint = openCheckpoint(note, key);
    if (checkpoint === undefined) {
      walk.report(
        'checkpoint-unsigned',
        0,
        `a kept checkpoint is not signed by ${key.name}, key ${key.keyId}`,
      );
    } else if (checkpoint.size > size) {
      const message = `${checkpoint.size} entries were signed once, the log has ${size}: its end is missing`;
      walk.report('kept-checkpoint-contradicts', checkpoint.size, message);
    } else {
      roots.set(checkpoint.size, [...(roots.get(checkpoint.size) ?? []), checkpoint.root]);
    }
  }
  return roots;
}

function visitKept(walk: Walk, roots: readonly Hash[] | undefined): void {
  const { size } = walk.edge;
  for (const root of roots ?? []) {
    if (sameHash(root, rootOf(walk.edge))) continue;
    walk.report(
      'kept-checkpoint-contradicts',
      size,
      `the first ${size} entries are not those of a kept checkpoint`,
    );
  }
}

function headSize(walk: Walk, entries: number, note: string | null, key: NoteVerifier): number {
  const size = note === null ? 0 : (openCheckpoint(note, key)?.size ?? entries);
  if (size < entries)
    walk.report('checkpoint-missing', size, `the entries from ${size} on are covered by no checkpoint`);
  return Math.max(size, entries);
}

/**
 * Verifies the log up to its newest checkpoint at the time of the call; the guard may go on writing. Rejects with
 * `database/unavailable`, or with the signal's reason.
 */
export async function verifyLog(client: Queryable, options: VerifyOptions): Promise<Verification> {
  const { key, signal } = options;
  const walk = new Walk();
  const head = await readHead(client);
  const size = headSize(walk, head.entries, head.note, key);
  const kept = openKept(walk, size, options);
  visitKept(walk, kept.get(0));

  const checkpoints = rowsOf<StoredCheckpoint>(
    (last) => readCheckpoints(client, last?.size ?? 0, pageSize),
    signal,
  );
  const entries = rowsOf<StoredEntry>(
    (last) => readEntries(client, (last?.index ?? -1) + 1, pageSize),
    signal,
  );
  let checkpoint = await checkpoints.next();
  let completed: TreeNode[] = [];
  for await (const entry of entries) {
    if (entry.index >= size) break;
    for (
      ;
      checkpoint.value !== undefined && checkpoint.value.size <= entry.index;
      checkpoint = await checkpoints.next()
    ) {
      visitCheckpoint(walk, checkpoint.value, key);
    }
    completed.push(...visitEntry(walk, entry));
    visitKept(walk, kept.get(walk.edge.size));
    if (completed.length >= pageSize) {
      await visitNodes(walk, client, completed);
      completed = [];
    }
  }
  for (
    ;
    checkpoint.value !== undefined && checkpoint.value.size <= size;
    checkpoint = await checkpoints.next()
  ) {
    visitCheckpoint(walk, checkpoint.value, key);
  }
  await visitNodes(walk, client, completed);
  if (walk.next < size)
    walk.report('entry-missing', walk.next, `the entries ${walk.next} to ${size - 1} are missing`);
  const { problems, problemCount } = walk;
  const root = rootOf(walk.edge);
  return { ok: problemCount === 0, size, root, checkpoints: walk.checkpoints, problems, problemCount };
}
