// Puts into the queue whatever it lacks, found in the database: at the start, whenever the queue has come back, and every
// few seconds. So nothing is lost with a queue, only late. What is due soon is put there each time, and the rest where
// the queue holds less than that.
import { setInterval } from 'node:timers';
import type { Queryable } from '../db.ts';
import type { ApprovalJob, ApprovalJobQueue } from './job.ts';
import { countLaterWork, findWork } from './work-store.ts';

export interface Reconciler extends AsyncDisposable {
  /** Refills the queue now; a call while one runs makes it run once more. Never rejects. */
  run(): Promise<void>;
}

export interface ReconcilerOptions {
  readonly database: Queryable;
  readonly queue: Pick<ApprovalJobQueue, 'refill' | 'size'>;
  readonly everyMs?: number;
}

const defaultEveryMs = 20_000;
const pageSize = 2_000;
/** Jobs that are put into the queue at once. */
const bulkSize = 500;
/** Seconds; more than the time between two runs, and than a job takes to be lost and noticed. */
const soon = 120;

/** Starts at once. What fails is done by the next run; the queue tells the operator. */
export function startReconciler({
  database,
  queue,
  everyMs = defaultEveryMs,
}: ReconcilerOptions): Reconciler {
  let running: Promise<void> | undefined;
  let isWantedAgain = false;
  let isStopped = false;

  async function refill(): Promise<void> {
    // Asked of the queue first, which shows whether it answers.
    const held = await queue.size();
    const dueWithin = held < (await countLaterWork(database, soon)) ? undefined : soon;
    for (let after: ApprovalJob | undefined; !isStopped;) {
      const page: readonly ApprovalJob[] = await findWork(database, { after, dueWithin, limit: pageSize });
      for (let at = 0; at < page.length; at += bulkSize) await queue.refill(page.slice(at, at + bulkSize));
      after = page.at(-1);
      if (page.length < pageSize) return;
    }
  }

  async function runOnce(): Promise<void> {
    do {
      isWantedAgain = false;
      await refill().catch(() => undefined);
    } while (isWantedAgain && !isStopped);
  }

  const run = (): Promise<void> => {
    if (running !== undefined) isWantedAgain = true;
    running ??= runOnce().finally(() => (running = undefined));
    return running;
  };

  const again = (): void => {
    run().catch(() => undefined);
  };
  const timer = setInterval(again, everyMs);
  again();
  return {
    run,
    [Symbol.asyncDispose]: async () => {
      isStopped = true;
      clearInterval(timer);
      await running;
    },
  };
}
