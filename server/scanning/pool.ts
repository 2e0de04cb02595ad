// Scans in worker threads: one thread per core, small buffers of one tick in one message, a bounded queue, a deadline
// for every thread. A thread that hangs or dies is replaced and fails only its own tasks.
import { availableParallelism } from 'node:os';
import { GuardError } from '../../core/errors.ts';
import type { ScanService } from '../../core/services.ts';
import { nameOfFingerprintKey } from '../../core/fingerprint-key-name.ts';
import { catalogDigest } from '../../scanners/catalog.ts';
import { defaultLimits, type ScanLimits } from '../../scanners/limits.ts';
import type { RedactOptions } from '../../scanners/redact.ts';
import type { ScanResult, ScanTarget } from '../../scanners/target.ts';
import type { ScanTask, WorkerSettings } from './messages.ts';
import { ResultCache } from './result-cache.ts';
import { redactSource } from './redact-stream.ts';
import { scanSource } from './stream.ts';
import { WorkerThread } from './worker-thread.ts';

const BATCH_TASKS = 128;
const BATCH_BYTES = 1024 * 1024;
/** Batches a thread may hold: one at work and one waiting, so that it never idles for a round trip. */
const BATCHES_AHEAD = 2;
/** Bytes that may wait for a thread; callers beyond that wait themselves. */
const QUEUE_BYTES = 64 * 1024 * 1024;
/** Memory for the results of earlier scans: about 50,000 files without findings. */
const CACHE_BYTES = 16 * 1024 * 1024;

export interface ScanPoolOptions {
  /** Threads; by default one for each core that this process may use. */
  readonly threads?: number | undefined;
  readonly fingerprintKey: Uint8Array;
  readonly limits?: Partial<ScanLimits>;
  /** Milliseconds that a thread may stay silent while it has work. */
  readonly deadlineMs?: number;
  /** The program that a thread runs; by default the one beside this file. */
  readonly workerFile?: URL | undefined;
}

export type ScanPool = ScanService & AsyncDisposable;

interface Pending {
  readonly task: ScanTask;
  readonly resolve: (result: ScanResult) => void;
  readonly reject: (reason: unknown) => void;
}

/** Starts the threads and waits until each has loaded the scanners. Rejects with `scan/failed` where one cannot. */
export async function createScanPool(options: ScanPoolOptions): Promise<ScanPool> {
  const settings = { fingerprintKey: options.fingerprintKey, limits: options.limits ?? {} };
  const pool = new Pool(settings, options.deadlineMs ?? 60_000, options.workerFile);
  await pool.start(Math.max(1, options.threads ?? availableParallelism()));
  return pool;
}

class Pool implements ScanPool {
  readonly catalogDigest = catalogDigest;
  readonly fingerprintKey: string;
  readonly #settings: WorkerSettings;
  readonly #deadlineMs: number;
  readonly #workerFile: URL | undefined;
  /** Threads with the number of batches that each has not answered. */
  readonly #threads = new Map<WorkerThread, number>();
  #queue: Pending[] = [];
  #queuedBytes = 0;
  readonly #room: (() => void)[] = [];
  readonly #cache = new ResultCache(CACHE_BYTES);
  #flushing = false;
  #closed = false;
  #nextId = 0;
  /** Threads being started in place of lost ones. */
  #starting = 0;

  constructor(settings: WorkerSettings, deadlineMs: number, workerFile: URL | undefined) {
    this.fingerprintKey = nameOfFingerprintKey(settings.fingerprintKey);
    this.#settings = settings;
    this.#workerFile = workerFile;
    this.#deadlineMs = deadlineMs;
  }

