// Archives for tests, by hand where the format is small (ZIP: APPNOTE 4.3) and by tar-stream where it is not.
import { crc32, deflateRawSync, gzipSync } from 'node:zlib';
import { pack as tarPack } from 'tar-stream';

export type ArchiveFiles = Readonly<Record<string, string | Uint8Array>>;

/** A ZIP archive of deflated entries; `encrypted` sets the flag that says so, without a cipher behind it. */
export function zipOf(files: ArchiveFiles, encrypted = false): Uint8Array {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const [name, content] of Object.entries(files)) {
    const bytes = Buffer.from(content);
    const data = deflateRawSync(bytes);
    const shared = Buffer.alloc(26);
    shared.writeUInt16LE(20, 0);
    shared.writeUInt16LE(encrypted ? 1 : 0, 2);
    shared.writeUInt16LE(8, 4);
    shared.writeUInt32LE(crc32(bytes), 10);
    shared.writeUInt32LE(data.length, 14);
    shared.writeUInt32LE(bytes.length, 18);
    shared.writeUInt16LE(Buffer.byteLength(name), 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), shared, Buffer.from(name), data]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    central.push(
      Buffer.concat([Buffer.from('PK\x01\x02'), Buffer.from([20, 0]), shared, tail, Buffer.from(name)]),
    );
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(central.length, 4);
  end.writeUInt16LE(central.length, 6);
  end.writeUInt32LE(directory.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...locals, directory, Buffer.from('PK\x05\x06'), end]);
}

/** The same in the form of zip64: sizes, places and counts stand in the fields of eight bytes (APPNOTE 4.3.14, 4.5.3). */
export function zip64Of(files: ArchiveFiles): Uint8Array {
  const plain = Buffer.from(zipOf(files));
  const end = plain.length - 22;
  const start = plain.readUInt32LE(end + 16);
  const central: Buffer[] = [];
  for (let at = start; at < end;) {
    const next = at + 46 + plain.readUInt16LE(at + 28);
    const entry = Buffer.from(plain.subarray(at, next));
    const extra = Buffer.alloc(28);
    extra.writeUInt16LE(1, 0);
    extra.writeUInt16LE(24, 2);
    for (const [field, place] of [
      [24, 4],
      [20, 12],
      [42, 20],
    ] as const) {
      extra.writeBigUInt64LE(BigInt(entry.readUInt32LE(field)), place);
      entry.writeUInt32LE(0xffff_ffff, field);
    }
    entry.writeUInt16LE(extra.length, 30);
    central.push(Buffer.concat([entry, extra]));
    at = next;
  }
  const directory = Buffer.concat(central);
  const record = Buffer.alloc(56);
  record.write('PK\x06\x06', 'latin1');
  record.writeBigUInt64LE(44n, 4);
  record.writeBigUInt64LE(BigInt(central.length), 24);
  record.writeBigUInt64LE(BigInt(central.length), 32);
  record.writeBigUInt64LE(BigInt(directory.length), 40);
  record.writeBigUInt64LE(BigInt(start), 48);
  const locator = Buffer.alloc(20);
  locator.write('PK\x06\x07', 'latin1');
  locator.writeBigUInt64LE(BigInt(start + directory.length), 8);
  const last = Buffer.alloc(22, 0xff);
  last.write('PK\x05\x06', 'latin1');
  last.writeUInt16LE(0, 20);
  return Buffer.concat([plain.subarray(0, start), directory, record, locator, last]);
}

/** A tar archive. */
export async function tarOf(files: ArchiveFiles): Promise<Uint8Array> {
  const archive = tarPack();
  for (const [name, content] of Object.entries(files)) archive.entry({ name }, Buffer.from(content));
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive as AsyncIterable<Uint8Array>) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

/** A compressed tar archive. */
export async function tarGzOf(files: ArchiveFiles): Promise<Uint8Array> {
  return gzipSync(await tarOf(files));
}
