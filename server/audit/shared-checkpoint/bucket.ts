// The last checkpoint as an object in a bucket, replaced only where it still is what was read (`If-Match`,
// `If-None-Match`): of guards that write at once one wins, and the others look again.
import { hash } from 'node:crypto';
import { parseCheckpoint } from '../../../core/checkpoint.ts';
import { GuardError } from '../../../core/errors.ts';
import type { S3Store } from '../../s3.ts';
import type { CheckpointStore } from './checkpoint-store.ts';

/** Each look is a request that is paid for. */
const everyMs = 10_000;
const deadlineMs = 20_000;
const maxNoteBytes = 65_536;
const tries = 5;
const contentType = 'text/plain; charset=utf-8';

/** Names of logs may hold what names of objects should not. */
function keyOf(prefix: string, origin: string): string {
  return `${prefix}${hash('sha256', origin, 'hex')}.checkpoint`;
}

/** In a bucket, below a prefix. */
export function bucketCheckpointStore(bucket: S3Store, prefix: string): CheckpointStore {
  const signal = (): AbortSignal => AbortSignal.timeout(deadlineMs);

  async function find(origin: string) {
    const found = await bucket.getTagged(keyOf(prefix, origin), maxNoteBytes, signal());
    return found && { note: Buffer.from(found.body).toString('utf8'), tag: found.tag };
  }

  return {
    everyMs,
    prepare: async () => {
      // A store that does not know conditions would replace what is newer.
      const key = `${prefix}conditions`;
      const probe = { key, body: Buffer.from('conditions are kept\n'), contentType };
      await bucket.put({ ...probe, ifAbsent: true }, signal());
      const again = await bucket.put({ ...probe, ifAbsent: true }, signal());
      const other = await bucket.put({ ...probe, ifTag: `"${'0'.repeat(32)}"` }, signal());
      if (again === 'created' || other === 'created')
        throw new GuardError(
          'storage/failed',
          'the bucket for checkpoints does not keep If-None-Match and If-Match',
        );
    },
    read: async (origin) => (await find(origin))?.note,
    advance: async ({ origin, size, note }) => {
      for (let round = 0; round < tries; round += 1) {
        const found = await find(origin);
        const there = found === undefined ? 0 : parseCheckpoint(found.note)?.size;
        if (there === undefined)
          throw new GuardError('audit/inconsistent', 'the store for checkpoints holds something else');
        if (there >= size) return false;
        const answer = await bucket.put(
          {
            key: keyOf(prefix, origin),
            body: Buffer.from(note),
            contentType,
            ...(found === undefined ? { ifAbsent: true } : { ifTag: found.tag }),
          },
          signal(),
        );
        if (answer === 'created') return true;
      }
      throw new GuardError('storage/failed', 'others kept changing the checkpoint in the bucket');
    },
  };
}
