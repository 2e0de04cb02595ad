// Redacts a source of any length in one thread, piece by piece: each piece is answered before the next is read, so that
// memory stays flat.
import { setImmediate as breathe } from 'node:timers/promises';
import { GuardError } from '../../core/errors.ts';
import type { RedactOptions } from '../../scanners/redact.ts';
import type { StreamScanning } from './stream.ts';

/** Chunks are gathered to this size before they go to the thread, and larger ones are cut. */
const PIECE_BYTES = 512 * 1024;

/** Yields what can be passed on. Rejects with `scan/failed` or, when the signal aborts, `request/cancelled`. */
export async function* redactSource(
  { thread: leastLoaded, nextId }: Pick<StreamScanning, 'thread' | 'nextId'>,
  options: Required<RedactOptions>,
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const [thread, id] = [leastLoaded(), nextId()];
  thread.tell({ kind: 'open-redactor', id, options });
  try {
    for await (const chunk of pieces(source)) {
      if (signal.aborted) throw new GuardError('request/cancelled', 'The redaction was cancelled.');
      yield* await thread.askRedacted({ kind: 'redact', id, chunk });
      // A thread that answers at once would otherwise keep this one from everything else.
      await breathe();
    }
    yield* await thread.askRedacted({ kind: 'redact-end', id });
  } finally {
    thread.tell({ kind: 'close', id });
  }
}

/** The source in pieces of one size, each in memory of its own. */
async function* pieces(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let piece = new Uint8Array(PIECE_BYTES);
  let filled = 0;
  for await (const bytes of source)
    for (let at = 0; at < bytes.length;) {
      const part = bytes.subarray(at, at + PIECE_BYTES - filled);
      piece.set(part, filled);
      filled += part.length;
      at += part.length;
      if (filled < PIECE_BYTES) continue;
      yield piece;
      [piece, filled] = [new Uint8Array(PIECE_BYTES), 0];
    }
  if (filled > 0) yield piece.slice(0, filled);
}
