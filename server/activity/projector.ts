// Reads the audit log on and keeps what it says about sessions. The cursor moves in the transaction that keeps what was
// read: each entry counts once, whichever guard reads it and whenever one dies.
import type { AuditEvent } from '../../core/audit-event.ts';
import { isAct, sessionKey } from '../../core/activity/session.ts';
import type { AuditFeed, RecordedEvent } from '../../core/services.ts';
import type { Database, Queryable } from '../db.ts';
import { foldBypasses } from './fold-bypasses.ts';
import { foldEntries, type Known } from './fold.ts';
import { putBypasses, readBypasses } from './bypass-store.ts';
import {
  addActors,
  addRepositories,
  addTraits,
  clearActivity,
  lockCursor,
  moveCursor,
  putAttempts,
  putEntries,
  putSessions,
  readAttempts,
  readCursor,
  readKnownSessions,
} from './store.ts';
import { activityTexts } from './texts-store.ts';

export interface Projector {
  /** Reads one page on; true where there may be more. */
  step(): Promise<boolean>;
  /** Forgets everything and begins again with the first entry. */
  restart(): Promise<void>;
}

const pageSize = 500;

/** A projector over the log. */
export function createProjector(database: Database, feed: AuditFeed): Projector {
  return {
    step: async () => {
      // Read and parsed before the cursor is taken, so that it is held for a short time.
      const from = await readCursor(database);
      const entries = await feed.read(from, pageSize);
      const last = entries.at(-1);
      if (last === undefined) return false;
      await database.transaction(async (client) => {
        // Somebody else reads on, or has: what they keep is what we would have kept.
        if ((await lockCursor(client)) !== from) return;
        await keep(client, entries);
        await moveCursor(client, last.index + 1);
      });
      return entries.length === pageSize;
    },
    restart: () =>
      database.transaction(async (client) => {
        await client.query('select from activity_cursor for update');
        await clearActivity(client);
      }),
  };
}

async function keep(client: Queryable, entries: readonly RecordedEvent[]): Promise<void> {
  const folded = foldEntries(await readKnown(client, entries), entries);
  await putSessions(client, folded.sessions);
  await putAttempts(client, folded.attempts);
  await putEntries(client, folded.entries);
  await addActors(client, folded.actors);
  await addRepositories(client, folded.repositories);
  await addTraits(client, folded.traits);
  await keepBypasses(client, entries);
  for (const { event } of entries) await forgetShredded(client, event);
}

async function keepBypasses(client: Queryable, entries: readonly RecordedEvent[]): Promise<void> {
  const told = entries.filter(({ event }) => event.action.startsWith('bypass.'));
  if (told.length === 0) return;
  const known = await readBypasses(
    client,
    told.map(({ event }) => event.request),
  );
  await putBypasses(client, foldBypasses(new Map(known.map((row) => [row.request, row])), told));
}

/** What two people had destroyed in the log is not kept here either. It is all older than the entry that says so. */
async function forgetShredded(client: Queryable, { action, details }: AuditEvent): Promise<void> {
  const { repository, month } = details;
  if (action !== 'audit.shredded' || typeof repository !== 'string' || typeof month !== 'string') return;
  const from = new Date(`${month}-01T00:00:00.000Z`);
  if (Number.isNaN(from.getTime())) return;
  const to = new Date(Date.UTC(from.getUTCFullYear(), from.getUTCMonth() + 1));
  await activityTexts.forget(client, { repository, from, to });
}

async function readKnown(client: Queryable, entries: readonly RecordedEvent[]): Promise<Known> {
  const requests = [...new Set(entries.map(({ event }) => event.request))];
  const attempts = await readAttempts(client, requests);
  const actors = entries.flatMap(({ event }) => (event.actor !== null && isAct(event) ? [event.actor] : []));
  const keys = [...new Set(actors.map(sessionKey))];
  const rows = await readKnownSessions(client, keys, [...new Set(attempts.map(({ session }) => session))]);
  return {
    sessions: new Map(rows.map((row) => [row.id, row])),
    newest: new Map(rows.filter(({ newest }) => newest).map(({ key, id }) => [key, id])),
    attempts: new Map(attempts.map((row) => [row.request, row])),
  };
}
