// Reminds people of a request that still waits: a row of the outbox, which is told like any other.
import type { Database } from '../db.ts';
import { insertOutbox, readApprovalLocked } from './store.ts';
import { takeReminder } from './work-store.ts';

/** Puts a reminder into the outbox where one is due and the request is recorded. Returns whether it did. */
export function remindOf(database: Database, id: string, everySeconds: number): Promise<boolean> {
  return database.transaction(async (client) => {
    const stored = await readApprovalLocked(client, id);
    if (stored?.isRecorded !== true || !(await takeReminder(client, id, everySeconds))) return false;
    const { version } = stored.approval;
    await insertOutbox(client, [{ approval: id, version, topic: 'reminder', event: null, at: stored.now }]);
    return true;
  });
}
