// What the audit log holds of requests, as a port between the part that keeps it in order and those who go on, after a
// crash, with what they had begun.
import type { RecordedEvent } from './services.ts';

/**
 * All entries of these requests, in the order of the log; those are left out that stand before the first act of somebody
 * known. Rejects with `audit/unavailable` where what was in the log before the call cannot be told to its end now.
 */
export type RecordedEntries = (requests: readonly string[]) => Promise<readonly RecordedEvent[]>;
