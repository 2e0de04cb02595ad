// Tells people what became of requests: at least once for each row of the outbox, only of what is recorded, and not for
// ever. How often it was tried is kept in the database, so that a lost queue loses nothing.
import type { ApprovalNotifier } from '../../core/services.ts';
import type { Database } from '../db.ts';
import { markTold, postponeTelling, readTelling } from './outbox-store.ts';
import { readApproval } from './store.ts';

export interface TellOptions {
  readonly database: Database;
  readonly notifier: ApprovalNotifier;
  readonly urlOf: (id: string) => string;
  readonly onFailure: (id: string, error: unknown) => void;
}

/** One notice may take this many ms. */
const notifyMs = 30_000;
/** Seconds until a notice is tried again: the first, the most, and the number of tries. */
const telling = { first: 10, most: 3_600, tries: 30 } as const;

/**
 * Tells people of one row of the outbox, where it is recorded and not told yet. Returns the request that it is about where
 * it is to be tried again.
 */
export async function tellNotice(
  options: TellOptions,
  seq: number,
  stopped: AbortSignal,
): Promise<string | undefined> {
  const { database, notifier, urlOf } = options;
  const due = await readTelling(database, seq);
  const stored = due === undefined ? undefined : await readApproval(database, due.approval);
  if (due === undefined || stored === undefined) return undefined;
  const { approval } = stored;
  const signal = AbortSignal.any([stopped, AbortSignal.timeout(notifyMs)]);
  try {
    await notifier.notify(
      { id: `${approval.id}-${seq}`, topic: due.topic, approval, url: urlOf(approval.id) },
      signal,
    );
  } catch (thrown) {
    options.onFailure(approval.id, thrown);
    // Being stopped is no failure of the receiver's.
    if (!stopped.aborted) await postponeTelling(database, seq, telling);
    return approval.id;
  }
  await markTold(database, seq);
  return undefined;
}
