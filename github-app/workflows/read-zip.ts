// Reads a zip archive from a file, entry by entry, in bounded memory. The archive is hostile: its directory says what is
// in it, sizes and ratios are capped before anything is unpacked, names are only labels.
import type { FileHandle } from 'node:fs/promises';
import { GuardError } from '../../core/errors.ts';

export interface ZipEntry {
  /** As it stands in the archive; attacker-controlled. */
  readonly name: string;
  /** Bytes, unpacked, as the directory says; reading gives no more and no fewer. */
  readonly size: number;
  /** The content; undefined where it is not read: encrypted, packed in another way, or too large. */
  readonly read: (() => Promise<AsyncIterable<Uint8Array>>) | undefined;
}

export const zipLimits = {
  entries: 10_000,
  /** Bytes that all entries may unpack to. */
  bytes: 2 * 2 ** 30,
  /** Unpacked over packed, above 1 MiB. */
  ratio: 200,
  always: 2 ** 20,
} as const;

const methods: readonly number[] = [0, 8];

/**
 * The files in it, in the order of its directory; directories are left out. Rejects with `input/invalid` where it is no
 * zip archive or is damaged, and with `git/limit` where it has too many entries. `fileBytes`: the size of the file.
 */
export async function* readZip(file: FileHandle, fileBytes: number): AsyncGenerator<ZipEntry> {
  const { fromFdPromise, getFileNameLowLevel } = await import('yauzl');
  const options = { autoClose: false, lazyEntries: true, decodeStrings: false };
  const archive = await fromFdPromise(file.fd, options).catch(damaged);
  if (archive.entryCount > zipLimits.entries)
    throw new GuardError('git/limit', `an archive has more than ${zipLimits.entries} files`);
  let left: number = zipLimits.bytes;
  // Entries that share bytes of the file unpack the same ones again and again.
  let packedLeft = fileBytes;
  const entries = archive.eachEntry();
  for (
    let next = await entries.next().catch(damaged);
    next.done !== true;
    next = await entries.next().catch(damaged)
  ) {
    const entry = next.value;
    const { generalPurposeBitFlag, fileNameRaw, extraFields, uncompressedSize: size, compressedSize } = entry;
    const name = getFileNameLowLevel(generalPurposeBitFlag, fileNameRaw, extraFields, false);
    if (name.endsWith('/')) continue;
    const mostBytes = Math.min(left, Math.max(zipLimits.always, compressedSize * zipLimits.ratio));
    const isRead =
      !entry.isEncrypted() &&
      methods.includes(entry.compressionMethod) &&
      size <= mostBytes &&
      compressedSize <= packedLeft;
    if (isRead) {
      left -= size;
      packedLeft -= compressedSize;
    }
    yield {
      name,
      size,
      read: isRead ? () => archive.openReadStreamPromise(entry).catch(damaged) : undefined,
    };
  }
}

// What the library says may hold names of the archive.
function damaged(): never {
  throw new GuardError('input/invalid', 'it is no zip archive, or a damaged one');
}
