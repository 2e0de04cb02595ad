// Moves bytes from a source into a child's input with back-pressure.
import { once } from 'node:events';
import type { Writable } from 'node:stream';

/**
 * Writes all of `source` and ends `sink`. Where the sink closes early (its process gave up), the pump stops reading
 * and fulfils: the process's exit code tells why. An error of the source destroys the sink and rejects.
 */
export async function pumpInto(source: AsyncIterable<Uint8Array>, sink: Writable): Promise<void> {
  let closed = false;
  const closing = new Promise<void>((resolve) => sink.once('close', () => ((closed = true), resolve())));
  sink.once('error', () => (closed = true));
  try {
    for await (const chunk of source) {
      if (closed || sink.destroyed) return;
      if (!sink.write(chunk)) await Promise.race([once(sink, 'drain').catch(() => undefined), closing]);
    }
  } catch (thrown) {
    sink.destroy();
    throw thrown;
  }
  sink.end();
}
