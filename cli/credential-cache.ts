// Session tokens of this user between one git and the next, in private files below the user's cache directory. A
// directory that others could write to, or a file that they could read, is not used. Losing it costs an exchange.
import { createHash } from 'node:crypto';
import { lstat, mkdir, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import process from 'node:process';
import { z } from 'zod';
import { GuardError } from '../core/errors.ts';
import type { Environment } from '../server/config.ts';
import { lockDirectory } from '../server/directory-lock.ts';
import { readPrivateFile, writePrivateFile } from '../server/private-file.ts';

const entrySchema = z.object({
  token: z.string().optional(),
  /** Seconds since 1970. */
  expiresAt: z.number().default(0),
  /** Seconds. */
  lifetime: z.number().default(0),
  refreshToken: z.string().optional(),
});
export interface CacheEntry {
  readonly token?: string | undefined;
  readonly expiresAt: number;
  readonly lifetime: number;
  readonly refreshToken?: string | undefined;
}

export interface CredentialCache {
  read(): Promise<CacheEntry | undefined>;
  write(entry: CacheEntry): Promise<void>;
  forget(): Promise<void>;
  /** Does the work alone among all programs of this user; where nothing can be locked, it is done all the same. */
  alone<T>(waitMs: number, work: () => Promise<T>): Promise<T>;
}

/** Where the tokens of this user are kept. */
export function cacheDirectory(env: Environment): string {
  const base = env['XDG_CACHE_HOME'] ?? '';
  return join(isAbsolute(base) ? base : join(env['HOME'] || homedir(), '.cache'), 'forgeguard', 'credential');
}

/** `key` tells apart what must not be mixed: guard, repository, identity. */
export async function openCredentialCache(
  directory: string,
  key: readonly string[],
): Promise<CredentialCache> {
  const name = createHash('sha256').update(JSON.stringify(key)).digest('hex');
  const path = join(directory, `${name}.json`);
  if (!(await isPrivate(directory))) return noCache;
  return {
    read: () => readEntry(path),
    write: (entry) => writePrivateFile(path, `${JSON.stringify(entry)}\n`),
    forget: () => rm(path, { force: true }),
    async alone(waitMs, work) {
      const lock = await lockDirectory(join(directory, `${name}.lock`), waitMs);
      if (lock === undefined)
        throw new GuardError(
          'guard/unreachable',
          'another git of yours is still waiting for a session token',
        );
      try {
        return await work();
      } finally {
        lock.release();
      }
    },
  };
}

const noCache: CredentialCache = {
  read: () => Promise.resolve(undefined),
  write: () => Promise.resolve(),
  forget: () => Promise.resolve(),
  alone: (_waitMs, work) => work(),
};

/** Makes the directory where it is not there; true where it is ours alone. */
async function isPrivate(directory: string): Promise<boolean> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const found = await lstat(directory);
    const isOurs = process.getuid === undefined || found.uid === process.getuid();
    return found.isDirectory() && isOurs && (found.mode & 0o022) === 0;
  } catch {
    return false;
  }
}

async function readEntry(path: string): Promise<CacheEntry | undefined> {
  try {
    const found = await readPrivateFile(path);
    if (found === undefined || (found.mode & 0o077) !== 0) return undefined;
    return entrySchema.parse(JSON.parse(found.text));
  } catch {
    // What cannot be read is asked for anew.
    return undefined;
  }
}
