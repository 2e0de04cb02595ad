// Entries that were pruned are refused by name: they are gone by intention, not lost.
import { GuardError } from '../../../core/errors.ts';
import type { Queryable } from '../../db.ts';
import { readPrunedPast } from './store.ts';

/** Rejects with `audit/pruned` where entries of [begin, end) may have been pruned. */
export async function refusePruned(client: Queryable, begin: number, end: number): Promise<void> {
  const past = await readPrunedPast(client);
  if (begin >= past) return;
  const what = end - begin === 1 ? `entry ${begin} was` : `entries of ${begin} to ${end - 1} were`;
  throw new GuardError(
    'audit/pruned',
    `${what} pruned: those before ${past} were older than they are kept for`,
  );
}
