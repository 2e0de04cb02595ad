// Works off what webhooks ask for, through the guard's queue. The table is the truth: a job says which row to look at, a
// lost job is found again there, a doubled one finds nothing to do.
import { setInterval } from 'node:timers';
import { asGuardError, type ErrorCode } from '../core/errors.ts';
import type { Database } from '../server/db.ts';
import { pruneDeployments } from './deployments/deployment-store.ts';
import type { JobQueue, QueueState } from '../server/job.ts';
import { createJobQueue } from '../server/queue.ts';
import type { Secret } from '../server/secret.ts';
import { claimWork, findDueWork, finishWork, postponeWork, prune } from './store.ts';
import { createLease, type Lease, leaseSeconds } from './work-lease.ts';
import { pruneItems } from './workflows/workflow-store.ts';
import type { Work } from './work.ts';

/** The work is not done; seconds until it is looked at again. */
export interface Postponed {
  readonly againIn: number;
}

export interface WorkQueueOptions {
  readonly database: Database;
  readonly databaseUrl: string;
  readonly redisUrl: Secret | undefined;
  readonly namespace: string;
  /** Does it; rejects where it is to be tried again after a failure, or says when to come back. */
  readonly perform: (work: Work, signal: AbortSignal) => Promise<Postponed | undefined | void>;
  /** Told of work that is not tried again; it may fail. */
  readonly giveUp: (work: Work, signal: AbortSignal) => Promise<void>;
  /** Milliseconds of the wall clock before which it makes no sense to try again. */
  readonly notBefore: (work: Work) => number;
  readonly onProblem: (problem: string, error: unknown) => void;
}

export interface WorkQueue extends AsyncDisposable {
  readonly state: QueueState | undefined;
  /** Opens the queue. Rejects with `queue/unavailable` as `createJobQueue` does. */
  start(): Promise<void>;
  /** Has work done soon. */
  wakeUp(work: readonly { readonly id: string; readonly generation: number }[]): void;
}

const lookEveryMs = 5_000;
const pruneEveryMs = 3_600_000;
const soonSeconds = 30;
const mostWork = 1_000;
/** For the last word about work that is given up. */
const patienceMs = 60_000;
/** Seconds until a failed attempt is tried again: the first, and the most. */
const again = { first: 5, most: 300 } as const;
/** What has failed for so long is given up: nobody waits for it any more. */
const givenUpMs = 24 * 3_600_000;
/** Work that waits for Git is fetched together: many at once cost the upstream little more than one. */
const concurrency = 32;

/** Failures that trying again does not mend. */
const final: ReadonlySet<ErrorCode> = new Set([
  'upstream/not-installed',
  'upstream/not-found',
  'route/unknown-repository',
]);

/** Nothing is done before `start`. */
export function createWorkQueue(options: WorkQueueOptions): WorkQueue {
  const { database, onProblem } = options;
  let queue: JobQueue<'github'> | undefined;
  let timers: readonly NodeJS.Timeout[] = [];

  async function perform(id: string, stopped: AbortSignal): Promise<void> {
    const lease = createLease(database, id);
    const work = await claimWork(database, id, lease.holder, leaseSeconds);
    if (work === undefined) return;
    lease.keep();
    try {
      const postponed = await options.perform(work, AbortSignal.any([stopped, lease.lost]));
      if (postponed !== undefined) {
        await postponeWork(database, id, lease.holder, work.generation, postponed.againIn);
        queue?.offer([jobOf(work, work.attempts, postponed.againIn * 1_000)]);
      } else if (!(await finishWork(database, id, lease.holder, work.generation))) await look();
    } catch (thrown) {
      await failed(work, lease, thrown, stopped);
    } finally {
      lease.end();
    }
  }

  async function failed(work: Work, lease: Lease, thrown: unknown, stopped: AbortSignal): Promise<void> {
    const { id, generation } = work;
    const { holder } = lease;
    const { code } = asGuardError(thrown, 'internal', 'the work failed');
    if (stopped.aborted || lease.lost.aborted) return postponeWork(database, id, holder, generation, 0);
    onProblem(`GitHub: ${work.kind} of ${work.repository} failed [${code}]`, thrown);
    if (final.has(code) || Date.now() - work.createdAt.getTime() > givenUpMs) {
      const left = AbortSignal.any([stopped, lease.lost, AbortSignal.timeout(patienceMs)]);
      await options
        .giveUp(work, left)
        .catch((error: unknown) => onProblem('GitHub: a check stays open', error));
      await finishWork(database, id, holder, generation);
      return;
    }
    const backoff = Math.min(again.first * 2 ** Math.min(work.attempts - 1, 10), again.most);
    const asked = (options.notBefore(work) - Date.now()) / 1_000;
    await postponeWork(database, id, holder, generation, Math.max(backoff, asked));
  }

  const jobOf = (
    work: { readonly id: string; readonly generation: number },
    attempts: number,
    delayMs: number,
  ) => ({ kind: 'github', subject: work.id, turn: `${work.generation}-${attempts}`, delayMs }) as const;

  async function look(): Promise<void> {
    const due = await findDueWork(database, soonSeconds, mostWork);
    await queue?.refill(due.map((work) => jobOf(work, work.attempts, work.delayMs)));
  }
  const lookQuietly = (): void => void look().catch(() => undefined);

  return {
    get state() {
      return queue?.state;
    },
    start: async () => {
      queue = await createJobQueue({
        name: 'forgeguard-github',
        priorities: { github: 0 },
        concurrency,
        redisUrl: options.redisUrl,
        databaseUrl: options.databaseUrl,
        namespace: options.namespace,
        handlers: { github: perform },
        onUp: lookQuietly,
        onProblem,
      });
      timers = [
        setInterval(lookQuietly, lookEveryMs),
        setInterval(
          () =>
            void Promise.all([prune(database), pruneItems(database), pruneDeployments(database)]).catch(
              () => undefined,
            ),
          pruneEveryMs,
        ),
      ];
    },
    wakeUp: (work) => queue?.offer(work.map((one) => jobOf(one, 0, 0))),
    [Symbol.asyncDispose]: async () => {
      for (const timer of timers) clearInterval(timer);
      await queue?.[Symbol.asyncDispose]();
    },
  };
}
