// What a pack holds: type and size of every object, before any content is read.
import { GuardError } from '../../core/errors.ts';
import type { Oid } from '../../core/oid.ts';
import type { ObjectReader, ObjectType } from './object-reader.ts';
import type { PackIndex } from './pack-index.ts';

export interface Inventory {
  /** By position in the pack's index. */
  readonly types: readonly ObjectType[];
  /** Bytes of each object, unpacked, by position. */
  readonly sizes: Float64Array;
  readonly bytes: number;
}

const maxStructureBytes = 64 * 1024 * 1024;

/**
 * Reads types and sizes. Rejects with `git/limit` where a commit, tag or tree is larger than 64 MiB, or all together
 * are larger than `maxBytes`.
 */
export async function readInventory(
  index: PackIndex,
  reader: ObjectReader,
  maxBytes: number,
): Promise<Inventory> {
  const types: ObjectType[] = Array.from<ObjectType>({ length: index.count }).fill('blob');
  const sizes = new Float64Array(index.count);
  let at = 0;
  let bytes = 0;
  for await (const header of reader.headers(oidsOf(index, index.byOffset))) {
    const object = index.byOffset[at] ?? -1;
    at += 1;
    if (header === undefined) throw new GuardError('git/bad-pack', 'an object of the pack cannot be read');
    if (header.type !== 'blob' && header.size > maxStructureBytes) {
      throw new GuardError(
        'git/limit',
        `a ${header.type} of ${header.size} bytes is larger than ${maxStructureBytes}`,
      );
    }
    types[object] = header.type;
    sizes[object] = header.size;
    bytes += header.size;
    if (bytes > maxBytes)
      throw new GuardError('git/limit', 'the pack unpacks to more than limits.unpackedBytes allows');
  }
  return { types, sizes, bytes };
}

/** The ids of objects given by position. */
export function* oidsOf(index: PackIndex, objects: Iterable<number>): Generator<Oid> {
  for (const object of objects) yield index.oid(object);
}
