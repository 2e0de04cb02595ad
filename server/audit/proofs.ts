// Proofs about the log for strangers, from what the database holds. Index and sizes may come from anyone; a proof is
// only as good as the signed checkpoint that it is given with.
import { consistencyPlan, inclusionPlan, type Hash } from '../../core/merkle.ts';
import type { Queryable } from '../db.ts';
import { refusePruned } from './retention/pruned.ts';
import { readEntries, type StoredEntry } from './store.ts';
import { readProof } from './tree.ts';

export interface InclusionProof {
  readonly entry: StoredEntry;
  readonly hashes: readonly Hash[];
}

/** Proves that an entry is in the tree of `size` entries; undefined where it has no such entry. Rejects with `audit/pruned`. */
export async function proveInclusion(
  client: Queryable,
  index: number,
  size: number,
): Promise<InclusionProof | undefined> {
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(size) || index < 0 || index >= size)
    return undefined;
  const hashes = readProof(client, inclusionPlan(index, size));
  // Side by side; whichever is told first, the other must not fail unheard.
  hashes.catch(() => undefined);
  const [entry] = await readEntries(client, index, 1);
  if (entry?.index !== index) {
    await refusePruned(client, index, index + 1);
    return undefined;
  }
  return { entry, hashes: await hashes };
}

/**
 * Proves that the tree of `newSize` entries continues that of `oldSize`; undefined where the sizes are none. Rejects
 * with `audit/inconsistent` where the log has not so many entries.
 */
export async function proveConsistency(
  client: Queryable,
  oldSize: number,
  newSize: number,
): Promise<readonly Hash[] | undefined> {
  if (!Number.isSafeInteger(oldSize) || !Number.isSafeInteger(newSize)) return undefined;
  if (oldSize < 0 || oldSize > newSize) return undefined;
  return readProof(client, consistencyPlan(oldSize, newSize));
}
