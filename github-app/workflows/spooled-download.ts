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

/** Writes the source to a file of its own. Rejects as the source does, or with an error of the file system. */
export async function spoolDownload(
  dataDir: string,
  source: AsyncGenerator<Uint8Array, Ending>,
): Promise<Spooled> {
  const directory = join(dataDir, 'downloads');
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
      await file.write(next.value, 0, next.value.length, bytes);
      bytes += next.value.length;
    }
  } catch (thrown) {
    await file.close();
    throw thrown;
  }
}
