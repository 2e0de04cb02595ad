// Reads the archives and compressed streams that are scanned through: gzip, zstd, zip and tar. Everything in an archive
// is hostile: sizes are capped before memory is taken, names are only labels and are never used as paths.
import { gunzipSync, inflateRawSync, zstdDecompressSync } from 'node:zlib';

export type ArchiveKind = 'gzip' | 'zstd' | 'zip' | 'tar' | 'unreadable';

/** One file inside an archive, or the reason why it cannot be read. */
export type Entry =
  | { readonly kind: 'content'; readonly name: string; readonly bytes: Uint8Array }
  | { readonly kind: 'unreadable'; readonly name: string; readonly reason: string };

/** How many bytes an entry of this packed size may unpack to. */
export type Allowance = (packed: number) => number;

const signatures: readonly (readonly [number, string, ArchiveKind])[] = [
  [0, '\x1f\x8b\x08', 'gzip'],
  [0, '\x28\xb5\x2f\xfd', 'zstd'],
  [0, 'PK\x03\x04', 'zip'],
  [0, 'PK\x05\x06', 'zip'],
  [257, 'ustar', 'tar'],
  [0, '7z\xbc\xaf\x27\x1c', 'unreadable'],
  [0, 'Rar!\x1a\x07', 'unreadable'],
  [0, '\xfd7zXZ\x00', 'unreadable'],
  [0, 'BZh', 'unreadable'],
];

/** Tells an archive by its signature; undefined for everything else. */
export function archiveKind(bytes: Uint8Array): ArchiveKind | undefined {
  for (const [offset, text, kind] of signatures) {
    // Text may begin with BZh; a bzip2 stream goes on with a digit and the magic of a block.
    if (standsAt(bytes, offset, text) && (text !== 'BZh' || (bytes[4] === 0x31 && bytes[5] === 0x41)))
      return kind;
  }
  return undefined;
}

function standsAt(bytes: Uint8Array, offset: number, text: string): boolean {
  for (let at = 0; at < text.length; at++) if (bytes[offset + at] !== text.charCodeAt(at)) return false;
  return true;
}

/** Lists the entries of an archive. `name` is the archive's own name, for streams that hold a single file. */
export function* readEntries(
  kind: ArchiveKind,
  bytes: Uint8Array,
  name: string,
  allowance: Allowance,
): Generator<Entry> {
  switch (kind) {
    case 'gzip':
      yield unpack(name.replace(/\.t?gz$|\.gzip$/i, ''), bytes, allowance, (input, options) =>
        gunzipSync(input, options),
      );
      return;
    case 'zstd':
      yield unpack(name.replace(/\.zst(?:d)?$/i, ''), bytes, allowance, (input, options) =>
        zstdDecompressSync(input, options),
      );
      return;
    case 'zip':
      yield* readZip(bytes, allowance);
      return;
    case 'tar':
      yield* readTar(bytes);
      return;
    case 'unreadable':
      yield {
        kind: 'unreadable',
        name,
        reason: 'It is an archive of a format that is not read (7z, RAR, xz, bzip2).',
      };
  }
}

function unpack(
  name: string,
  packed: Uint8Array,
  allowance: Allowance,
  inflate: (input: Uint8Array, options: { readonly maxOutputLength: number }) => Uint8Array,
): Entry {
  const maxOutputLength = allowance(packed.length);
  if (maxOutputLength <= 0)
    return { kind: 'unreadable', name, reason: 'The archive unpacks to more than is read.' };
  try {
    return { kind: 'content', name, bytes: inflate(packed, { maxOutputLength }) };
  } catch (error) {
    const tooLarge = error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
    const reason = tooLarge ? 'It unpacks to more than is read.' : 'Its compressed data is damaged.';
    return { kind: 'unreadable', name, reason };
  }
}

const END_OF_DIRECTORY = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;

/** Reads a zip by its central directory (APPNOTE 4.3.12). */
function* readZip(bytes: Uint8Array, allowance: Allowance): Generator<Entry> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = findEnd(view);
  if (end === undefined) {
    yield { kind: 'unreadable', name: '', reason: 'The zip archive has no directory.' };
    return;
  }
  const directory = readDirectory(view, end);
  let { at } = directory;
  for (let left = directory.entries; left > 0; left--) {
    if (at + 46 > bytes.length || view.getUint32(at, true) !== DIRECTORY_ENTRY) {
      yield { kind: 'unreadable', name: '', reason: 'The directory of the zip archive is damaged.' };
      return;
    }
    const nameLength = view.getUint16(at + 28, true);
    const name = Buffer.from(bytes.subarray(at + 46, at + 46 + nameLength)).toString('utf8');
    const next = at + 46 + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    if (!name.endsWith('/')) yield zipEntry(bytes, view, at, name, allowance);
    at = next;
  }
}

function findEnd(view: DataView): number | undefined {
  const lowest = Math.max(0, view.byteLength - 22 - 65_535);
  for (let at = view.byteLength - 22; at >= lowest; at--)
    if (view.getUint32(at, true) === END_OF_DIRECTORY) return at;
  return undefined;
}