  async start(threads: number): Promise<void> {
    try {
      await Promise.all(Array.from({ length: threads }, () => this.#startThread()));
    } catch (error) {
      await this[Symbol.asyncDispose]();
      throw error;
    }
  }

  async scan(
    target: ScanTarget,
    bytes: Uint8Array<ArrayBuffer>,
    signal: AbortSignal,
    contentId?: string,
  ): Promise<ScanResult> {
    return this.#once(target, contentId, signal, () => this.#scan(target, bytes, signal));
  }

  /** Runs a scan unless its result is known. */
  async #once(
    target: ScanTarget,
    contentId: string | undefined,
    signal: AbortSignal,
    scan: () => Promise<ScanResult>,
  ): Promise<ScanResult> {
    if (contentId === undefined) return scan();
    if (signal.aborted) throw cancelled();
    if (this.#closed) throw closed();
    const known = this.#cache.get(target, contentId);
    if (known !== undefined) return known;
    const result = await scan();
    this.#cache.set(target, contentId, result);
    return result;
  }

  async #scan(target: ScanTarget, bytes: Uint8Array<ArrayBuffer>, signal: AbortSignal): Promise<ScanResult> {
    await this.#untilRoom(signal);
    if (signal.aborted) throw cancelled();
    const { promise, resolve, reject } = Promise.withResolvers<ScanResult>();
    const pending: Pending = { task: { id: this.#nextId++, target, bytes: owned(bytes) }, resolve, reject };
    const size = bytes.byteLength;
    const cancel = () => {
      this.#queue = this.#queue.filter((other) => other !== pending);
      reject(cancelled());
    };
    this.#queue.push(pending);
    this.#queuedBytes += size;
    this.#flushSoon();
    signal.addEventListener('abort', cancel, { once: true });
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', cancel);
      this.#queuedBytes -= size;
      if (this.#queuedBytes < QUEUE_BYTES) this.#room.splice(0).forEach((wake) => wake());
    }
  }

  async scanStream(
    target: ScanTarget,
    source: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
    contentId?: string,
  ): Promise<ScanResult> {
    const scanning = {
      wholeBytes: this.#settings.limits.wholeBytes ?? defaultLimits.wholeBytes,
      scanWhole: (bytes: Uint8Array<ArrayBuffer>) => this.#scan(target, bytes, signal),
      thread: () => this.#leastLoaded(),
      nextId: () => this.#nextId++,
    };
    return this.#once(target, contentId, signal, () => scanSource(scanning, target, source, signal));
  }

  redactStream(
    options: Required<RedactOptions>,
    source: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    const redacting = { thread: () => this.#leastLoaded(), nextId: () => this.#nextId++ };
    return redactSource(redacting, options, source, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    for (const pending of this.#queue.splice(0)) pending.reject(closed());
    this.#room.splice(0).forEach((wake) => wake());
    await Promise.all([...this.#threads.keys()].map((thread) => thread.stop()));
  }

  async #startThread(): Promise<void> {
    const onGone = (gone: WorkerThread): void => this.#replace(gone);
    const thread = await WorkerThread.start(this.#settings, this.#deadlineMs, onGone, this.#workerFile);
    if (this.#closed) await thread.stop();
    else this.#threads.set(thread, 0);
  }

  #replace(thread: WorkerThread): void {
    if (!this.#threads.delete(thread) || this.#closed) return;
    this.#starting++;
    this.#startThread()
      // A thread that cannot be started leaves the others at work; without any, scans are refused.
      .catch(() => undefined)
      .finally(() => {
        this.#starting--;
        if (this.#threads.size === 0 && this.#starting === 0)
          for (const pending of this.#queue.splice(0)) pending.reject(noThread());
        this.#flushSoon();
      })
      .catch(() => undefined);
  }

  #leastLoaded(): WorkerThread {
    if (this.#closed) throw closed();
    const [best] = [...this.#threads.keys()].sort((a, b) => a.load - b.load);
    if (best === undefined) throw noThread();
    return best;
  }

  async #untilRoom(signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw cancelled();
    while (this.#queuedBytes >= QUEUE_BYTES && !this.#closed) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const cancel = () => reject(cancelled());
      this.#room.push(resolve);
      signal.addEventListener('abort', cancel, { once: true });
      await promise.finally(() => signal.removeEventListener('abort', cancel));
    }
    if (this.#closed) throw closed();
    if (this.#threads.size === 0 && this.#starting === 0) throw noThread();
  }

  /** Work of one tick goes out together. */
  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(() => {
      this.#flushing = false;
      this.#flush();
    });
  }

  #flush(): void {
    for (;;) {
      if (this.#queue.length === 0) return;
      const [free] = [...this.#threads].filter(([, n]) => n < BATCHES_AHEAD).sort((a, b) => a[1] - b[1]);
      if (free === undefined) return;
      this.#dispatch(free[0], this.#takeBatch());
    }
  }

  /** Takes what fits a batch, but never more than a fair share of the queue while other threads are free. */
  #takeBatch(): readonly Pending[] {
    const share = Math.max(1, Math.ceil(this.#queue.length / Math.max(1, this.#threads.size)));
    let bytes = 0;
    let count = 0;
    for (const { task } of this.#queue) {
      if (count > 0 && (count >= Math.min(BATCH_TASKS, share) || bytes + task.bytes.byteLength > BATCH_BYTES))
        break;
      bytes += task.bytes.byteLength;
      count++;
    }
    return this.#queue.splice(0, count);
  }

  #dispatch(thread: WorkerThread, batch: readonly Pending[]): void {
    this.#threads.set(thread, (this.#threads.get(thread) ?? 0) + 1);
    const answers = thread.batch(batch.map((pending) => pending.task));
    batch.forEach((pending, at) => {
      answers[at]?.then(
        (result) => (result === undefined ? pending.reject(noThread()) : pending.resolve(result)),
        pending.reject,
      );
    });
    Promise.allSettled(answers)
      .then(() => {
        const left = this.#threads.get(thread);
        if (left !== undefined) this.#threads.set(thread, left - 1);
        this.#flush();
      })
      .catch(() => undefined);
  }
}

/** A buffer that may be moved: one that owns its memory. Slices of a larger buffer are copied. */
function owned(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : Uint8Array.prototype.slice.call(bytes);
}

function cancelled(): GuardError {
  return new GuardError('request/cancelled', 'The scan was cancelled.');
}

function closed(): GuardError {
  return new GuardError('scan/failed', 'The scan pool was closed.');
}

function noThread(): GuardError {
  return new GuardError('scan/failed', 'No scanning thread is running.');
}
