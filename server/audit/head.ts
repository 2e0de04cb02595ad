// Reads where the log stands from the database and believes it only as far as a signed checkpoint covers it.
import { parseEntry } from '../../core/audit-entry.ts';
import type { NoteVerifier, SignedCheckpoint } from '../../core/checkpoint.ts';
import { GuardError } from '../../core/errors.ts';
import {
  keyChangeOf,
  keyHistory,
  openHistorical,
  type KeyChange,
  type KeyHistory,
} from '../../core/key-history.ts';
import { emptyEdge, leafHash, rootOf } from '../../core/merkle.ts';
import { sameHash } from '../../core/merkle-proof.ts';
import type { Queryable } from '../db.ts';
import type { Head } from './batch.ts';
import { readCheckpointUpTo, readEntries, readHead, readKeyEntries } from './store.ts';
import { readEdge } from './tree.ts';

export const emptyHead: Head = { edge: emptyEdge, lastTime: new Date(0), note: '' };
/** Of a larger batch, only this many entries are checked again at the start. */
const maxChecked = 1_000;

function inconsistent(what: string): GuardError {
  return new GuardError('audit/inconsistent', `the audit log is not as its last checkpoint says: ${what}`);
}

function openStored(note: string, keys: KeyHistory): SignedCheckpoint {
  const checkpoint = openHistorical(note, keys);
  if (checkpoint === undefined) {
    const name = keys[0]?.key.name ?? 'the log';
    throw inconsistent(`the newest checkpoint is not signed by ${name}`);
  }
  return checkpoint;
}

/** The rotations that the log tells of, in order. What is no rotation is left out: whoever walks over the log sees it. */
export async function readKeyChanges(client: Queryable): Promise<readonly KeyChange[]> {
  const rows = await readKeyEntries(client);
  return rows.flatMap(({ index, body }) => {
    const entry = parseEntry(body);
    const change = entry === undefined ? undefined : keyChangeOf(entry);
    return change?.index === index ? [change] : [];
  });
}

/**
 * The keys that the log had. Rejects with `audit/inconsistent` where the rotations do not fit together or `known` is not
 * one of the keys.
 */
export async function readKeyHistory(client: Queryable, known: NoteVerifier): Promise<KeyHistory> {
  const history = keyHistory(await readKeyChanges(client), known);
  if (history !== undefined) return history;
  throw inconsistent(`${known.name}, key ${known.keyId}, is none of the keys that signed it`);
}

/**
 * Reads the head. Rejects with `audit/inconsistent` where entries, stored hashes and the newest checkpoint do not agree
 * or the checkpoint is not signed by the newest of `keys`.
 */
export async function loadHead(client: Queryable, keys: KeyHistory): Promise<Head> {
  const { entries, note, lastBody } = await readHead(client);
  if (entries === 0 && note === null) return emptyHead;
  if (note === null || lastBody === null) throw inconsistent('entries or checkpoints are missing');
  const { size, root } = openStored(note, keys);
  if (size !== entries) throw inconsistent(`it covers ${size} entries, the database holds ${entries}`);
  const edge = await readEdge(client, size);
  if (!sameHash(rootOf(edge), root)) throw inconsistent('the stored hashes have another root');
  const last = parseEntry(lastBody);
  if (last === undefined) throw inconsistent(`the bytes of entry ${size - 1} were changed`);
  return { edge, lastTime: new Date(last.time), note };
}

/** Recomputes the leaf hashes of the last batch. Rejects with `audit/inconsistent` where the bytes were changed. */
export async function checkLastBatch(client: Queryable, head: Head): Promise<void> {
  const { size } = head.edge;
  if (size === 0) return;
  const previous = await readCheckpointUpTo(client, size - 1);
  const first = Math.max(previous?.size ?? 0, size - maxChecked);
  // Others may have added more meanwhile.
  const entries = await readEntries(client, first, size - first);
  for (const { index, body, leafHash: stored } of entries) {
    if (!sameHash(leafHash(body), stored) || parseEntry(body)?.index !== index) {
      throw inconsistent(`the bytes of entry ${index} were changed`);
    }
  }
  if (entries.length !== size - first) throw inconsistent('entries of the last batch are missing');
}

/**
 * Checks that the log continues the checkpoint `note`. Rejects with `audit/inconsistent` where it is shorter (a restored
 * backup) or has another history.
 */
export async function checkContinues(
  client: Queryable,
  head: Head,
  note: string,
  keys: KeyHistory,
): Promise<void> {
  const { size, root } = openStored(note, keys);
  if (size > head.edge.size) {
    throw new GuardError(
      'audit/inconsistent',
      `the database holds ${head.edge.size} audit entries, but ${size} have been written: it was restored from a backup, or another database is in use`,
    );
  }
  if (!sameHash(rootOf(await readEdge(client, size)), root)) {
    throw new GuardError(
      'audit/inconsistent',
      `the first ${size} audit entries are not those that were written`,
    );
  }
}
