// Reads the object ids of a pack from its index, version 2 (gitformat-pack, "Version 2 pack-*.idx files").
//
//   header   = ff 74 4f 63, 00 00 00 02
//   fan-out  = 256 * uint32        ; the last is the count of objects
//   names    = count * hash        ; sorted
//   crc32    = count * uint32
//   offsets  = count * uint32      ; bit 31 set: the low bits index the 64-bit table
//   offset64 = * uint64
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { GuardError } from '../../core/errors.ts';
import { type ObjectFormat, type Oid, oidFromBytes, oidLength } from '../../core/oid.ts';

const headerBytes = 8;
const fanOutBytes = 256 * 4;

/** The objects of one pack, in the order of their ids. An object is named by its position in that order. */
export class PackIndex {
  readonly count: number;
  readonly #names: Buffer;
  readonly #width: number;
  /** Positions in the order in which the objects stand in the pack. */
  readonly byOffset: Uint32Array;

  constructor(data: Buffer, format: ObjectFormat) {
    this.#width = oidLength[format] / 2;
    if (
      data.length < headerBytes + fanOutBytes ||
      data.readUInt32BE(0) !== 0xff744f63 ||
      data.readUInt32BE(4) !== 2
    ) {
      throw new GuardError('internal', 'git wrote a pack index of an unknown version');
    }
    this.count = data.readUInt32BE(headerBytes + fanOutBytes - 4);
    const names = headerBytes + fanOutBytes;
    const offsets = names + this.count * (this.#width + 4);
    this.#names = data.subarray(names, names + this.count * this.#width);
    const at = new Float64Array(this.count);
    for (let index = 0; index < this.count; index += 1) {
      const short = data.readUInt32BE(offsets + index * 4);
      at[index] =
        short < 0x80000000
          ? short
          : Number(data.readBigUInt64BE(offsets + this.count * 4 + (short - 0x80000000) * 8));
    }
    this.byOffset = Uint32Array.from({ length: this.count }, (_, index) => index).sort(
      (left, right) => (at[left] ?? 0) - (at[right] ?? 0),
    );
  }

  oid(index: number): Oid {
    return oidFromBytes(this.#names.subarray(index * this.#width, (index + 1) * this.#width));
  }

  /** Position of an object, or -1. `name` is the binary id. */
  find(name: Uint8Array): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const order = this.#names.compare(
        name,
        0,
        this.#width,
        middle * this.#width,
        (middle + 1) * this.#width,
      );
      if (order === 0) return middle;
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return -1;
  }

  /** SHA-256 over the sorted binary ids, hex: names exactly this set of objects. */
  digest(): string {
    return createHash('sha256').update(this.#names).digest('hex');
  }

  findOid(oid: Oid): number {
    return this.find(Buffer.from(oid, 'hex'));
  }
}

/** Opens the index that `git index-pack` wrote. Rejects with `git/limit` past `maxObjects`. */
export async function openPackIndex(
  path: string,
  format: ObjectFormat,
  maxObjects: number,
): Promise<PackIndex> {
  const index = new PackIndex(await readFile(path), format);
  if (index.count > maxObjects) {
    throw new GuardError(
      'git/limit',
      `the push has ${index.count} objects, at most ${maxObjects} are taken (limits.objects)`,
    );
  }
  return index;
}
