// Bytes kept aside to be read once more: a few in memory, more in a file.
import { createReadStream, createWriteStream, type WriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';

const memoryBytes = 1024 * 1024;

/** Owns its file; dispose of it whatever happened. */
export class Spool implements AsyncDisposable {
  readonly #path: string;
  #held: Uint8Array[] = [];
  #size = 0;
  #file: WriteStream | undefined;
  #failed: Promise<never> | undefined;

  /** `path` is where the file will be, if there has to be one. */
  constructor(path: string) {
    this.#path = path;
  }

  /** Bytes so far. */
  get size(): number {
    return this.#size;
  }

  /** Keeps a chunk; fulfils when it takes the next. Rejects with the error of the file system. */
  async add(chunk: Uint8Array): Promise<void> {
    this.#size += chunk.length;
    if (this.#file === undefined && this.#size <= memoryBytes) {
      this.#held.push(chunk);
      return;
    }
    const file = this.#file ?? this.#open();
    const held = this.#held;
    this.#held = [];
    for (const part of [...held, chunk]) {
      if (!file.write(part))
        await this.#orFailed(new Promise<void>((done) => file.once('drain', () => done())));
    }
  }

  /** All of it, once nothing more is added. */
  async *read(): AsyncGenerator<Uint8Array> {
    const file = this.#file;
    if (file === undefined) {
      yield* this.#held;
      return;
    }
    await this.#orFailed(new Promise<void>((done) => void file.end(() => done())));
    yield* createReadStream(this.#path);
  }

  #open(): WriteStream {
    const file = createWriteStream(this.#path);
    const { promise, reject } = Promise.withResolvers<never>();
    file.once('error', reject);
    promise.catch(() => undefined);
    this.#file = file;
    this.#failed = promise;
    return file;
  }

  async #orFailed(done: Promise<void>): Promise<void> {
    await Promise.race([done, this.#failed ?? done]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#file === undefined) return;
    this.#file.destroy();
    await rm(this.#path, { force: true });
  }
}
