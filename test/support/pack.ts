// Pack files written by hand (gitformat-pack), independently of the product and of git, right or wrong on purpose.
//
//   pack   = "PACK" version(4) count(4) *entry trailer
//   entry  = type-and-size [ofs-delta: offset | ref-delta: raw base oid] zlib-data
//   types  = 1 commit, 2 tree, 3 blob, 4 tag, 6 ofs-delta, 7 ref-delta
import { createHash } from 'node:crypto';
import { createDeflate, deflateSync } from 'node:zlib';
import { delta, type DeltaStep } from './pack-delta.ts';
import type { GitObject, ObjectFormat } from './git-object.ts';

export type PackEntry =
  | { readonly kind: 'object'; readonly object: Pick<GitObject, 'type' | 'content'> }
  /** A delta against an earlier entry of the same pack, by its index. */
  | { readonly kind: 'ofs-delta'; readonly base: number; readonly delta: Uint8Array }
  /** A delta against an object by id, in the pack or not (a thin pack). */
  | { readonly kind: 'ref-delta'; readonly base: string; readonly delta: Uint8Array }
  /** Content that is compressed already; `size` is what the entry claims. */
  | {
      readonly kind: 'deflated';
      readonly type: GitObject['type'];
      readonly size: number;
      readonly data: Uint8Array;
    };

export interface PackOptions {
  readonly format?: ObjectFormat;
  /** Default 2. */
  readonly version?: number;
  /** What the header says, where it should not be the truth. */
  readonly claimedCount?: number;
  /** Flips a bit of the trailer. */
  readonly wrongChecksum?: boolean;
  /** Cuts this many bytes off the end. */
  readonly truncate?: number;
  /** Bytes behind the trailer. */
  readonly garbage?: Uint8Array;
}

const typeNumbers = { commit: 1, tree: 2, blob: 3, tag: 4, 'ofs-delta': 6, 'ref-delta': 7 } as const;

/** Builds a pack of the entries in the order given. */
export function buildPack(entries: readonly PackEntry[], options: PackOptions = {}): Uint8Array {
  const header = Buffer.alloc(12);
  header.write('PACK');
  header.writeUInt32BE(options.version ?? 2, 4);
  header.writeUInt32BE(options.claimedCount ?? entries.length, 8);
  const parts: Buffer[] = [header];
  const offsets: number[] = [];
  let offset = header.length;
  for (const entry of entries) {
    offsets.push(offset);
    const encoded = encodeEntry(entry, offset, offsets);
    parts.push(encoded);
    offset += encoded.length;
  }
  const body = Buffer.concat(parts);
  const trailer = createHash(options.format ?? 'sha1')
    .update(body)
    .digest();
  if (options.wrongChecksum) trailer[0] = (trailer[0] ?? 0) ^ 1;
  const whole = Buffer.concat([body, trailer, options.garbage ?? Buffer.alloc(0)]);
  return whole.subarray(0, whole.length - (options.truncate ?? 0));
}

/** A pack of whole objects. */
export function packOf(objects: readonly GitObject[], options: PackOptions = {}): Uint8Array {
  return buildPack(
    objects.map((object) => ({ kind: 'object', object })),
    options,
  );
}

function encodeEntry(entry: PackEntry, offset: number, offsets: readonly number[]): Buffer {
  switch (entry.kind) {
    case 'object': {
      const { type, content } = entry.object;
      return Buffer.concat([typeAndSize(typeNumbers[type], content.length), deflateSync(content)]);
    }
    case 'deflated':
      return Buffer.concat([typeAndSize(typeNumbers[entry.type], entry.size), entry.data]);
    case 'ref-delta':
      return Buffer.concat([
        typeAndSize(typeNumbers['ref-delta'], entry.delta.length),
        Buffer.from(entry.base, 'hex'),
        deflateSync(entry.delta),
      ]);
    case 'ofs-delta': {
      const distance = offset - (offsets[entry.base] ?? 0);
      return Buffer.concat([
        typeAndSize(typeNumbers['ofs-delta'], entry.delta.length),
        backwardOffset(distance),
        deflateSync(entry.delta),
      ]);
    }
  }
}

/** Three bits of type and a little-endian size: four bits in the first byte, seven in each that follows. */
function typeAndSize(type: number, size: number): Buffer {
  const bytes: number[] = [];
  let current = (type << 4) | (size % 16);
  for (let left = Math.floor(size / 16); left > 0; left = Math.floor(left / 128)) {
    bytes.push(current | 0x80);
    current = left % 128;
  }
  return Buffer.from([...bytes, current]);
}

/** Big-endian groups of seven bits; each group but the last counts from one. */
function backwardOffset(distance: number): Buffer {
  const bytes = [distance % 128];
  for (let left = Math.floor(distance / 128); left > 0; left = Math.floor(left / 128)) {
    left -= 1;
    bytes.unshift((left % 128) | 0x80);
  }
  return Buffer.from(bytes);
}

/** A blob of `size` zero bytes, small in the pack (about a thousandth), with the id it has. Held compressed only. */
export async function zeroBlob(
  size: number,
  format: ObjectFormat = 'sha1',
): Promise<{ readonly entry: PackEntry; readonly oid: string }> {
  const hash = createHash(format).update(`blob ${size}\0`);
  const deflate = createDeflate({ level: 1 });
  const chunks: Buffer[] = [];
  deflate.on('data', (chunk: Buffer) => chunks.push(chunk));
  const ended = new Promise<void>((resolve, reject) => deflate.on('end', resolve).on('error', reject));
  const zeros = Buffer.alloc(1 << 20);
  for (let left = size; left > 0; left -= zeros.length) {
    const chunk = zeros.subarray(0, Math.min(left, zeros.length));
    hash.update(chunk);
    if (!deflate.write(chunk)) await new Promise<void>((resolve) => deflate.once('drain', resolve));
  }
  deflate.end();
  await ended;
  return {
    entry: { kind: 'deflated', type: 'blob', size, data: Buffer.concat(chunks) },
    oid: hash.digest('hex'),
  };
}

/**
 * Entries of a delta chain that doubles at each level: `levels` tiny deltas that unfold to `first * 2 ** levels` bytes.
 * Returns them from the base to the last.
 */
export function deltaBomb(first: number, levels: number): readonly PackEntry[] {
  const base: PackEntry = { kind: 'object', object: { type: 'blob', content: Buffer.alloc(first, 'a') } };
  const entries: PackEntry[] = [base];
  for (let level = 0; level < levels; level += 1) {
    const size = first * 2 ** level;
    const twice: readonly DeltaStep[] = [
      { kind: 'copy', offset: 0, length: size },
      { kind: 'copy', offset: 0, length: size },
    ];
    entries.push({ kind: 'ofs-delta', base: level, delta: delta(size, twice) });
  }
  return entries;
}
