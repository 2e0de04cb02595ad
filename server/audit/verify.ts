// Checks the whole log in the database against itself, its signing keys, and checkpoints that were kept elsewhere.
import type { NoteVerifier } from '../../core/checkpoint.ts';
import { keyHistory, openHistorical, type KeyHistory } from '../../core/key-history.ts';
import { LogWalk, type Problem } from '../../core/log-walk.ts';
import type { SoundRun } from '../../core/entry-run.ts';
import { hashLength, rootOf, type Hash, type NodeId, type TreeNode } from '../../core/merkle.ts';
import { sameHash } from '../../core/merkle-proof.ts';
import { OpenedCheckpoints } from '../../core/opened-checkpoints.ts';
import { tileHeight, tileWidth } from '../../core/tile.ts';
import type { Queryable } from '../db.ts';
import { readKeyChanges } from './head.ts';
import { unpackEntries } from './packed-entries.ts';
import { createRunReader, inOrder, type RunReader } from './reading/run-reader.ts';
import { readPrunedPast, readPrunedTiles } from './retention/store.ts';
import { readDataKeys } from './sealing/store.ts';
import { readTimestampNear } from './timestamps/store.ts';
import { readTimestamp } from './timestamps/timestamp.ts';
import {
  readCheckpoints,
  readHashes,
  readHead,
  readNewestCosigned,
  readPackedRange,
  type StoredCheckpoint,
} from './store.ts';

/** Of so many, so many are there to be read, and so many were destroyed under an approval. */
export interface OpenedCount {
  readonly entries: number;
  readonly opened: number;
  readonly destroyed: number;
}

export interface Verification {
  readonly ok: boolean;
  /** Entries that the newest checkpoint covers. */
  readonly size: number;
  /** The root over the entries that are there, computed from their bytes. */
  readonly root: Hash;
  /** Signed checkpoints in the database. */
  readonly checkpoints: number;
  /** Entries of which only the hash is left, as an entry of the log says. */
  readonly pruned: number;
  /** What became of sealed texts, where it was looked at: entries with them, and how many of these were opened. */
  readonly sealed?: OpenedCount;
  /** The same of documents that entries name. */
  readonly documents?: OpenedCount;
  /** The first problems found. */
  readonly problems: readonly Problem[];
  /** All problems found. */
  readonly problemCount: number;
}

export interface VerifyOptions {
  /** One of the keys that the log had; the newest that is known is best. */
  readonly key: NoteVerifier;
  /** Checkpoints from outside the database that the log must continue; read them before this is called. */
  readonly kept: readonly string[];
  /** Keys of witnesses; each must have cosigned the newest checkpoint that was cosigned at all. */
  readonly witnesses?: readonly NoteVerifier[];
  /** PEM text of time stamping authorities; one of them must have stamped the newest stamped checkpoint. */
  readonly stampedBy?: string | undefined;
  /** Threads that read entries; by default as many as the size of the log is worth. */
  readonly threads?: number | undefined;
  readonly signal?: AbortSignal;
}

const checkpointPage = 1_000;
/** Entries that are read at once, in whole tiles. */
const entryPage = 4 * tileWidth;

/** A stored hash above the leaves, by its level in the tree. */
const nodeName = ({ level, index }: NodeId): string => `${level}/${index}`;

/** The roots of the full tiles that the entries of [begin, end) complete. */
function completedBy(begin: number, end: number): readonly NodeId[] {
  const nodes: NodeId[] = [];
  for (let past = (Math.floor(begin / tileWidth) + 1) * tileWidth; past <= end; past += tileWidth) {
    for (let level = tileHeight, width = tileWidth; past % width === 0; level += tileHeight) {
      nodes.push({ level, index: past / width - 1 });
      width *= tileWidth;
    }
  }
  return nodes;
}

async function readStoredNodes(
  client: Queryable,
  nodes: readonly NodeId[],
): Promise<readonly (Buffer | null)[]> {
  return readHashes(
    client,
    nodes.map(({ level, index }) => ({ level: level / tileHeight, begin: index, end: index + 1 })),
  );
}

