// Reads runs of entries, of a large log in threads. A thread that hangs, dies or cannot be started costs time and nothing
// else: what it owes is read here.
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { SoundRun } from '../../../core/entry-run.ts';
import { readSource, type RunSource } from '../packed-entries.ts';
import type { ReadAnswer, ReadRequest } from './run-worker.ts';

/** Fewer entries are read sooner than threads are started. */
const worthThreads = 20_000;
const mostThreads = 4;
/** Runs that a thread may hold: one at work, the others waiting or on their way to it. */
const runsAhead = 3;
/** A thread that owes an answer for so many ms is given up. */
const deadlineMs = 30_000;
const heapMb = 256;

export interface RunReader extends AsyncDisposable {
  /** How many runs it is worth to ask for before the first is there. */
  readonly ahead: number;
  /** Reads the run of a source; undefined where anything is wrong with it. */
  read(source: RunSource): Promise<SoundRun | undefined>;
}

interface Owed {
  readonly source: RunSource;
  readonly resolve: (run: SoundRun | undefined) => void;
}

class ReadingThread {
  readonly #worker: Worker;
  readonly #owed = new Map<number, Owed>();
  #isGone = false;
  #nextId = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor() {
    const file = import.meta.url.endsWith('.ts') ? './run-worker.ts' : './run-worker.js';
    this.#worker = new Worker(new URL(file, import.meta.url), {
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: heapMb },
    });
    this.#worker.on('message', (answer: ReadAnswer) => this.#take(answer));
    this.#worker.on('error', () => this.#end());
    this.#worker.on('exit', () => this.#end());
  }

  get load(): number {
    return this.#isGone ? Infinity : this.#owed.size;
  }

  ask(source: RunSource): Promise<SoundRun | undefined> {
    const { promise, resolve } = Promise.withResolvers<SoundRun | undefined>();
    const request: ReadRequest = { id: this.#nextId++, source };
    this.#owed.set(request.id, { source, resolve });
    this.#worker.postMessage(request, []);
    if (this.#owed.size === 1) this.#arm();
    return promise;
  }

  async stop(): Promise<void> {
    this.#end();
    await this.#worker.terminate();
  }

  #take({ id, run }: ReadAnswer): void {
    this.#owed.get(id)?.resolve(run);
    this.#owed.delete(id);
    this.#arm();
  }

  /** Each answer starts the deadline anew. */
  #arm(): void {
    clearTimeout(this.#timer);
    if (this.#owed.size === 0 || this.#isGone) return;
    this.#timer = setTimeout(() => void this.stop().catch(() => undefined), deadlineMs);
  }

  #end(): void {
    this.#isGone = true;
    clearTimeout(this.#timer);
    const owed = [...this.#owed.values()];
    this.#owed.clear();
    for (const { source, resolve } of owed) resolve(readSource(source));
  }
}

/** A reader for a log of so many entries; `threads` says how many threads to start, whatever its size. */
export function createRunReader(
  entries: number,
  threads: number = entries < worthThreads ? 0 : Math.min(mostThreads, availableParallelism() - 1),
): RunReader {
  const running = Array.from({ length: threads }, () => new ReadingThread());
  return {
    ahead: Math.max(1, threads * runsAhead),
    read: (source) => {
      const [best] = running.toSorted((a, b) => a.load - b.load);
      return best === undefined || best.load === Infinity
        ? Promise.resolve(readSource(source))
        : best.ask(source);
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(running.map((thread) => thread.stop()));
    },
  };
}

/**
 * Yields what `start` gives for 0, 1, 2, … in this order, until it gives undefined; so many more are under way meanwhile. A
 * failure is told when its turn comes.
 */
export async function* inOrder<T>(
  start: (at: number) => Promise<T> | undefined,
  ahead: number,
  signal?: AbortSignal,
): AsyncGenerator<T, undefined> {
  const underWay: Promise<T>[] = [];
  let [next, isDone] = [0, false];
  for (;;) {
    while (!isDone && underWay.length <= ahead) {
      const started = start(next++);
      isDone = started === undefined;
      // Nobody waits for it where the walk ends before.
      started?.catch(() => undefined);
      if (started !== undefined) underWay.push(started);
    }
    const first = underWay.shift();
    if (first === undefined) return undefined;
    signal?.throwIfAborted();
    yield await first;
  }
}
