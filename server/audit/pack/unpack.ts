// Unpacks an evidence pack, which may come from anyone, into a directory of its own. Only the files that a pack may have
// are taken, with caps on their sizes and number; nothing is written anywhere else.
import { createReadStream } from 'node:fs';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { GuardError } from '../../../core/errors.ts';
import { isPackPath, maxPackFileBytes, packRoot } from './pack-layout.ts';

const maxFiles = 20_000_000;

/** The directory that holds the pack at `path`: itself where it is one, else `scratch`, into which the archive is unpacked. */
export async function openPack(path: string, scratch: string): Promise<string> {
  try {
    if ((await stat(path)).isDirectory()) return path;
    await unpack(path, scratch);
    return scratch;
  } catch (thrown) {
    if (thrown instanceof GuardError) throw thrown;
    throw new GuardError('input/unreadable', `couldn't read ${path} as an evidence pack`, { cause: thrown });
  }
}

async function unpack(archive: string, directory: string): Promise<void> {
  const tar = extract();
  const reading = pipeline(createReadStream(archive), createGunzip(), tar);
  // Whichever of the two fails, both end, and the loop tells.
  reading.catch(() => undefined);
  let files = 0;
  for await (const entry of tar) {
    const { name, type, size } = entry.header;
    const path = name.startsWith(`${packRoot}/`) ? name.slice(packRoot.length + 1) : '';
    files += 1;
    if (type !== 'file' || !isPackPath(path) || size > maxPackFileBytes || files > maxFiles)
      throw new GuardError('input/invalid', 'the archive holds something that no evidence pack has');
    const chunks: Uint8Array[] = [];
    for await (const chunk of entry) if (chunk instanceof Uint8Array) chunks.push(chunk);
    const target = join(directory, path);
    await mkdir(dirname(target), { recursive: true });
    // A file that comes twice is no pack of ours.
    await writeFile(target, Buffer.concat(chunks), { flag: 'wx' });
  }
  await reading;
}