/** Compares hashes with those stored: with what was read ahead, where they are the ones that were expected. */
async function compareNodes(
  walk: LogWalk,
  client: Queryable,
  computed: readonly TreeNode[],
  ahead: EntryPage['nodes'],
): Promise<void> {
  const missing = computed.filter((node) => !ahead.has(nodeName(node)));
  const found = await readStoredNodes(client, missing);
  const looked = new Map(missing.map((node, at) => [nodeName(node), found[at]]));
  for (const node of computed) {
    const { level, index, hash } = node;
    const stored = ahead.get(nodeName(node)) ?? looked.get(nodeName(node));
    if (stored !== null && stored !== undefined && sameHash(stored, hash)) continue;
    const message = `the stored hash ${index} of level ${level} is not that of its entries`;
    walk.report('hash-changed', index * 2 ** level, message);
  }
}

/** Entries of [begin, end), packed, what could be read of them, and what is stored about them besides. */
interface EntryPage {
  readonly begin: number;
  readonly end: number;
  readonly packed: Buffer;
  /** Undefined where the entries must be looked at one by one. */
  readonly run: SoundRun | undefined;
  /** The stored hashes that these entries complete, by name. */
  readonly nodes: ReadonlyMap<string, Buffer | null>;
  /** The hashes of the tiles among them of which some were pruned. */
  readonly tiles: ReadonlyMap<number, Buffer>;
}

async function readPage(
  client: Queryable,
  reader: RunReader,
  { begin, end, pruned }: { readonly begin: number; readonly end: number; readonly pruned: number },
): Promise<EntryPage> {
  const expected = completedBy(begin, end);
  const [packed, tiles, hashes] = await Promise.all([
    readPackedRange(client, begin, end),
    begin < pruned ? readPrunedTiles(client, begin, end) : new Map<number, Buffer>(),
    readStoredNodes(client, expected),
  ]);
  const nodes = new Map(expected.map((node, at) => [nodeName(node), hashes[at] ?? null]));
  const run = tiles.size === 0 ? await reader.read({ kind: 'packed', packed }) : undefined;
  return { begin, end, packed, run, nodes, tiles };
}

/** A leaf of the tree: an entry with its bytes, or of one that was pruned the hash alone. */
interface Leaf {
  readonly index: number;
  readonly body: Uint8Array | undefined;
  readonly leafHash: Uint8Array;
}

/** The leaves of a page, in order. */
function leavesOf({ packed, tiles, begin, end }: EntryPage): readonly Leaf[] {
  const entries = unpackEntries(packed);
  if (tiles.size === 0) return entries;
  const byIndex = new Map(entries.map((entry) => [entry.index, entry]));
  const leaves: Leaf[] = [];
  for (let index = begin; index < end; index += 1) {
    const at = (index % tileWidth) * hashLength;
    const kept = tiles.get(Math.floor(index / tileWidth))?.subarray(at, at + hashLength);
    const entry = byIndex.get(index);
    const hash = kept ?? entry?.leafHash;
    if (hash !== undefined) leaves.push({ index, body: entry?.body, leafHash: hash });
  }
  return leaves;
}

/** Takes the entries of a page into the walk; `visitUpTo` is called before each that a checkpoint is due at. */
async function walkPage(
  walk: LogWalk,
  page: EntryPage,
  due: () => number,
  visitUpTo: (reached: number) => Promise<void>,
): Promise<readonly TreeNode[]> {
  const completed: TreeNode[] = [];
  const { run } = page;
  if (run !== undefined && walk.begin(run)) {
    const { first, leaves } = run;
    for (let at = 0; at < leaves.length; at += hashLength) {
      const index = first + at / hashLength;
      if (due() <= index) await visitUpTo(index);
      const nodes = walk.sound(leaves.subarray(at, at + hashLength));
      if (nodes.length > 0) completed.push(...nodes);
    }
    return completed;
  }
  for (const { index, body, leafHash } of leavesOf(page)) {
    if (due() <= index) await visitUpTo(index);
    const nodes = body === undefined ? walk.pruned(index, leafHash) : walk.entry(index, body, leafHash);
    if (nodes.length > 0) completed.push(...nodes);
  }
  return completed;
}

async function startWalk(
  client: Queryable,
  key: NoteVerifier,
): Promise<{ readonly walk: LogWalk; readonly keys: KeyHistory; readonly opened: OpenedCheckpoints }> {
  const changes = await readKeyChanges(client);
  const told = keyHistory(changes, key);
  const keys = told ?? [{ since: -1, key: changes[0]?.previous ?? key }];
  const opened = new OpenedCheckpoints(keys);
  const walk = new LogWalk({ keys, open: opened.open });
  if (told === undefined) {
    walk.report('key-unknown', 0, `${key.name}, key ${key.keyId}, is none of the keys that the log had`);
  }
  return { walk, keys, opened };
}

