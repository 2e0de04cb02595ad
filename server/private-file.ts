// Small files of the data directory that are written whole or not at all, and that only the guard's user may read.
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

const maxBytes = 65_536;

/** Makes what was created, renamed or removed in a directory survive a crash. */
export async function syncDirectory(directory: string): Promise<void> {
  await using handle = await open(directory, 'r');
  await handle.sync();
}

/** Reads a file of at most 64 KiB and its mode; undefined where there is none. */
export async function readPrivateFile(
  path: string,
): Promise<{ readonly text: string; readonly mode: number } | undefined> {
  try {
    await using handle = await open(path, 'r');
    const { mode, size } = await handle.stat();
    if (size > maxBytes) throw new RangeError(`${path} has ${size} bytes, at most ${maxBytes} are expected`);
    return { text: await handle.readFile('utf8'), mode: mode & 0o777 };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Replaces a file durably: after a crash it holds the old text or the new one. Mode 0600 unless told. */
export async function writePrivateFile(path: string, text: string, mode = 0o600): Promise<void> {
  const partial = `${path}.partial`;
  await rm(partial, { force: true });
  {
    await using handle = await open(partial, 'wx', mode);
    await handle.writeFile(text);
    await handle.sync();
  }
  await rename(partial, path);
  await syncDirectory(dirname(path));
}
