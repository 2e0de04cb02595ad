// This guard's writer of the log: collects events into batches, commits each in one statement while it is its turn, and
// acknowledges only what is known to be committed. A connection whose answer is missing is dropped, and the log read
// again before the next batch. Who may write when is in writer-session.ts.
import { setTimeout as sleep } from 'node:timers/promises';
import { prepareEvent, type PreparedEvent } from '../../core/audit-entry.ts';
import type { AuditEvent } from '../../core/audit-event.ts';
import { verifierKeyText, type NoteSigner } from '../../core/checkpoint.ts';
import { GuardError } from '../../core/errors.ts';
import { rootOf } from '../../core/merkle.ts';
import { sameHash } from '../../core/merkle-proof.ts';
import type { AuditReceipt, Clock } from '../../core/services.ts';
import type { Database, DatabaseSession } from '../db.ts';
import { planBatch, type Head, type PlannedBatch } from './batch.ts';
import type { CheckpointKeeper } from './checkpoint-keeper.ts';
import { followLog } from './follow.ts';
import { longerOutage, resumedEvent, type Outage } from './outage.ts';
import type { Sealing } from './sealing/sealing.ts';
import { insertBatch } from './store.ts';
import { openWriterSession, type WriterSession } from './writer-session.ts';

export interface WriterOptions {
  readonly database: Database;
  readonly clock: Clock;
  /** This guard's number among those that write the log. */
  readonly writer: number;
  /** The signer whose verifier key this is; rejects with `audit/unavailable` where this guard does not have it. */
  readonly signerOf: (vkey: string) => Promise<NoteSigner>;
  /** An append that is not durable after this many ms is refused. */
  readonly writeDeadlineMs: number;
  /** Appends that may wait at once; one more is refused at once. */
  readonly maxQueued: number;
  /** Seals texts that may be personal; undefined leaves them open. */
  readonly sealing: Sealing | undefined;
  /** The second store of checkpoints. It is told of each new head before that is acknowledged. */
  readonly keeper: CheckpointKeeper;
  /** What other guards have written is looked at, and kept in that store, at this interval in ms. */
  readonly followEveryMs: number;
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

export class AuditWriter implements AsyncDisposable {
  readonly #options: WriterOptions;
  #head: Head;
  #signer: NoteSigner;
  #session: WriterSession | undefined;
  #queue: Waiting[] = [];
  #unsettled = new Set<Waiting>();
  /** Size of the events in `#unsettled`. */
  #bytes = 0;
  /** A batch whose fate is not known; settled before anything else is written. */
  #inDoubt: InFlight | undefined;
  #working: Promise<void> | undefined;
  #isFollowDue = false;
  readonly #follower: NodeJS.Timeout;
  #lastProblem: unknown;
  #outage: Outage | undefined;
  #probe: Promise<void> | undefined;
  #fatal: GuardError | undefined;
  #isClosing = false;

  /** `head` was read and signed by `signer` while nobody wrote, or before. */
  constructor(options: WriterOptions, signer: NoteSigner, head: Head) {
    this.#options = options;
    this.#signer = signer;
    this.#head = head;
    this.#follower = setInterval(() => this.#follow(), options.followEveryMs);
    this.#follower.unref();
  }

  /** Who signs now. */
  get signer(): NoteSigner {
    return this.#signer;
  }

  get head(): Head {
    return this.#head;
  }

