// A download that is too large for memory, in a file without a name: nothing of it is left where this process ends.
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Ending } from './storage.ts';

export interface Spooled extends AsyncDisposable {
  readonly file: FileHandle;
  readonly bytes: number;
  readonly isCut: boolean;
}

const directoryOf = (dataDir: string): string => join(dataDir, 'downloads');

/** Removes what a process that ended between making a file and taking its name away has left; nothing may be read now. */
export async function clearDownloads(dataDir: string): Promise<void> {
  await rm(directoryOf(dataDir), { recursive: true, force: true });
}

/** Writes the source to a file of its own. Rejects as the source does, or with an error of the file system. */
export async function spoolDownload(
  dataDir: string,
  source: AsyncGenerator<Uint8Array, Ending>,
): Promise<Spooled> {
  const directory = directoryOf(dataDir);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, randomBytes(12).toString('hex'));
  const file = await open(path, 'wx+', 0o600);
  try {
    // From here on only this handle leads to it.
    await rm(path);
    let bytes = 0;
    for (let next = await source.next(); ; next = await source.next()) {
      if (next.done === true) {
        return { file, bytes, isCut: next.value.isCut, [Symbol.asyncDispose]: () => file.close() };
      }
      for (let rest: Uint8Array = next.value; rest.length > 0;) {
        const { bytesWritten } = await file.write(rest, 0, rest.length, bytes);
        rest = rest.subarray(bytesWritten);
        bytes += bytesWritten;
      }
    }
  } catch (thrown) {
    await file.close();
    throw thrown;
  }
}
