// Redacts a source of any length in one thread, piece by piece: each piece is answered before the next is read, so that
// memory stays flat.
import { GuardError } from '../../core/errors.ts';
import type { RedactOptions } from '../../scanners/redact.ts';
import type { StreamScanning } from './stream.ts';

/** What is given as one chunk is cut into pieces of this size, for each of which a thread has its deadline. */
const PIECE_BYTES = 1024 * 1024;

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
    for await (const bytes of source)
      for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
        if (signal.aborted) throw new GuardError('request/cancelled', 'The redaction was cancelled.');
        // The thread gets memory of its own.
        const chunk = Uint8Array.from(bytes.subarray(at, at + PIECE_BYTES));
        yield* await thread.askRedacted({ kind: 'redact', id, chunk });
      }
    yield* await thread.askRedacted({ kind: 'redact-end', id });
  } finally {
    thread.tell({ kind: 'close', id });
  }
}
