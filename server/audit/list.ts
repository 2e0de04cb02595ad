// Entries by what they say, oldest first, out of a log of any size: page by page, memory does not grow.
import { parseEntry, type AuditEntry } from '../../core/audit-entry.ts';
import { GuardError } from '../../core/errors.ts';
import type { Queryable } from '../db.ts';
import { readPrunedPast } from './retention/store.ts';
import { readEntries, readEntryRange } from './store.ts';

/** What an entry must be to be listed; everything that is given must hold. */
export interface EntryFilter {
  readonly from?: Date;
  readonly to?: Date;
  /** An action, or the beginning of one that ends in a dot: `push.`. */
  readonly action?: string;
  /** Id of the actor, or of somebody on whose behalf it acted. */
  readonly actor?: string;
  readonly repository?: string;
  readonly request?: string;
}

const pageSize = 512;

/** The entry at `index`. Rejects with `audit/inconsistent` where it is missing or was changed. */
async function entryAt(client: Queryable, index: number): Promise<AuditEntry> {
  const [row] = await readEntryRange(client, index, index + 1);
  const entry = row === undefined ? undefined : parseEntry(row.body);
  if (entry !== undefined) return entry;
  throw new GuardError('audit/inconsistent', `entry ${index} of the audit log is missing or was changed`);
}

/**
 * The first of `size` entries whose time is not before `time`; `size` where all are before. Times never run backwards.
 * Entries that may be pruned are not looked at: it is the first of the others then.
 */
export async function findFirst(client: Queryable, size: number, time: Date): Promise<number> {
  let [low, high] = [await readPrunedPast(client), size];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if ((await entryAt(client, middle)).time < time.toISOString()) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** True where the entry is asked for. */
function matches(entry: AuditEntry, filter: EntryFilter): boolean {
  const { from, to, action, actor, repository, request } = filter;
  const isAction =
    action === undefined ||
    entry.action === action ||
    (action.endsWith('.') && entry.action.startsWith(action));
  const actors = entry.actor === null ? [] : [entry.actor.id, ...entry.actor.onBehalfOf];
  return (
    isAction &&
    (from === undefined || entry.time >= from.toISOString()) &&
    (to === undefined || entry.time < to.toISOString()) &&
    (actor === undefined || actors.includes(actor)) &&
    (repository === undefined || entry.repository === repository) &&
    (request === undefined || entry.request === request)
  );
}

/** The entries of a log of `size` that pass the filter, with their bytes. */
export async function* listEntries(
  client: Queryable,
  size: number,
  filter: EntryFilter,
): AsyncGenerator<{ readonly entry: AuditEntry; readonly body: Uint8Array }> {
  const { from, to } = filter;
  const pruned = await readPrunedPast(client);
  const past = to === undefined ? size : await findFirst(client, size, to);
  const found = from === undefined ? 0 : await findFirst(client, size, from);
  // Of those that may be pruned some are still there; each tells its time itself.
  let next = found <= pruned ? 0 : found;
  while (next < past) {
    const page = await readEntries(client, next, pageSize);
    const last = page.at(-1);
    if (last === undefined) return;
    next = last.index + 1;
    for (const { index, body } of page) {
      if (index >= past) return;
      const entry = parseEntry(body);
      if (entry === undefined) {
        throw new GuardError('audit/inconsistent', `entry ${index} of the audit log was changed`);
      }
      if (matches(entry, filter)) yield { entry, body };
    }
  }
}
