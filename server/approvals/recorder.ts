// Carries the versions of requests into the audit log, in order. A version takes effect only once it is recorded here:
// until then nobody is told of it and nothing is applied. At least once: after a crash between the entry and the note
// that it is there, the entry is written again, with the same approval and version.
import type { AuditLog } from '../../core/services.ts';
import type { Database } from '../db.ts';
import { markRecorded, lockUnrecorded } from './outbox-store.ts';

/** Records all versions of a request that are not recorded yet. Rejects with `audit/unavailable`. */
export type RecordApproval = (id: string) => Promise<void>;

const mostAtOnce = 100;

/** Makes the recorder. The rows are locked while they are written, so that two guards do not write the same. */
export function createRecorder(database: Database, audit: Pick<AuditLog, 'append'>): RecordApproval {
  const recordSome = (id: string): Promise<number> =>
    database.transaction(async (client) => {
      const rows = await lockUnrecorded(client, id, mostAtOnce);
      // Handed over in one turn, so that they keep their order and share a commit.
      await Promise.all(rows.map(({ event }) => audit.append(event)));
      await markRecorded(
        client,
        rows.map(({ seq }) => seq),
      );
      return rows.length;
    });

  return async (id) => {
    while ((await recordSome(id)) === mostAtOnce);
  };
}
