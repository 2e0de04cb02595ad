// Puts batches into S3, one object each. The name says which entries are in it, and a batch that was begun is sent again
// as it was: the same name has the same bytes, so that a repetition changes nothing.
import { GuardError } from '../../core/errors.ts';
import { recordText } from '../../core/shipped-record.ts';
import type { BucketSink } from '../config.ts';
import { openS3Store, storageProblem } from '../s3.ts';
import type { Sink } from './sink.ts';

const dayMs = 86_400_000;

/** The name of the object with the entries [first, past) of a log; names sort as the entries do. */
export function objectKey(prefix: string, log: string, first: number, past: number): string {
  const digits = (index: number): string => String(index).padStart(16, '0');
  const name = log.replaceAll(/[^A-Za-z0-9._-]+/g, '-');
  return `${prefix}${name}/${digits(first)}-${digits(past - 1)}.jsonl`;
}

/** Opens the sink; nothing is asked yet. */
export function createBucketSink({ store: settings, prefix, lock }: BucketSink, log: string): Sink {
  const store = openS3Store(settings);
  return {
    connect: async () => ({ kind: 'taken' }),
    deliver: async ({ first, past, items }, signal) => {
      const text = items.map((item) => `${recordText(log, item)}\n`).join('');
      try {
        await store.put(
          {
            key: objectKey(prefix, log, first, past),
            body: Buffer.from(text),
            contentType: 'application/x-ndjson',
            ...(lock === undefined
              ? {}
              : { lock: { mode: lock.mode, until: new Date(Date.now() + lock.days * dayMs) } }),
          },
          signal,
        );
        return { kind: 'taken' };
      } catch (thrown) {
        return { kind: 'later', problem: storageProblem(thrown) };
      }
    },
    probe: async (signal) => {
      await store.check(signal);
      if (lock !== undefined && !(await store.keepsLocks(signal)))
        throw new GuardError('sink/failed', `the bucket ${settings.bucket} was made without Object Lock`);
      return `the bucket ${settings.bucket} is there`;
    },
    [Symbol.asyncDispose]: async () => store[Symbol.dispose](),
  };
}