/** A key of sealed texts is there, or was destroyed under an entry. */
async function checkTexts(walk: LogWalk, client: Queryable): Promise<void> {
  const ids = [...walk.sealedBy.keys()];
  for (let at = 0; at < ids.length; at += entryPage) {
    const page = ids.slice(at, at + entryPage);
    const stored = new Map((await readDataKeys(client, page)).map((key) => [key.id, key]));
    for (const id of page) {
      if (walk.shredded.has(id) || (stored.get(id)?.wrapped ?? null) !== null) continue;
      const message = `the key ${id} of its sealed texts is gone, and no entry says that it was destroyed`;
      walk.report('text-missing', walk.sealedBy.get(id) ?? 0, message);
    }
  }
}

/** All checkpoints by size; a page is read while the one before is worked on. */
async function* checkpointsOf(
  client: Queryable,
  signal: AbortSignal | undefined,
): AsyncGenerator<StoredCheckpoint, undefined> {
  const after = (last: number): Promise<readonly StoredCheckpoint[]> =>
    readCheckpoints(client, last, checkpointPage);
  let coming: Promise<readonly StoredCheckpoint[]> | undefined = after(0);
  while (coming !== undefined) {
    signal?.throwIfAborted();
    const page: readonly StoredCheckpoint[] = await coming;
    const last = page.at(-1);
    coming = last === undefined || page.length < checkpointPage ? undefined : after(last.size);
    // Told when its turn comes; nobody waits for it where the walk ends before.
    coming?.catch(() => undefined);
    yield* page;
  }
}

/**
 * Verifies the log up to its newest checkpoint at the time of the call; the guard may go on writing. Rejects with
 * `database/unavailable`, or with the signal's reason.
 */
export async function verifyLog(client: Queryable, options: VerifyOptions): Promise<Verification> {
  const { key, kept, signal } = options;
  const head = await readHead(client);
  const { walk, keys, opened } = await startWalk(client, key);
  const signed = head.note === null ? 0 : (openHistorical(head.note, keys)?.size ?? head.entries);
  if (signed < head.entries) {
    walk.report('checkpoint-missing', signed, `the entries from ${signed} on are covered by no checkpoint`);
  }
  const size = Math.max(signed, head.entries);
  for (const note of kept) walk.keep(note, keys, size);
  const { witnesses = [] } = options;
  if (witnesses.length > 0) {
    const cosigned = await readNewestCosigned(client, size);
    walk.witnessed(cosigned?.note, witnesses);
    if (cosigned !== undefined) walk.keep(cosigned.note, keys, size);
  }

  if (options.stampedBy !== undefined) {
    const stamped = await readTimestampNear(client, 'up-to', size);
    const { stampedBy: authorities } = options;
    const reading = stamped && (await readTimestamp(stamped.response, { note: stamped.note, authorities }));
    if (reading?.kind !== 'good') {
      const message = 'no time stamp of a checkpoint of it is signed by the authority';
      walk.report('timestamp-missing', 0, message);
    }
    if (stamped !== undefined) walk.keep(stamped.note, keys, size);
  }
  const pruned = await readPrunedPast(client);
  const checkpoints = opened.ahead(checkpointsOf(client, signal));
  await using reader = createRunReader(size, options.threads);
  const pages = inOrder<EntryPage>(
    (at) => {
      const begin = at * entryPage;
      const end = Math.min(size, begin + entryPage);
      return begin < size ? readPage(client, reader, { begin, end, pruned }) : undefined;
    },
    reader.ahead,
    signal,
  );
  let checkpoint = await checkpoints.next();
  let due = checkpoint.value?.size ?? Infinity;
  const visitUpTo = async (reached: number): Promise<void> => {
    while (checkpoint.value !== undefined && due <= reached) {
      walk.checkpoint(due, checkpoint.value.note);
      checkpoint = await checkpoints.next();
      due = checkpoint.value?.size ?? Infinity;
    }
  };
  for await (const page of pages) {
    const completed = await walkPage(walk, page, () => due, visitUpTo);
    await compareNodes(walk, client, completed, page.nodes);
  }
  await visitUpTo(size);
  walk.end(size);
  await checkTexts(walk, client);
  const { problems, problemCount } = walk;
  return {
    ok: problemCount === 0,
    size,
    root: rootOf(walk.edge),
    checkpoints: walk.checkpoints,
    pruned: walk.prunedEntries,
    problems,
    problemCount,
  };
}
