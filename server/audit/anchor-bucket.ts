// Anchors in a bucket: an object for each, which the store lets nobody delete or change for as long as it is locked.
import type { Clock } from '../../core/services.ts';
import { openS3Store, type S3Settings } from '../s3.ts';
import type { AnchorPlace } from './anchoring.ts';

export interface AnchorBucket {
  readonly store: S3Settings;
  /** What the names begin with. */
  readonly prefix: string;
  /** For how many days each object is locked; 0: not at all. */
  readonly lockDays: number;
}

const dayMs = 86_400_000;
const deadlineMs = 30_000;

/** Objects of their own in a bucket; dispose of it behind what uses it. */
export function anchorBucket(bucket: AnchorBucket, clock: Clock): AnchorPlace & Disposable {
  const store = openS3Store(bucket.store);
  const { prefix, lockDays } = bucket;
  return {
    name: 's3',
    put: async (name, text) => {
      const key = `${prefix}${name}`;
      const signal = AbortSignal.timeout(deadlineMs);
      // A second version under the same name would take its place for whoever does not ask for the first.
      if (await store.has(key, signal)) return;
      const until = new Date(clock.now().getTime() + lockDays * dayMs);
      await store.put(
        {
          key,
          body: Buffer.from(text),
          contentType: 'text/plain; charset=utf-8',
          ...(lockDays === 0 ? {} : { lock: { mode: 'compliance', until } as const }),
        },
        signal,
      );
    },
    [Symbol.dispose]: () => store[Symbol.dispose](),
  };
}
