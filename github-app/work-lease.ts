// A guard's hold on one piece of work: renewed while the work goes on, and given up by itself once it cannot be, before
// another guard may take the work.
import { randomUUID } from 'node:crypto';
import type { Database } from '../server/db.ts';
import { extendWork } from './store.ts';

/** How long work stays with a guard that is not heard of. */
export const leaseSeconds = 60;
const renewEveryMs = 15_000;
/** Without an answer for so long, the work may soon be another's; the rest is for what is under way. */
const lostAfterMs = 45_000;

export interface Lease {
  readonly holder: string;
  /** Aborted once the work is not, or may not be, this guard's any more. */
  readonly lost: AbortSignal;
  /** Begins to renew it; the work was taken just now. */
  keep(): void;
  end(): void;
}

/** A name for a hold on the work; nothing is done before `keep`. */
export function createLease(
  database: Pick<Database, 'query'>,
  id: string,
  now: () => number = () => performance.now(),
): Lease {
  const holder = randomUUID();
  const lost = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let renewed = now();

  async function renew(): Promise<void> {
    const asked = now();
    if (asked - renewed >= lostAfterMs) lost.abort();
    // A database that does not answer says nothing about whose the work is.
    const isKept = await extendWork(database, id, holder, leaseSeconds).catch(() => undefined);
    if (isKept === false) lost.abort();
    if (isKept === true) renewed = asked;
  }

  return {
    holder,
    lost: lost.signal,
    keep: () => {
      renewed = now();
      timer = setInterval(() => void renew(), renewEveryMs);
    },
    end: () => clearInterval(timer),
  };
}
