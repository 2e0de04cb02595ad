// The SHA-256 of what is sent, which is on record before the client can take it for whole.
import { createHash, hash } from 'node:crypto';

export interface Digested {
  /** Hex. */
  readonly sha256: string;
  readonly bytes: number;
}

/** The digest of what is sent at once. */
export function digestOf(bytes: Uint8Array): Digested {
  return { sha256: hash('sha256', bytes, 'hex'), bytes: bytes.length };
}

/** Passes text on as it comes and calls `record` before its end; where that rejects, the text has no end. */
export async function* recorded(
  lines: AsyncIterable<string>,
  record: (made: Digested) => Promise<void>,
): AsyncGenerator<string, undefined> {
  const digest = createHash('sha256');
  let bytes = 0;
  for await (const text of lines) {
    digest.update(text);
    bytes += Buffer.byteLength(text);
    yield text;
  }
  await record({ sha256: digest.digest('hex'), bytes });
}
