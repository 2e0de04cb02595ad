// The log as C2SP tlog-tiles: read out of the table, never stored a second time. Paths come from anyone; what is served
// is only as good as the checkpoint that a reader compares it with.
import { hashLength } from '../../core/merkle.ts';
import { tileWidth, type TileId } from '../../core/tile.ts';
import type { Queryable } from '../db.ts';
import { refusePruned } from './retention/pruned.ts';
import { readEntryRange, readHashes } from './store.ts';

/** Entries with their length in front, two bytes big-endian. */
async function entryBundle(
  client: Queryable,
  begin: number,
  end: number,
): Promise<{ readonly count: number; readonly bytes: Uint8Array }> {
  const rows = await readEntryRange(client, begin, end);
  const parts = rows.flatMap(({ body }) => {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(body.length);
    return [length, body];
  });
  return { count: rows.length, bytes: Buffer.concat(parts) };
}

/**
 * The bytes of a tile of hashes or a bundle of entries; undefined where the log does not reach that far. A partial tile
 * is served in any width that the log has reached. Rejects with `audit/pruned` where entries are gone by intention.
 */
export async function readTile(
  client: Queryable,
  { level, index, width }: TileId,
): Promise<Uint8Array | undefined> {
  const begin = index * tileWidth;
  if (!Number.isSafeInteger(begin + tileWidth)) return undefined;
  if (level === 'entries') {
    const { count, bytes } = await entryBundle(client, begin, begin + width);
    if (count === width) return bytes;
    await refusePruned(client, begin, begin + width);
    return undefined;
  }
  if (level > 6) return undefined;
  const [bytes] = await readHashes(client, [{ level, begin, end: begin + width }]);
  return bytes?.length === width * hashLength ? bytes : undefined;
}
