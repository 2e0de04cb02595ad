// The one door to BullMQ: jobs that wake this guard or another up, on Redis or on PostgreSQL by the same code. A job says
// what to look at, by id, and never what to do: the database is asked for that. So jobs may be lost, doubled or late.
import { setInterval } from 'node:timers';
import { type Job as BullJob, Queue, Worker, createPostgresBackend } from 'bullmq';
import { Redis } from 'ioredis';
import { z } from 'zod';
import { asGuardError, GuardError } from '../core/errors.ts';
import type { Secret } from './secret.ts';
import { within } from './deadline.ts';
import { adviseOn, readRedisFacts } from './redis-facts.ts';
import type { Job, JobHandlers, JobPriorities, JobQueue, QueueState } from './job.ts';

export interface JobQueueOptions<Kind extends string> {
  /** Keeps queues of one guard apart; letters and `-`. */
  readonly name: string;
  /** Undefined: the queue is on PostgreSQL. */
  readonly redisUrl: Secret | undefined;
  readonly databaseUrl: string;
  /** Keeps guards apart that share a Redis but no database; letters, digits, `/` and `-`. */
  readonly namespace: string;
  readonly handlers: JobHandlers<Kind>;
  readonly priorities: JobPriorities<Kind>;
  /** Jobs that one guard works on at once. Default 16. */
  readonly concurrency?: number;
  /** Called each time the queue has become usable; it may have lost everything. */
  readonly onUp: () => void;
  /** For the operator's log. `error` may quote the server's words, never a job's. */
  readonly onProblem: (problem: string, error: unknown) => void;
}

const applicationName = 'forgeguard';
const dataSchema = z.strictObject({ subject: z.string().max(100) });
const offerMs = 2_000;
const refillMs = 10_000;
const mostOffered = 2_000;
/** What is being done is given this long to end; a connection that answers this long to close, another one less. */
const closeMs = 8_000;
const closeBrokenMs = 500;
const lookEveryMs = 1_000;

/** A connection on which a queue and its worker can be opened, and opened again where they broke. */
interface Backing extends AsyncDisposable {
  readonly backend: QueueState['backend'];
  /** False while nothing can be sent. */
  isConnected(): boolean;
  open(process: (job: BullJob) => Promise<void>, onError: (error: Error) => void): Promise<Opened>;
  /** What is unwise about how the server is set up; null where nothing is. */
  inspect(): Promise<string | null>;
}

interface Opened {
  readonly queue: Pick<Queue, 'addBulk' | 'count' | 'getActiveCount' | 'close'>;
  readonly worker: Pick<Worker, 'isRunning' | 'close'>;
}

const defaultConcurrency = 16;

const workerOptions = {
  // A job of a guard that died is another's after this time; all of them only wait for others, so the lock is renewed.
  lockDuration: 15_000,
  stalledInterval: 5_000,
  maxStalledCount: 5,
  runRetryDelay: 1_000,
  // An id that is kept would keep the next turn of the same job out.
  removeOnComplete: { count: 0 },
  removeOnFail: { count: 0 },
} as const;

const noAnswer = (): GuardError => new GuardError('queue/unavailable', 'the queue did not answer in time');

interface BackingOptions {
  readonly name: string;
  readonly namespace: string;
  readonly concurrency: number;
  readonly onProblem: (problem: string, error: unknown) => void;
}

function redisBacking(url: Secret, { name, namespace, concurrency, onProblem }: BackingOptions): Backing {
  const prefix = `${applicationName}/${namespace}`;
  let isOver = false;
  // The worker's own connection, a duplicate of the consumer's, ends by this too.
  const retryStrategy = (times: number): number | null => (isOver ? null : Math.min(times * 100, 2_000));
  const shared = { retryStrategy, connectTimeout: 5_000, enableReadyCheck: true } as const;
  // What is sent fails at once while there is no connection, and soon where there is no answer.
  const producer = new Redis(url.reveal(), {
    ...shared,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    commandTimeout: 5_000,
  });
  const consumer = new Redis(url.reveal(), { ...shared, maxRetriesPerRequest: null });
  let isTold = false;
  for (const client of [producer, consumer]) {
    client.on('ready', () => (isTold = false));
    client.on('error', (error: Error) => {
      // Told once for each time that it is down: a reconnection is tried again and again.
      if (!isTold) onProblem('Redis cannot be reached', error);
      isTold = true;
    });
  }
  return {
    backend: 'redis',
    isConnected: () => producer.status === 'ready',
    open: async (process, onError) => {
      const queue = new Queue(name, { connection: producer, prefix, skipMetasUpdate: true });
      const worker = new Worker(name, process, {
        ...workerOptions,
        concurrency,
        connection: consumer,
        prefix,
      });
      queue.on('error', onError);
      worker.on('error', onError);
      return { queue, worker };
    },
    inspect: async () => adviseOn(await readRedisFacts(producer)),
    [Symbol.asyncDispose]: async () => {
      isOver = true;
      producer.disconnect();
      consumer.disconnect();
    },
  };
}

