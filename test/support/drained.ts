// Waits until a stream whose `write` returned false takes more.
import type { Writable } from 'node:stream';

/** Fulfils at `drain`, or at `close`, after which nothing is taken. Leaves no listener behind. */
export function drained(stream: Pick<Writable, 'once' | 'off'>): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off('drain', done);
      stream.off('close', done);
      resolve();
    };
    stream.once('drain', done);
    stream.once('close', done);
  });
}
