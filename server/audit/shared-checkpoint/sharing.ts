// Keeps the newest checkpoint in a store that all guards of a log share, and compares: a database that was restored from
// a backup is behind it, whatever a guard's own data directory knows. A store that is gone delays nobody and is on
// record; a log that does not continue what is there is stopped.
import { parseCheckpoint, type NoteVerifier } from '../../../core/checkpoint.ts';
import { GuardError } from '../../../core/errors.ts';
import type { AuditLog } from '../../../core/services.ts';
import type { Database } from '../../db.ts';
import { checkContinues, loadHead, readKeyHistory } from '../head.ts';
import { recordOutages, startRounds, type Rounds } from '../rounds.ts';
import type { CheckpointStore } from './checkpoint-store.ts';

export interface SharingOptions {
  /** The database of the log. */
  readonly database: Database;
  readonly store: CheckpointStore;
  readonly append: AuditLog['append'];
  /** The key that the log is signed with now. */
  readonly key: () => NoteVerifier;
  /** The newest checkpoint that this guard knows; empty for a log without entries. */
  readonly note: () => string;
  /** Called once the log does not continue what is in the store. */
  readonly onFork: (error: GuardError) => void;
  readonly everyMs?: number;
}

/** Rejects with `audit/inconsistent` where the log does not continue what the store holds. */
export async function checkShared({
  database,
  store,
  key,
}: Pick<SharingOptions, 'database' | 'store' | 'key'>): Promise<void> {
  const note = await store.read(key().name);
  if (note === undefined) return;
  // Read after the store: whoever put it there had committed what it covers before.
  const keys = await readKeyHistory(database, key());
  await checkContinues(database, await loadHead(database, keys), note, keys);
}

/** Compares and puts the newest checkpoint there in each round, and at the end. Dispose of it before the log. */
export function startSharing(options: SharingOptions): Rounds {
  const { store, append, key, note, onFork } = options;
  let put = '';
  const record = recordOutages({
    append,
    failed: 'audit.checkpoint-store-failed',
    resumed: 'audit.checkpoint-store-resumed',
  });

  async function share(): Promise<void> {
    const newest = note();
    const size = parseCheckpoint(newest)?.size;
    if (size === undefined || newest === put) return;
    const isPut = await store.advance({ origin: key().name, size, note: newest });
    if (!isPut) await checkShared(options);
    put = newest;
  }

  async function attempt(): Promise<void> {
    try {
      await share();
    } catch (thrown) {
      const code = thrown instanceof GuardError ? thrown.code : 'internal';
      if (thrown instanceof GuardError && code === 'audit/inconsistent') onFork(thrown);
      else await record(code);
      return;
    }
    await record(undefined);
  }

  return startRounds({ work: attempt, everyMs: options.everyMs ?? store.everyMs, endsWithRound: true });
}
