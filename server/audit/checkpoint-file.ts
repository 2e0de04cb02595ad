// The last checkpoint in a second store beside the database, moved forward by compare-and-set: a database that was
// restored from a backup is behind it, and the log then refuses to be continued, which would fork it.
import { join } from 'node:path';
import { GuardError } from '../../core/errors.ts';
import { readPrivateFile, writePrivateFile } from '../private-file.ts';

/** Where the checkpoint of a data directory is kept. */
export function checkpointFilePath(dataDir: string): string {
  return join(dataDir, 'audit-checkpoint');
}

/** The note in the file; undefined where there is none. */
export async function readCheckpointFile(dataDir: string): Promise<string | undefined> {
  return (await readPrivateFile(checkpointFilePath(dataDir)))?.text;
}

/**
 * Replaces `expected` by `note` (undefined: no file yet). Rejects with `audit/inconsistent` where the file holds
 * something else, which then is another log's writer at work in the same directory.
 */
export async function replaceCheckpointFile(
  dataDir: string,
  expected: string | undefined,
  note: string,
): Promise<void> {
  const found = await readCheckpointFile(dataDir);
  if (found !== expected) {
    const path = checkpointFilePath(dataDir);
    throw new GuardError('audit/inconsistent', `${path} was changed by something else than this guard`);
  }
  await writePrivateFile(checkpointFilePath(dataDir), note);
}