const FULL_16 = 0xffff;
const FULL_32 = 0xffff_ffff;
const LOCATOR_64 = 0x07064b50;
const END_64 = 0x06064b50;

/** Where the directory begins and how long it is; full fields stand in the record of zip64 (APPNOTE 4.3.14). */
function readDirectory(view: DataView, end: number): { readonly at: number; readonly entries: number } {
  const plain = { at: view.getUint32(end + 16, true), entries: view.getUint16(end + 10, true) };
  if ((plain.at !== FULL_32 && plain.entries !== FULL_16) || end < 20) return plain;
  if (view.getUint32(end - 20, true) !== LOCATOR_64) return plain;
  const record = Number(view.getBigUint64(end - 12, true));
  if (record + 56 > view.byteLength || view.getUint32(record, true) !== END_64) return plain;
  return {
    at: Number(view.getBigUint64(record + 48, true)),
    entries: Number(view.getBigUint64(record + 32, true)),
  };
}

/** Size and place of an entry; full fields stand in its extra field of zip64, in this order (APPNOTE 4.5.3). */
function readPlace(view: DataView, at: number): { readonly size: number; readonly header: number } {
  let size = view.getUint32(at + 20, true);
  let header = view.getUint32(at + 42, true);
  let extra = at + 46 + view.getUint16(at + 28, true);
  const end = Math.min(view.byteLength, extra + view.getUint16(at + 30, true));
  for (; extra + 4 <= end; extra += 4 + view.getUint16(extra + 2, true)) {
    if (view.getUint16(extra, true) !== 1) continue;
    let value = extra + 4 + (view.getUint32(at + 24, true) === FULL_32 ? 8 : 0);
    if (size === FULL_32 && value + 8 <= end) {
      size = Number(view.getBigUint64(value, true));
      value += 8;
    }
    if (header === FULL_32 && value + 8 <= end) header = Number(view.getBigUint64(value, true));
    break;
  }
  return { size, header };
}

function zipEntry(bytes: Uint8Array, view: DataView, at: number, name: string, allowance: Allowance): Entry {
  const flags = view.getUint16(at + 8, true);
  const method = view.getUint16(at + 10, true);
  const { size, header } = readPlace(view, at);
  if ((flags & 1) !== 0) return { kind: 'unreadable', name, reason: 'It is encrypted.' };
  if (header + 30 > bytes.length)
    return { kind: 'unreadable', name, reason: 'It lies outside of the archive.' };
  const start = header + 30 + view.getUint16(header + 26, true) + view.getUint16(header + 28, true);
  if (start + size > bytes.length)
    return { kind: 'unreadable', name, reason: 'It lies outside of the archive.' };
  const packed = bytes.subarray(start, start + size);
  switch (method) {
    case 0:
      return { kind: 'content', name, bytes: packed };
    case 8:
      return unpack(name, packed, allowance, (input, options) => inflateRawSync(input, options));
    case 93:
      return unpack(name, packed, allowance, (input, options) => zstdDecompressSync(input, options));
    default:
      return { kind: 'unreadable', name, reason: 'It is compressed with a method that is not read.' };
  }
}

const BLOCK = 512;

/** Reads a tar of ustar, GNU or pax headers; pax and long-name records only name the entry behind them. */
function* readTar(bytes: Uint8Array): Generator<Entry> {
  const text = (from: number, length: number) =>
    Buffer.from(bytes.subarray(from, from + length))
      .toString('utf8')
      .replace(/\0.*$/s, '');
  let longName = '';
  for (let at = 0; at + BLOCK <= bytes.length;) {
    if (bytes[at] === 0) return;
    const size = tarNumber(bytes, at + 124);
    const type = String.fromCharCode(bytes[at + 156] ?? 0);
    const prefix = text(at + 345, 155);
    const name = longName || (prefix === '' ? text(at, 100) : `${prefix}/${text(at, 100)}`);
    const start = at + BLOCK;
    if (!Number.isSafeInteger(size) || size < 0 || start + size > bytes.length) {
      yield { kind: 'unreadable', name, reason: 'The tar archive is cut off or damaged.' };
      return;
    }
    if (type === 'L') longName = text(start, Math.min(size, 4_096));
    else if (type === 'x')
      longName = /\d+ path=([^\n]{1,4096})\n/.exec(text(start, Math.min(size, 65_536)))?.[1] ?? '';
    else {
      longName = '';
      if (size > 0 && type !== 'g')
        yield { kind: 'content', name, bytes: bytes.subarray(start, start + size) };
    }
    at = start + Math.ceil(size / BLOCK) * BLOCK;
  }
}

/** An octal field, or base 256 where its first bit is set. */
function tarNumber(bytes: Uint8Array, at: number): number {
  if (((bytes[at] ?? 0) & 0x80) !== 0)
    return bytes.subarray(at + 4, at + 12).reduce((value, byte) => value * 256 + byte, 0);
  const octal = Buffer.from(bytes.subarray(at, at + 12))
    .toString('latin1')
    .replaceAll(/[\0 ]/g, '');
  return octal === '' ? 0 : Number.parseInt(octal, 8);
}
