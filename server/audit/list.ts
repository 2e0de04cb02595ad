// Entries by what they say, oldest first, out of a log of any size: page by page, memory does not grow.
import { parseEntry, type AuditEntry } from '../../core/audit-entry.ts';
import { GuardError } from '../../core/errors.ts';
import type { Queryable } from '../db.ts';
import { readEntryRange } from './store.ts';

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

const pageSize = 1_000;

/** The entry at `index`. Rejects with `audit/inconsistent` where it is missing or was changed. */
async function entryAt(client: Queryable, index: number): Promise<AuditEntry> {
  const [row] = await readEntryRange(client, index, index + 1);
  const entry = row === undefined ? undefined : parseEntry(row.body);
  if (entry !== undefined) return entry;
  throw new GuardError('audit/inconsistent', `entry ${index} of the audit log is missing or was changed`);
}

/** The first of `size` entries whose time is not before `time`; `size` where all are before. Times never run backwards. */
export async function findFirst(client: Queryable, size: number, time: Date): Promise<number> {
  let [low, high] = [0, size];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if ((await entryAt(client, middle)).time < time.toISOString()) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** True where the entry is asked for, but for its time. */
function matches(entry: AuditEntry, filter: EntryFilter): boolean {
  const { action, actor, repository, request } = filter;
  const isAction =
    action === undefined ||
    entry.action === action ||
    (action.endsWith('.') && entry.action.startsWith(action));
  const actors = entry.actor === null ? [] : [entry.actor.id, ...entry.actor.onBehalfOf];
  return (
    isAction &&
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
  const first = from === undefined ? 0 : await findFirst(client, size, from);
  const past = to === undefined ? size : await findFirst(client, size, to);
  for (let at = first; at < past; at += pageSize) {
    for (const { index, body } of await readEntryRange(client, at, Math.min(past, at + pageSize))) {
      const entry = parseEntry(body);
      if (entry === undefined) {
        throw new GuardError('audit/inconsistent', `entry ${index} of the audit log was changed`);
      }
      if (matches(entry, filter)) yield { entry, body };
    }
  }
}
