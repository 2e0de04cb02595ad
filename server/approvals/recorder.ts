// Carries the versions of requests into the audit log, in order. A version takes effect only once it is recorded here:
// until then nobody is told of it and nothing is applied. At least once: after a crash between the entry and the note
// that it is there, the entry is written again, with the same approval and version.
import type { AuditLog } from '../../core/services.ts';
import type { Queryable } from '../db.ts';
import { markRecorded, readUnrecorded } from './outbox-store.ts';

/** Records all versions of a request that are not recorded yet. Rejects with `audit/unavailable`. */
export type RecordApproval = (id: string) => Promise<void>;

const mostAtOnce = 100;

/** The recorder of this process. Records of one request are written one call after the other. */
export function createRecorder(database: Queryable, audit: Pick<AuditLog, 'append'>): RecordApproval {
  const last = new Map<string, Promise<void>>();

  async function record(id: string): Promise<void> {
    for (;;) {
      const rows = await readUnrecorded(database, id, mostAtOnce);
      if (rows.length === 0) return;
      // Handed over in one turn, so that they keep their order and share a commit.
      await Promise.all(rows.map(({ event }) => audit.append(event)));
      await markRecorded(
        database,
        rows.map(({ seq }) => seq),
      );
    }
  }

  return async (id) => {
    const before = last.get(id) ?? Promise.resolve();
    const mine = before.catch(() => undefined).then(() => record(id));
    last.set(id, mine);
    try {
      await mine;
    } finally {
      if (last.get(id) === mine) last.delete(id);
    }
  };
}
