// Redaction of output while it is written: whole lines come out as soon as the writer pauses, and at the latest after a
// while; a prompt comes out before its line ends. What was shown early is judged again with the line that it begins.
import type { Redactor } from '../scanners/redact.ts';

export interface LiveTimes {
  /** Silence, in milliseconds, after which whole lines are passed on. */
  readonly pauseMs: number;
  /** Milliseconds after which they are passed on while the writer goes on. */
  readonly longestMs: number;
  /** True where a prompt is shown before its line is whole. */
  readonly prompts: boolean;
}

/** What can be passed on of a source, as early as it can be. */
export async function* redactLive(
  source: AsyncIterable<Uint8Array>,
  redactor: Redactor,
  times: LiveTimes,
): AsyncGenerator<Uint8Array> {
  const chunks = source[Symbol.asyncIterator]();
  const shown = new Shown();
  let waitingSince: number | undefined;
  for (let next = chunks.next(); ;) {
    const now = performance.now();
    const left = waitingSince === undefined ? times.pauseMs : waitingSince + times.longestMs - now;
    const chunk = await within(next, Math.max(1, Math.min(times.pauseMs, left)));
    if (chunk === 'late') {
      if (waitingSince !== undefined) {
        yield* shown.rest(await redactor.flush());
        if (times.prompts) yield* shown.early(await redactor.peek());
        waitingSince = undefined;
      }
      const late = await next;
      if (late.done === true) break;
      yield* shown.rest(await redactor.write(late.value));
      waitingSince = performance.now();
    } else if (chunk.done === true) break;
    else {
      yield* shown.rest(await redactor.write(chunk.value));
      waitingSince ??= now;
      if (performance.now() - waitingSince >= times.longestMs) {
        yield* shown.rest(await redactor.flush());
        waitingSince = performance.now();
      }
    }
    next = chunks.next();
  }
  yield* shown.rest(await redactor.end());
}

/** Keeps count of bytes that were shown before the redactor gave them out; redaction changes no lengths. */
class Shown {
  #ahead = 0;

  /** What is new of the redactor's output. */
  *rest(parts: readonly Uint8Array[]): Generator<Uint8Array> {
    for (const part of parts) {
      const known = Math.min(this.#ahead, part.length);
      this.#ahead -= known;
      if (known < part.length) yield part.subarray(known);
    }
  }

  /** What can be shown of the beginning of a line; one that has something to hide cannot. */
  *early(line: Uint8Array | undefined): Generator<Uint8Array> {
    if (line === undefined) return;
    if (line.length <= this.#ahead || !isPrompt(Buffer.from(line).toString('latin1'))) return;
    yield line.subarray(this.#ahead);
    this.#ahead = line.length;
  }
}

/**
 * True for the beginning of a line that asks: short, without a digit or anything else that a value is made of but words,
 * and with a sign at its end behind which nobody continues a word.
 */
function isPrompt(line: string): boolean {
  return /^[^\d@]{1,200}$/.test(line) && /[?:>$#%)\]][ \t]{0,2}$/.test(line) && !/\S{24}/.test(line);
}

/** The promise's value, or `late` where it takes longer. */
async function within<T>(promise: Promise<T>, milliseconds: number): Promise<T | 'late'> {
  const { promise: late, resolve } = Promise.withResolvers<'late'>();
  const timer = setTimeout(() => resolve('late'), milliseconds);
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
