// The guard's own directory: made where it is missing, closed to others, and known to be usable before anything starts.
import { constants } from 'node:fs';
import { access, chmod, mkdir, stat } from 'node:fs/promises';
import process from 'node:process';
import { GuardError } from '../core/errors.ts';

/**
 * Makes `path` ready, mode 0700. One that belongs to another account keeps its mode: whoever gave it to the guard, such
 * as a cluster that mounts a volume, said who may enter. Rejects with `data/unusable`.
 */
export async function prepareDataDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
    const { uid, mode } = await stat(path);
    if (uid === process.getuid?.() && (mode & 0o077) !== 0) await chmod(path, mode & 0o700);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
    throw new GuardError('data/unusable', `couldn't use ${path} as the data directory${code}`, { cause });
  }
}
