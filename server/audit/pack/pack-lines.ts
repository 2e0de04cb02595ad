// The files of a pack that hold one JSON object a line. They come from anyone.
import type { z } from 'zod';
import { GuardError } from '../../../core/errors.ts';
import { checkpointLineSchema, openedLineSchema } from './pack-layout.ts';
import type { PackReader } from './pack-reader.ts';

/** The checkpoints of a pack, in its order. Rejects with `input/invalid`. */
export async function* checkpointsOf(
  pack: PackReader,
): AsyncGenerator<{ readonly size: number; readonly note: string }> {
  for await (const line of pack.lines('checkpoints')) {
    try {
      yield checkpointLineSchema.parse(JSON.parse(line));
    } catch (cause) {
      throw new GuardError('input/invalid', 'checkpoints/ of the evidence pack cannot be read', { cause });
    }
  }
}

/** What was sealed in entries, in the pack's order. Rejects with `input/invalid`. */
export async function* openedTexts(
  pack: PackReader,
): AsyncGenerator<z.output<typeof openedLineSchema>, undefined> {
  for await (const line of pack.lines('opened')) {
    try {
      yield openedLineSchema.parse(JSON.parse(line));
    } catch (cause) {
      throw new GuardError('input/invalid', 'opened/ of the evidence pack cannot be read', { cause });
    }
  }
}

/** Compares the lines of a folder with what they should be, one after the other, as bytes. */
export class LineComparison {
  readonly #files: readonly string[];
  readonly #pack: PackReader;
  #next = 0;
  #bytes: Buffer = Buffer.of();
  #at = 0;

  constructor(pack: PackReader, folder: string) {
    this.#pack = pack;
    this.#files = pack.paths.filter((path) => path.startsWith(`${folder}/`));
  }

  /** Takes the next line; undefined behind the last one. What has no line feed at the end of a file is no line. */
  async #take(): Promise<Buffer | undefined> {
    for (;;) {
      const end = this.#bytes.indexOf(0x0a, this.#at);
      if (end >= 0) {
        const line = this.#bytes.subarray(this.#at, end);
        this.#at = end + 1;
        return line;
      }
      const path = this.#files[this.#next++];
      if (path === undefined) return undefined;
      this.#bytes = (await this.#pack.read(path)) ?? Buffer.of();
      this.#at = 0;
    }
  }

  /** How many of these are the next lines, from the first on. */
  async matching(bodies: readonly Buffer[]): Promise<number> {
    for (const [at, body] of bodies.entries()) {
      const end = this.#at + body.length;
      const isNext =
        this.#bytes[end] === 0x0a &&
        this.#bytes.compare(body, 0, body.length, this.#at, end) === 0 &&
        !body.includes(0x0a);
      if (isNext) this.#at = end + 1;
      else if ((await this.#take())?.equals(body) !== true) return at;
    }
    return bodies.length;
  }

  /** True where no line is left. */
  async isDone(): Promise<boolean> {
    return (await this.#take()) === undefined;
  }
}