function postgresBacking(databaseUrl: string, { name, concurrency }: BackingOptions): Backing {
  const connection = (max: number) => ({
    connectionString: databaseUrl,
    application_name: applicationName,
    max,
    keepAlive: true,
    connectionTimeoutMillis: 5_000,
    query_timeout: 10_000,
  });
  return {
    backend: 'postgresql',
    isConnected: () => true,
    open: async (process, onError) => {
      const queue = new Queue(
        name,
        { connection: { ...connection(2), migrate: true } },
        createPostgresBackend,
      );
      queue.on('error', onError);
      // The worker needs the schema that this brings up to date.
      await queue.waitUntilReady().catch(async (thrown: unknown) => {
        await queue.close().catch(() => undefined);
        throw thrown;
      });
      const worker = new Worker(
        name,
        process,
        { ...workerOptions, concurrency, connection: connection(4) },
        createPostgresBackend,
      );
      worker.on('error', onError);
      return { queue, worker };
    },
    inspect: async () => null,
    [Symbol.asyncDispose]: async () => undefined,
  };
}

/**
 * Opens the queue. Fulfils while Redis cannot be reached, too: the queue then becomes usable when it can. Rejects with
 * `queue/unavailable` where the queue is on PostgreSQL and cannot be opened.
 */
export async function createJobQueue<Kind extends string>(
  options: JobQueueOptions<Kind>,
): Promise<JobQueue<Kind>> {
  const { redisUrl, concurrency = defaultConcurrency } = options;
  const backed = { ...options, concurrency };
  const backing =
    redisUrl === undefined ? postgresBacking(options.databaseUrl, backed) : redisBacking(redisUrl, backed);
  const queue = new SupervisedQueue(backing, options);
  if (redisUrl === undefined) {
    try {
      await queue.look();
    } catch (thrown) {
      await queue[Symbol.asyncDispose]();
      throw asGuardError(thrown, 'queue/unavailable', "couldn't open the queue on PostgreSQL");
    }
  }
  queue.start();
  return queue;
}

class SupervisedQueue<Kind extends string> implements JobQueue<Kind> {
  readonly #backing: Backing;
  readonly #options: JobQueueOptions<Kind>;
  readonly #stopped = new AbortController();
  #opened: Opened | undefined;
  #isOver = false;
  #wasConnected = false;
  #looking: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #active = new Set<Promise<void>>();
  #offered = 0;
  #problem: string | null = null;
  #advice: string | null = null;

  constructor(backing: Backing, options: JobQueueOptions<Kind>) {
    this.#backing = backing;
    this.#options = options;
  }

