// A stream that can be asked for again from its start, as a redirect needs it, as long as little of it has passed.
import { Readable } from 'node:stream';
import { GuardError } from '../../core/errors.ts';

const keptBytes = 1 << 20;

/**
 * Makes the function that opens the stream of `source`, whose first result was read already. Opening it again replays
 * what has passed; past 1 MiB, or while a read is under way, that fails with `upstream/invalid`.
 */
export function replayable(
  first: IteratorResult<Uint8Array>,
  source: AsyncIterator<Uint8Array>,
): () => Readable {
  const passed: Uint8Array[] = [];
  let size = 0;
  let reading = false;
  let ended = first.done === true;
  if (first.done !== true) keep(first.value);

  function keep(chunk: Uint8Array): void {
    size += chunk.length;
    if (size <= keptBytes) passed.push(chunk);
    else passed.length = 0;
  }

  async function* chunks(): AsyncGenerator<Uint8Array> {
    yield* passed.slice();
    while (!ended) {
      reading = true;
      const next = await source.next();
      reading = false;
      if (next.done === true) {
        ended = true;
      } else {
        keep(next.value);
        yield next.value;
      }
    }
  }

  return () => {
    if (reading || size > keptBytes)
      throw new GuardError('upstream/invalid', 'the upstream redirected in the middle of a request');
    return Readable.from(chunks(), { objectMode: false });
  };
}
