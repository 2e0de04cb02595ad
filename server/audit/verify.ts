// Checks the whole log in the database against itself, its signing keys, and checkpoints that were kept elsewhere.
import type { NoteVerifier } from '../../core/checkpoint.ts';
import { keyHistory, openHistorical, type KeyHistory } from '../../core/key-history.ts';
import { LogWalk, type Problem } from '../../core/log-walk.ts';
import { rootOf, type Hash, type TreeNode } from '../../core/merkle.ts';
import { sameHash } from '../../core/merkle-proof.ts';
import { tileHeight } from '../../core/tile.ts';
import type { Queryable } from '../db.ts';
import { readKeyChanges } from './head.ts';
import {
  readCheckpoints,
  readEntries,
  readHead,
  readNewestCosigned,
  readStoredNodes,
  type StoredCheckpoint,
  type StoredEntry,
} from './store.ts';

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
  /** One of the keys that the log had; the newest that is known is best. */
  readonly key: NoteVerifier;
  /** Checkpoints from outside the database that the log must continue; read them before this is called. */
  readonly kept: readonly string[];
  /** Keys of witnesses; each must have cosigned the newest checkpoint that was cosigned at all. */
  readonly witnesses?: readonly NoteVerifier[];
  readonly signal?: AbortSignal;
}

const pageSize = 1_000;

/**
 * The rows of a paged query, one after the other; `read` is given the last row that was seen. The next page is on its way
 * while the one before is worked on.
 */
async function* rowsOf<Row>(
  read: (last: Row | undefined) => Promise<readonly Row[]>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Row, undefined> {
  let coming: Promise<readonly Row[]> | undefined = read(undefined);
  while (coming !== undefined) {
    signal?.throwIfAborted();
    const rows: readonly Row[] = await coming;
    coming = rows.length < pageSize ? undefined : read(rows.at(-1));
    // Told when its turn comes; nobody waits for it where the walk ends before.
    coming?.catch(() => undefined);
    yield* rows;
  }
}

async function compareNodes(walk: LogWalk, client: Queryable, computed: readonly TreeNode[]): Promise<void> {
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
    const message = `the stored hash ${index} of level ${level} is not that of its entries`;
    walk.report('hash-changed', index * 2 ** level, message);
  }
}

async function startWalk(
  client: Queryable,
  key: NoteVerifier,
): Promise<{ readonly walk: LogWalk; readonly keys: KeyHistory }> {
  const changes = await readKeyChanges(client);
  const told = keyHistory(changes, key);
  const keys = told ?? [{ since: -1, key: changes[0]?.previous ?? key }];
  const walk = new LogWalk({ keys });
  if (told === undefined) {
    walk.report('key-unknown', 0, `${key.name}, key ${key.keyId}, is none of the keys that the log had`);
  }
  return { walk, keys };
}

/**
 * Verifies the log up to its newest checkpoint at the time of the call; the guard may go on writing. Rejects with
 * `database/unavailable`, or with the signal's reason.
 */
export async function verifyLog(client: Queryable, options: VerifyOptions): Promise<Verification> {
  const { key, kept, signal } = options;
  const head = await readHead(client);
  const { walk, keys } = await startWalk(client, key);
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

  const checkpoints = rowsOf<StoredCheckpoint>(
    (last) => readCheckpoints(client, last?.size ?? 0, pageSize),
    signal,
  );
  const entries = rowsOf<StoredEntry>(
    (last) => readEntries(client, (last?.index ?? -1) + 1, pageSize),
    signal,
  );
  let checkpoint = await checkpoints.next();
  const visitUpTo = async (reached: number): Promise<void> => {
    while (checkpoint.value !== undefined && checkpoint.value.size <= reached) {
      walk.checkpoint(checkpoint.value.size, checkpoint.value.note);
      checkpoint = await checkpoints.next();
    }
  };
  let completed: TreeNode[] = [];
  for await (const entry of entries) {
    if (entry.index >= size) break;
    await visitUpTo(entry.index);
    completed.push(...walk.entry(entry.index, entry.body, entry.leafHash));
    if (completed.length >= pageSize) {
      await compareNodes(walk, client, completed);
      completed = [];
    }
  }
  await visitUpTo(size);
  await compareNodes(walk, client, completed);
  walk.end(size);
  const { problems, problemCount } = walk;
  return {
    ok: problemCount === 0,
    size,
    root: rootOf(walk.edge),
    checkpoints: walk.checkpoints,
    problems,
    problemCount,
  };
}
