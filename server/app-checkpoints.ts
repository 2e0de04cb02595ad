// Opens the store of the last checkpoint that the configuration names.
import { bucketCheckpointStore } from './audit/shared-checkpoint/bucket.ts';
import type { CheckpointStore } from './audit/shared-checkpoint/checkpoint-store.ts';
import { databaseCheckpointStore } from './audit/shared-checkpoint/store.ts';
import type { Config } from './config.ts';
import { openDatabase } from './db.ts';
import { openS3Store } from './s3.ts';

/** Undefined where none is named; what it needs is closed with `opened`. */
export async function openCheckpointStore(
  settings: Config['audit']['checkpointStore'],
  opened: AsyncDisposableStack,
): Promise<CheckpointStore | undefined> {
  switch (settings?.kind) {
    case undefined:
      return undefined;
    case 'database': {
      const options = { migrate: false, maxConnections: 2, statementTimeoutMs: 5_000 };
      return databaseCheckpointStore(opened.use(await openDatabase(settings.url.reveal(), options)));
    }
    case 'bucket':
      return bucketCheckpointStore(opened.use(openS3Store(settings.store)), settings.prefix);
  }
}
