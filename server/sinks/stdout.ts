// Writes lines of JSON to standard output, for whoever collects what a container says. That they were written is all
// that is known of them.
import process from 'node:process';
import { recordText } from '../../core/shipped-record.ts';
import { problemOf, type Sink } from './sink.ts';

/** Opens the sink. */
export function createStdoutSink(log: string): Sink {
  return {
    connect: async () => ({ kind: 'taken' }),
    deliver: async ({ items }, signal) => {
      const text = items.map((item) => `${recordText(log, item)}\n`).join('');
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const stop = (): void => reject(new DOMException('too slow', 'TimeoutError'));
      signal.addEventListener('abort', stop, { once: true });
      process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
      try {
        await promise;
        return { kind: 'taken' };
      } catch (thrown) {
        return { kind: 'later', problem: problemOf(thrown) };
      } finally {
        signal.removeEventListener('abort', stop);
      }
    },
    probe: async () => 'standard output',
    [Symbol.asyncDispose]: async () => undefined,
  };
}
