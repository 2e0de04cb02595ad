// The log as a feed for what acts on its entries. What is in the table is committed and covered by a checkpoint.
import { eventOf, parseEntry } from '../../core/audit-entry.ts';
import { GuardError } from '../../core/errors.ts';
import type { AuditFeed, RecordedEvent } from '../../core/services.ts';
import type { Queryable } from '../db.ts';
import { readEntries, readEntriesAt, readHead, type StoredEntry } from './store.ts';

/** The port, over the database. Rejects with `audit/inconsistent` at an entry that cannot be read. */
export function createAuditFeed(database: Queryable): AuditFeed {
  return {
    size: async () => (await readHead(database)).entries,
    read: async (from, limit) => (await readEntries(database, from, limit)).map(recordedIn),
    at: async (indices) => (await readEntriesAt(database, indices)).map(recordedIn),
  };
}

function recordedIn({ index, body }: Pick<StoredEntry, 'index' | 'body'>): RecordedEvent {
  const entry = parseEntry(body);
  if (entry === undefined)
    throw new GuardError('audit/inconsistent', `entry ${index} of the audit log was changed`);
  return { index, time: new Date(entry.time), event: eventOf(entry) };
}
