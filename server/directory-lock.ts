// A lock on a directory that the operating system gives back when its holder dies, however it dies: the write lock of
// an SQLite file, which is the one kernel file lock that Node offers.
import { setTimeout as sleep } from 'node:timers/promises';
import { DatabaseSync } from 'node:sqlite';

export interface DirectoryLock {
  release(): void;
}

/** SQLITE_BUSY: another process, or another holder in this one, has the lock. */
const busy = 5;

function tryLock(file: string): DirectoryLock | undefined {
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    database.exec('begin exclusive');
    return { release: () => database.close() };
  } catch (error) {
    database.close();
    if (error instanceof Error && 'errcode' in error && error.errcode === busy) return undefined;
    throw error;
  }
}

/**
 * Takes the lock that `file` stands for, waiting up to `waitMs` for another holder to go; undefined where it does not.
 * The file stays empty and must not be opened by anything else.
 */
export async function lockDirectory(
  file: string,
  waitMs: number,
  signal?: AbortSignal,
): Promise<DirectoryLock | undefined> {
  const deadline = performance.now() + waitMs;
  for (;;) {
    const lock = tryLock(file);
    if (lock !== undefined) return lock;
    if (performance.now() >= deadline) return undefined;
    await sleep(50, undefined, { signal });
  }
}
