// The log as it leaves the guard live, out of the table. What is in the table is committed and covered by a checkpoint.
import type { AuditStream } from '../../core/audit-stream.ts';
import { coveringNodes } from '../../core/merkle.ts';
import type { Queryable } from '../db.ts';
import { readCheckpointUpTo, readEntriesBefore, readSize } from './store.ts';
import { readNodes } from './tree.ts';

/** The port, over the database. Rejects with `audit/inconsistent` where hashes are missing. */
export function createAuditStream(database: Queryable, origin: string): AuditStream {
  return {
    origin,
    size: () => readSize(database),
    read: (from, past, limit) => readEntriesBefore(database, from, past, limit),
    nodes: (from, past) => readNodes(database, coveringNodes(from, past)),
    checkpoint: (size) => readCheckpointUpTo(database, size),
  };
}