  /**
   * Rejects while nothing can be written. After an outage it tries, by writing how long that was, so that a guard
   * without callers recovers as well.
   */
  async ready(): Promise<void> {
    if (this.#fatal !== undefined) throw this.#fatal;
    await this.#options.keeper.ready();
    if (this.#outage !== undefined) this.#probe ??= this.#tell(this.#outage);
    await this.#probe;
  }

  async #tell(outage: Outage): Promise<void> {
    this.#outage = undefined;
    try {
      await this.append(resumedEvent(outage));
    } catch (error) {
      this.#outage = { ...outage, refused: outage.refused + this.#refusedMeanwhile() };
      throw error;
    } finally {
      this.#probe = undefined;
    }
  }

  /** Appends refused since an attempt to tell of an outage began; that attempt itself was nobody's. */
  #refusedMeanwhile(): number {
    return (this.#outage?.refused ?? 1) - 1;
  }

  async append(event: AuditEvent): Promise<AuditReceipt> {
    if (this.#fatal !== undefined) throw this.#fatal;
    if (this.#isClosing) throw unavailable('it is being closed');
    const { clock, sealing } = this.#options;
    const prepared = prepareEvent(event, clock.now(), sealing !== undefined);
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
    this.#outage = longerOutage(this.#outage, this.#options.clock.now(), this.#lastProblem);
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
    return this.#fatal === undefined && (this.#unsettled.size > 0 || this.#isFollowDue);
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
    const isFollowDue = this.#isFollowDue;
    this.#isFollowDue = false;
    const writer = this.#session ?? (await this.#connect());
    if (this.#unsettled.size === 0) {
      // Nobody waits for a batch in doubt any more: whatever became of it, it must not be written again.
      this.#inDoubt = undefined;
      if (isFollowDue && !writer.hasTurn) await this.#catchUp(writer);
      return;
    }
    await this.#options.keeper.ready();
    if (!writer.hasTurn) {
      await writer.takeTurn();
      await this.#catchUp(writer);
    }
    await this.#write(writer);
    if (writer.isWanted) writer.giveTurn();
  }

  async #write({ session }: WriterSession): Promise<void> {
    const waiting = this.#takeBatch();
    if (waiting.length === 0) return;
    const events = waiting.map(({ event }) => event);
    const sealed = await this.#sealed(session, waiting, events);
    const plan = planBatch(this.#head, sealed, this.#signer);
    this.#inDoubt = { plan, waiting };
    await insertBatch(session, plan.stored, this.#options.writer);
    this.#commit({ plan, waiting });
  }

  /** The events with their texts sealed; where that cannot be done they wait on. */
  async #sealed(
    session: DatabaseSession,
    waiting: readonly Waiting[],
    events: readonly PreparedEvent[],
  ): Promise<readonly PreparedEvent[]> {
    const { sealing } = this.#options;
    if (sealing === undefined || events.every(({ toSeal }) => toSeal === undefined)) return events;
    try {
      return await sealing.seal(session, events);
    } catch (error) {
      this.#queue.unshift(...waiting);
      throw error;
    }
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
    if (waiting.length > 0) this.#resume();
  }

  /** Tells of an outage that is over; what cannot be told now is told after the next entry. */
  #resume(): void {
    const outage = this.#outage;
    if (outage === undefined || this.#isClosing) return;
    this.#outage = undefined;
    this.append(resumedEvent(outage)).catch(() => undefined);
  }

  async #connect(): Promise<WriterSession> {
    const { database, writer, writeDeadlineMs } = this.#options;
    const evictAfterMs = writeDeadlineMs / 2;
    const session = await openWriterSession({ database, writer, deadlineMs: writeDeadlineMs, evictAfterMs });
    this.adopt(session);
    return session;
  }

  /** Takes over a session, with the turn where it has that. */
  adopt(session: WriterSession): void {
    this.#session = session;
    session.session.onClosed(() => {
      if (this.#session === session) this.#session = undefined;
    });
    // A writer at work looks by itself after each batch.
    session.onWanted(() => {
      if (this.#working === undefined) session.giveTurn();
    });
  }

  /** Learns what others have written, and with the turn what became of a batch in doubt. */
  async #catchUp(writer: WriterSession): Promise<void> {
    const doubt = writer.hasTurn ? this.#inDoubt : undefined;
    const after = doubt?.plan.after;
    const { head, watchedRoot } = await followLog(writer.session, this.#head, {
      keyFor: (vkey) => this.#keyFor(vkey),
      ...(after === undefined ? {} : { watch: after.edge.size }),
    });
    if (doubt !== undefined) {
      const isThere = watchedRoot !== undefined && sameHash(watchedRoot, rootOf(doubt.plan.after.edge));
      if (isThere) this.#commit(doubt);
      else this.#queue.unshift(...doubt.waiting);
      this.#inDoubt = undefined;
    }
    this.#head = head;
    this.#options.keeper.update(head.note);
  }

  async #keyFor(vkey: string | null): Promise<NoteSigner> {
    if (vkey !== null && vkey !== verifierKeyText(this.#signer))
      this.#signer = await this.#options.signerOf(vkey);
    return this.#signer;
  }

  #follow(): void {
    if (this.#session?.hasTurn === true || this.#isClosing) return;
    this.#isFollowDue = true;
    this.#work();
  }

  #drop(): void {
    this.#session?.destroy();
    this.#session = undefined;
  }

  /** Writes what waits, as far as the deadline allows, and gives up the writer's lock. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true;
    clearInterval(this.#follower);
    await this.#working;
    this.#drop();
  }
}
