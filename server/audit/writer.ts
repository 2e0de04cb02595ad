// The one writer of the log: collects events into batches, commits each in one statement, and acknowledges only what is
// known to be committed. A connection whose answer is missing is dropped, and the log read again before the next batch.
//
// Fencing: batches run on the session that holds the writer's lock. A session that is gone has lost the lock, and a new
// one gets it only after the server has ended the old one, when the old batch is either committed or void.
import { setTimeout as sleep } from 'node:timers/promises';
import { prepareEvent, type PreparedEvent } from '../../core/audit-entry.ts';
import type { AuditEvent } from '../../core/audit-event.ts';
import type { NoteSigner } from '../../core/checkpoint.ts';
import { GuardError } from '../../core/errors.ts';
import { rootOf } from '../../core/merkle.ts';
import { sameHash } from '../../core/merkle-proof.ts';
import type { AuditReceipt, Clock } from '../../core/services.ts';
import type { Database, DatabaseSession } from '../db.ts';
import { planBatch, type Head, type PlannedBatch } from './batch.ts';
import type { CheckpointKeeper } from './checkpoint-keeper.ts';
import { loadHead } from './head.ts';
import { insertBatch, requireDurableCommits, tryWriterLock } from './store.ts';
import { readEdge } from './tree.ts';

export interface WriterOptions {
  readonly database: Database;
  readonly signer: NoteSigner;
  readonly clock: Clock;
  /** An append that is not durable after this many ms is refused. */
  readonly writeDeadlineMs: number;
  /** Appends that may wait at once; one more is refused at once. */
  readonly maxQueued: number;
  /** The second store of checkpoints. It is told of each new head before that is acknowledged. */
  readonly keeper: CheckpointKeeper;
}

interface Waiting {
  readonly event: PreparedEvent;
  readonly fulfil: (receipt: AuditReceipt) => void;
  readonly reject: (error: GuardError) => void;
  readonly timer: NodeJS.Timeout;
}

interface InFlight {
  readonly plan: PlannedBatch;
  readonly waiting: readonly Waiting[];
}

const maxBatchEntries = 512;
const maxBatchBytes = 4 * 1024 * 1024;
const maxQueuedBytes = 64 * 1024 * 1024;
const retry = { firstMs: 20, maxMs: 500 } as const;

function unavailable(what: string, cause?: unknown): GuardError {
  return new GuardError('audit/unavailable', `couldn't write the audit log: ${what}`, { cause });
}

/** Opens a session that is the writer; undefined while another one is. */
export async function openWriterSession(
  database: Database,
  deadlineMs: number,
): Promise<DatabaseSession | undefined> {
  const session = await database.session({ statementTimeoutMs: deadlineMs, queryTimeoutMs: deadlineMs });
  try {
    if (await tryWriterLock(session)) {
      await requireDurableCommits(session);
      return session;
    }
  } catch (error) {
    session.destroy();
    throw error;
  }
  session.destroy();
  return undefined;
}

export class AuditWriter implements AsyncDisposable {
  readonly #options: WriterOptions;
  #head: Head;
  #session: DatabaseSession | undefined;
  #queue: Waiting[] = [];
  #unsettled = new Set<Waiting>();
  /** Size of the events in `#unsettled`. */
  #bytes = 0;
  /** A batch whose fate is not known; settled before anything else is written. */
  #inDoubt: InFlight | undefined;
  #working: Promise<void> | undefined;
  #lastProblem: unknown;
  #fatal: GuardError | undefined;
  #isClosing = false;

  /** `head` was read on `session`, which holds the writer's lock. */
  constructor(options: WriterOptions, session: DatabaseSession, head: Head) {
    this.#options = options;
    this.#head = head;
    this.#adopt(session);
  }

  get head(): Head {
    return this.#head;
  }

