// Reads exact counts of bytes from a chunked source, with what is left over kept for the next reader.
import { GuardError } from '../../core/errors.ts';

/** A cursor over an `AsyncIterable` of chunks. One owner at a time; nothing is buffered beyond the current need. */
export class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);
  #ended = false;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** The next `count` bytes, or undefined where the source ends before the first of them. */
  async take(count: number): Promise<Uint8Array | undefined> {
    if (this.#rest.length < count) await this.#fill(count);
    if (this.#rest.length === 0 && count > 0) return undefined;
    if (this.#rest.length < count) {
      throw new GuardError('git/malformed', `the data ends after ${this.#rest.length} of ${count} bytes`);
    }
    const taken = this.#rest.subarray(0, count);
    this.#rest = this.#rest.subarray(count);
    return taken;
  }

  /** The next `count` bytes in a buffer of their own, filled as they come; undefined where the source is at its end. */
  async takeOwned(count: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const owned = new Uint8Array(count);
    let filled = 0;
    while (filled < count) {
      const part = await this.some(count - filled);
      if (part === undefined) {
        if (filled === 0) return undefined;
        throw new GuardError('git/malformed', `the data ends after ${filled} of ${count} bytes`);
      }
      owned.set(part, filled);
      filled += part.length;
    }
    return owned;
  }

  /** Everything up to and without the next byte `delimiter`, which is consumed. At most `cap` bytes. */
  async takeUntil(delimiter: number, cap: number): Promise<Uint8Array | undefined> {
    for (;;) {
      const end = this.#rest.indexOf(delimiter);
      if (end >= 0 && end <= cap) {
        const taken = this.#rest.subarray(0, end);
        this.#rest = this.#rest.subarray(end + 1);
        return taken;
      }
      if (this.#rest.length > cap) throw new GuardError('git/limit', `a line is longer than ${cap} bytes`);
      const before = this.#rest.length;
      await this.#fill(before + 1);
      if (this.#rest.length === before) {
        if (before === 0) return undefined;
        throw new GuardError('git/malformed', 'the data ends within a line');
      }
    }
  }

  /** Up to `count` bytes as they come, in whole chunks; undefined at the end. */
  async some(count: number): Promise<Uint8Array | undefined> {
    if (this.#rest.length === 0) await this.#fill(1);
    if (this.#rest.length === 0) return undefined;
    const taken = this.#rest.subarray(0, Math.min(count, this.#rest.length));
    this.#rest = this.#rest.subarray(taken.length);
    return taken;
  }

  /** All that follows. */
  async *remaining(): AsyncGenerator<Uint8Array> {
    for (let chunk = await this.some(Infinity); chunk !== undefined; chunk = await this.some(Infinity))
      yield chunk;
  }

  async #fill(count: number): Promise<void> {
    const chunks = [this.#rest];
    let size = this.#rest.length;
    while (size < count && !this.#ended) {
      const next = await this.#source.next();
      if (next.done === true) {
        this.#ended = true;
      } else {
        chunks.push(next.value);
        size += next.value.length;
      }
    }
    if (chunks.length > 1)
      this.#rest =
        chunks.length === 2 && chunks[0]?.length === 0 ? (chunks[1] ?? this.#rest) : Buffer.concat(chunks);
  }
}
