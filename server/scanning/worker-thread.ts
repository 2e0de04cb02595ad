// One worker thread as the pool sees it: requests go in, each is answered once, and a thread that stays silent past
// its deadline or dies fails what it was doing and nothing else.
import { getCompileCacheDir } from 'node:module';
import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { GuardError } from '../../core/errors.ts';
import type { ScanResult } from '../../scanners/target.ts';
import type { Answer, FromWorker, ScanTask, ToWorker, WorkerSettings } from './messages.ts';

/** Structured clone copies these faster than it moves them. */
const COPY_BELOW_BYTES = 16_384;
/**
 * A thread above this heap is ended by V8; only its own tasks fail. Tight on purpose: with room to spare the collector
 * lets each thread grow by hundreds of megabytes of dead text.
 */
const HEAP_MB = 288;
const YOUNG_HEAP_MB = 8;
const START_DEADLINE_MS = 30_000;

/** What a request of its kind is answered with. */
interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (reason: GuardError) => void;
}

/** Of this process, where it has one: a thread does not take it over by itself, and compiles for a third of a second. */
function compileCache(): Record<string, string> {
  const directory = getCompileCacheDir();
  return directory === undefined ? {} : { NODE_COMPILE_CACHE: dirname(directory) };
}

export class WorkerThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #deadlineMs: number;
  readonly #onGone: (thread: WorkerThread) => void;
  #timer: NodeJS.Timeout | undefined;
  #gone = false;

  private constructor(worker: Worker, deadlineMs: number, onGone: (thread: WorkerThread) => void) {
    this.#worker = worker;
    this.#deadlineMs = deadlineMs;
    this.#onGone = onGone;
  }

  /** Starts a thread and waits until it can scan. `onGone` is called once, when the thread can no longer be used. */
  static async start(
    settings: WorkerSettings,
    deadlineMs: number,
    onGone: (thread: WorkerThread) => void,
    workerFile: URL | undefined,
  ): Promise<WorkerThread> {
    const file = import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js';
    const worker = new Worker(workerFile ?? new URL(file, import.meta.url), {
      workerData: settings,
      env: compileCache(),
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB, maxYoungGenerationSizeMb: YOUNG_HEAP_MB },
    });
    const thread = new WorkerThread(worker, deadlineMs, onGone);
    await thread.#untilReady();
    return thread;
  }

  async #untilReady(): Promise<void> {
    const ready = Promise.withResolvers<void>();
    const timer = setTimeout(() => {
      this.#terminate();
      ready.reject(new GuardError('scan/failed', 'A scanning thread did not start in time.'));
    }, START_DEADLINE_MS);
    this.#worker.on('message', (message: FromWorker) => {
      if (message.kind === 'ready') ready.resolve();
      else this.#take(message.answers);
    });
    this.#worker.on('error', (error) => {
      ready.reject(new GuardError('scan/failed', 'A scanning thread failed.', { cause: error }));
      this.#end('A scanning thread failed.');
    });
    this.#worker.on('exit', () => {
      ready.reject(new GuardError('scan/failed', 'A scanning thread ended.'));
      this.#end('A scanning thread ended.');
    });
    await ready.promise.finally(() => clearTimeout(timer));
  }

  /** Number of requests without an answer. */
  get load(): number {
    return this.#waiting.size;
  }

  /** Scans a batch; each task settles by itself. */
  batch(tasks: readonly ScanTask[]): readonly Promise<ScanResult | undefined>[] {
    const moved = new Set<ArrayBuffer>();
    for (const { bytes } of tasks) if (bytes.byteLength >= COPY_BELOW_BYTES) moved.add(bytes.buffer);
    const answers = tasks.map((task) => this.#expect(task.id).then(resultIn));
    this.#post({ kind: 'batch', tasks }, [...moved]);
    return answers;
  }

  /** Sends a message that opens or closes a stream and has no answer. */
  tell(message: ToWorker & { readonly kind: 'open' | 'open-redactor' | 'close' }): void {
    this.#post(message, []);
  }

  /** Sends a message of a stream and waits for its answer. */
  ask(message: ToWorker & { readonly kind: 'write' | 'end' }): Promise<ScanResult | undefined> {
    const answer = this.#expect(message.id).then(resultIn);
    this.#post(message, message.kind === 'write' ? [message.chunk.buffer] : []);
    return answer;
  }

  /** Sends a message of a stream that is redacted and waits for what can be passed on. */
  async askRedacted(
    message: ToWorker & { readonly kind: 'redact' | 'redact-end' },
  ): Promise<readonly Uint8Array[]> {
    const expected = this.#expect(message.id);
    this.#post(message, message.kind === 'redact' ? [message.chunk.buffer] : []);
    const answer = await expected;
    return answer.kind === 'redacted' ? answer.parts : [];
  }

  async stop(): Promise<void> {
    this.#end('The scan pool was closed.');
    await this.#worker.terminate();
  }

  #expect(id: number): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    if (this.#gone) reject(new GuardError('scan/failed', 'A scanning thread ended.'));
    else this.#waiting.set(id, { resolve, reject });
    // More work does not lengthen the time that a silent thread has.
    if (this.#waiting.size === 1) this.#arm();
    return promise;
  }

  #post(message: ToWorker, transfer: readonly ArrayBuffer[]): void {
    if (!this.#gone) this.#worker.postMessage(message, transfer);
  }

  #take(answers: readonly Answer[]): void {
    for (const answer of answers) {
      const waiting = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      if (answer.kind === 'failed')
        waiting?.reject(new GuardError('scan/failed', 'Some content could not be scanned.'));
      else waiting?.resolve(answer);
    }
    this.#arm();
  }

  /** Each answer starts the deadline anew; an idle thread has none. */
  #arm(): void {
    clearTimeout(this.#timer);
    if (this.#waiting.size === 0 || this.#gone) return;
    this.#timer = setTimeout(() => {
      this.#end(`A scan took longer than ${this.#deadlineMs / 1000} s.`);
      this.#terminate();
    }, this.#deadlineMs);
  }

  #terminate(): void {
    this.#worker.terminate().catch(() => undefined);
  }

  #end(message: string): void {
    if (this.#gone) return;
    this.#gone = true;
    clearTimeout(this.#timer);
    for (const waiting of this.#waiting.values()) waiting.reject(new GuardError('scan/failed', message));
    this.#waiting.clear();
    this.#onGone(this);
  }
}

function resultIn(answer: Answer): ScanResult | undefined {
  return answer.kind === 'result' ? answer.result : undefined;
}
