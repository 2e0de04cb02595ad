// What stands behind the last packet of an upstream's answer: normally nothing but its end. A connection whose answer
// was read to the end serves the next request; one that is cut off must be opened anew.
import type { Readable } from 'node:stream';
import type { ByteReader } from './byte-reader.ts';

const patienceMs = 2_000;
const maxBytes = 64 * 1024;

/** Has the answer read to its end, for a moment and not much of it, and then let go. Nobody waits for it. */
export function letEnd(reader: ByteReader, body: Readable): void {
  readOn(reader, body).catch(() => undefined);
}

async function readOn(reader: ByteReader, body: Readable): Promise<void> {
  const timer = setTimeout(() => body.destroy(), patienceMs);
  try {
    let left = maxBytes;
    for (
      let chunk = await reader.some(left);
      chunk !== undefined && left > 0;
      chunk = await reader.some(left)
    )
      left -= chunk.length;
  } finally {
    clearTimeout(timer);
    body.destroy();
  }
}