  get state(): QueueState {
    const isUp = this.#opened !== undefined && this.#backing.isConnected() && this.#problem === null;
    const note = isUp ? this.#advice : (this.#problem ?? 'it cannot be reached');
    return { backend: this.#backing.backend, isUp, note };
  }

  /** Looks after the connection from now on. */
  start(): void {
    const look = (): void => {
      this.look().catch((error: unknown) => this.#options.onProblem('the queue cannot be opened', error));
    };
    this.#timer = setInterval(look, lookEveryMs);
    look();
  }

  /** Opens what is not open although it could be, and tells when the queue has become usable. */
  look(): Promise<void> {
    this.#looking ??= this.#lookOnce().finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  async #lookOnce(): Promise<void> {
    if (this.#stopped.signal.aborted) return;
    const isConnected = this.#backing.isConnected();
    const hasReturned = isConnected && !this.#wasConnected;
    this.#wasConnected = isConnected;
    if (!isConnected) return;
    // A worker that could not begin, such as with a server that was still loading, never begins again by itself.
    const isBroken = this.#opened !== undefined && !this.#opened.worker.isRunning();
    if (isBroken) await this.#close();
    if (this.#opened === undefined) await this.#open();
    if (hasReturned || isBroken) await this.#welcome();
  }

  async #open(): Promise<void> {
    const { onProblem } = this.#options;
    this.#opened = await this.#backing.open(
      (job) => this.#track(this.#process(job)),
      (error) => {
        if (this.#backing.isConnected()) onProblem('the queue has a problem', error);
      },
    );
  }

  async #welcome(): Promise<void> {
    this.#problem = null;
    const advice = await within(this.#backing.inspect(), offerMs, noAnswer).catch(() => null);
    if (advice !== null && advice !== this.#advice) this.#options.onProblem(advice, undefined);
    this.#advice = advice;
    this.#options.onUp();
  }

  async #track(work: Promise<void>): Promise<void> {
    this.#active.add(work);
    try {
      await work;
    } finally {
      this.#active.delete(work);
    }
  }

  async #process(job: BullJob): Promise<void> {
    const { handlers } = this.#options;
    const data = dataSchema.safeParse(job.data);
    // What another version has left is not understood and not needed: the database is asked what is due.
    if (!isKind(handlers, job.name) || !data.success) return;
    // What came in the last moment is another guard's; the database is asked for it.
    this.#stopped.signal.throwIfAborted();
    try {
      await handlers[job.name](data.data.subject, this.#stopped.signal);
    } catch (thrown) {
      if (!this.#stopped.signal.aborted)
        this.#options.onProblem(`a job failed: ${job.name} of ${data.data.subject}`, thrown);
      throw thrown;
    }
  }

  offer(jobs: readonly Job<Kind>[]): void {
    if (jobs.length === 0 || this.#offered + jobs.length > mostOffered) return;
    this.#offered += jobs.length;
    this.#ask((queue) => queue.addBulk(jobs.map((job) => bulkJob(job, this.#options.priorities))), offerMs)
      .catch(() => undefined)
      .finally(() => (this.#offered -= jobs.length))
      .catch(() => undefined);
  }

  async refill(jobs: readonly Job<Kind>[]): Promise<void> {
    await this.#ask(
      (queue) => queue.addBulk(jobs.map((job) => bulkJob(job, this.#options.priorities))),
      refillMs,
    );
  }

  async size(): Promise<number> {
    const counts = await this.#ask((queue) => Promise.all([queue.count(), queue.getActiveCount()]), offerMs);
    return counts.reduce((sum, count) => sum + count, 0);
  }

  async #ask<T>(work: (queue: Opened['queue']) => Promise<T>, ms: number): Promise<T> {
    const queue = this.#opened?.queue;
    if (queue === undefined || !this.#backing.isConnected() || this.#isOver)
      throw new GuardError('queue/unavailable', 'the queue cannot be reached');
    try {
      const answer = await within(work(queue), ms, noAnswer);
      this.#problem = null;
      return answer;
    } catch (thrown) {
      const why = thrown instanceof GuardError ? thrown.message : 'the queue takes no jobs';
      if (this.#problem === null) this.#options.onProblem(why, thrown);
      this.#problem = why;
      throw asGuardError(thrown, 'queue/unavailable', why);
    }
  }

  async #close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    if (opened === undefined) return;
    // Without a connection a worker would wait for one before it closes.
    const isBroken = !this.#backing.isConnected();
    const closing = Promise.allSettled([opened.worker.close(isBroken), opened.queue.close()]);
    const ms = isBroken ? closeBrokenMs : closeMs;
    await within<unknown>(closing, ms, noAnswer).catch(() => undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    // No more jobs are taken. What is being done is told to end, and may put jobs into the queue for other guards.
    this.#opened?.worker.close(!this.#backing.isConnected()).catch(() => undefined);
    this.#stopped.abort(new GuardError('request/cancelled', 'the guard stops'));
    await this.#looking?.catch(() => undefined);
    await within<unknown>(Promise.allSettled(this.#active), closeMs, noAnswer).catch(() => undefined);
    this.#isOver = true;
    await this.#close();
    await this.#backing[Symbol.asyncDispose]();
  }
}

function isKind<Kind extends string>(handlers: JobHandlers<Kind>, name: string): name is Kind {
  return Object.hasOwn(handlers, name);
}

function bulkJob<Kind extends string>(
  { kind, subject, turn, delayMs }: Job<Kind>,
  priorities: JobPriorities<Kind>,
) {
  return {
    name: kind,
    data: { subject },
    opts: {
      jobId: [kind, subject, turn].join('-'),
      delay: Math.max(0, Math.ceil(delayMs)),
      priority: priorities[kind],
      attempts: 1,
      removeOnComplete: true,
      removeOnFail: true,
    },
  };
}
