// The log as a feed for what acts on its entries. What is in the table is committed and covered by a checkpoint.
import { eventOf, parseEntry } from '../../core/audit-entry.ts';
import { GuardError } from '../../core/errors.ts';
import type { AuditFeed, RecordedEvent } from '../../core/services.ts';
import type { Queryable } from '../db.ts';
import type { Sealing } from './sealing/sealing.ts';
import { readEntries, readEntriesAt, readHead, type StoredEntry } from './store.ts';

/**
 * The port, over the database; texts that are sealed are opened where `sealing` is given. Rejects with
 * `audit/inconsistent` at an entry that cannot be read.
 */
export function createAuditFeed(database: Queryable, sealing?: Sealing): AuditFeed {
  async function recordedIn({ index, body }: Pick<StoredEntry, 'index' | 'body'>): Promise<RecordedEvent> {
    const entry = parseEntry(body);
    if (entry === undefined)
      throw new GuardError('audit/inconsistent', `entry ${index} of the audit log was changed`);
    const opened = sealing === undefined ? entry : await sealing.open(database, entry);
    return { index, time: new Date(entry.time), event: eventOf(opened) };
  }

  async function recorded(
    stored: readonly Pick<StoredEntry, 'index' | 'body'>[],
  ): Promise<readonly RecordedEvent[]> {
    const events: RecordedEvent[] = [];
    for (const one of stored) events.push(await recordedIn(one));
    return events;
  }

  return {
    size: async () => (await readHead(database)).entries,
    read: async (from, limit) => recorded(await readEntries(database, from, limit)),
    at: async (indices) => recorded(await readEntriesAt(database, indices)),
  };
}