  async append(event: AuditEvent): Promise<AuditReceipt> {
    if (this.#fatal !== undefined) throw this.#fatal;
    if (this.#isClosing) throw unavailable('it is being closed');
    const prepared = prepareEvent(event, this.#options.clock.now());
    const isFull =
      this.#unsettled.size >= this.#options.maxQueued || this.#bytes + prepared.size > maxQueuedBytes;
    if (isFull) throw unavailable('too many entries wait');
    const { promise, resolve, reject } = Promise.withResolvers<AuditReceipt>();
    this.#enqueue(prepared, resolve, reject);
    return promise;
  }

  #enqueue(
    event: PreparedEvent,
    resolve: (receipt: AuditReceipt) => void,
    reject: (error: GuardError) => void,
  ): void {
    const settle = (): boolean => {
      clearTimeout(waiting.timer);
      if (!this.#unsettled.delete(waiting)) return false;
      this.#bytes -= event.size;
      return true;
    };
    const waiting: Waiting = {
      event,
      fulfil: (receipt) => settle() && resolve(receipt),
      reject: (error) => settle() && reject(error),
      timer: setTimeout(() => this.#expire(waiting), this.#options.writeDeadlineMs),
    };
    this.#unsettled.add(waiting);
    this.#bytes += event.size;
    this.#queue.push(waiting);
    this.#work();
  }

  #expire(waiting: Waiting): void {
    const ms = this.#options.writeDeadlineMs;
    waiting.reject(unavailable(`it took longer than ${ms} ms`, this.#lastProblem));
  }

  /** Stops the log for good: what it would write could contradict what was written. */
  fail(error: GuardError): void {
    this.#fatal ??= error;
    for (const waiting of this.#unsettled) waiting.reject(error);
    this.#queue = [];
    this.#drop();
  }

  #work(): void {
    this.#working ??= this.#drain().finally(() => {
      this.#working = undefined;
      if (this.#hasWork()) this.#work();
    });
  }

  #hasWork(): boolean {
    return this.#fatal === undefined && this.#unsettled.size > 0;
  }

  async #drain(): Promise<void> {
    // Appends of the same turn share the first batch.
    await Promise.resolve();
    let delay: number = retry.firstMs;
    while (this.#hasWork()) {
      try {
        await this.#step();
        delay = retry.firstMs;
      } catch (error) {
        this.#lastProblem = error;
        this.#drop();
        if (error instanceof GuardError && error.code === 'audit/inconsistent') this.fail(error);
        else await sleep(delay);
        delay = Math.min(delay * 2, retry.maxMs);
      }
    }
  }

  async #step(): Promise<void> {
    await this.#options.keeper.ready();
    const session = this.#session ?? (await this.#reconnect());
    const waiting = this.#takeBatch();
    if (waiting.length === 0) return;
    const plan = planBatch(
      this.#head,
      waiting.map(({ event }) => event),
      this.#options.signer,
    );
    this.#inDoubt = { plan, waiting };
    await insertBatch(session, plan.stored);
    this.#commit({ plan, waiting });
  }

  #takeBatch(): readonly Waiting[] {
    // What has expired was refused already and must not be written any more.
    this.#queue = this.#queue.filter((waiting) => this.#unsettled.has(waiting));
    let bytes = 0;
    const rest = this.#queue.findIndex(({ event }, at) => {
      bytes += event.size;
      return at > 0 && (at >= maxBatchEntries || bytes > maxBatchBytes);
    });
    return this.#queue.splice(0, rest < 0 ? this.#queue.length : rest);
  }

  #commit({ plan, waiting }: InFlight): void {
    this.#inDoubt = undefined;
    this.#head = plan.after;
    this.#options.keeper.update(plan.after.note);
    for (const [at, { fulfil }] of waiting.entries()) fulfil({ index: plan.before.edge.size + at });
  }

  async #reconnect(): Promise<DatabaseSession> {
    const { database, signer, writeDeadlineMs } = this.#options;
    const session = await openWriterSession(database, writeDeadlineMs);
    if (session === undefined) throw unavailable('another guard writes it');
    try {
      await this.#reconcile(session, await loadHead(session, signer));
    } catch (error) {
      session.destroy();
      throw error;
    }
    this.#adopt(session);
    return session;
  }

  /** Finds out what became of a batch in doubt, and that the log still continues what this writer knows. */
  async #reconcile(session: DatabaseSession, stored: Head): Promise<void> {
    const doubt = this.#inDoubt;
    if (doubt !== undefined && (await this.#contains(session, stored, doubt.plan.after))) {
      this.#commit(doubt);
    } else if (await this.#contains(session, stored, this.#head)) {
      this.#inDoubt = undefined;
      this.#queue.unshift(...(doubt?.waiting ?? []));
    } else {
      throw new GuardError('audit/inconsistent', 'the audit log was changed while this guard was writing it');
    }
    this.#head = stored;
    this.#options.keeper.update(stored.note);
  }

  async #contains(session: DatabaseSession, stored: Head, known: Head): Promise<boolean> {
    const { size } = known.edge;
    if (stored.edge.size < size) return false;
    return sameHash(rootOf(await readEdge(session, size)), rootOf(known.edge));
  }

  #adopt(session: DatabaseSession): void {
    this.#session = session;
    session.onClosed(() => {
      if (this.#session === session) this.#session = undefined;
    });
  }

  #drop(): void {
    this.#session?.destroy();
    this.#session = undefined;
  }

  /** Writes what waits, as far as the deadline allows, and gives up the writer's lock. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true;
    await this.#working;
    this.#drop();
  }
}
