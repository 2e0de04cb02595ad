// Reads a log from its tiles as a stranger does: shares no code with the product, only the specification.
import { createHash } from 'node:crypto';

/** Fetches a resource below the log's prefix; rejects where it is not there. */
export type FetchTile = (path: string) => Promise<Buffer>;

const sha256 = (...parts: readonly Buffer[]): Buffer => {
  const digest = createHash('sha256');
  for (const part of parts) digest.update(part);
  return digest.digest();
};

const nodeOf = (left: Buffer, right: Buffer): Buffer => sha256(Buffer.from([1]), left, right);
export const leafOf = (entry: Buffer): Buffer => sha256(Buffer.from([0]), entry);

/** MTH of RFC 6962 §2.1 over leaf hashes, by its definition. */
export function rootOver(leaves: readonly Buffer[]): Buffer {
  const [only] = leaves;
  if (only === undefined) return sha256();
  if (leaves.length === 1) return only;
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return nodeOf(rootOver(leaves.slice(0, k)), rootOver(leaves.slice(k)));
}

/** `x001/x234/067` for 1234067. */
function indexPath(index: number): string {
  const digits = String(index);
  const padded = digits.padStart(Math.ceil(digits.length / 3) * 3, '0');
  const groups = padded.match(/.{3}/g) ?? [];
  return groups.map((group, at) => (at === groups.length - 1 ? group : `x${group}`)).join('/');
}

async function readLevel(fetch: FetchTile, name: string, count: number): Promise<readonly Buffer[]> {
  const parts: Buffer[] = [];
  for (let index = 0; index * 256 < count; index += 1) {
    const width = Math.min(256, count - index * 256);
    parts.push(await fetch(`tile/${name}/${indexPath(index)}${width === 256 ? '' : `.p/${width}`}`));
  }
  return parts;
}

const hashesIn = (tile: Buffer): readonly Buffer[] =>
  Array.from({ length: tile.length / 32 }, (_, at) => tile.subarray(at * 32, at * 32 + 32));

function entriesIn(bundle: Buffer): readonly Buffer[] {
  const entries: Buffer[] = [];
  for (let at = 0; at < bundle.length;) {
    const length = bundle.readUInt16BE(at);
    entries.push(bundle.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return entries;
}

/**
 * Reads the log of `size` entries whole: every level of tiles must be that of the level below, down to the entries'
 * bytes. Returns the entries and their root.
 */
export async function readWholeLog(
  fetch: FetchTile,
  size: number,
): Promise<{ readonly entries: readonly Buffer[]; readonly root: Buffer }> {
  const entries = (await readLevel(fetch, 'entries', size)).flatMap(entriesIn);
  const leaves = entries.map(leafOf);
  let below: readonly Buffer[] = leaves;
  for (let level = 0, count = size; count > 0; level += 1, count = Math.floor(count / 256)) {
    const tiles = await readLevel(fetch, String(level), count);
    if (!Buffer.concat(tiles).equals(Buffer.concat([...below])))
      throw new Error(`the tiles of level ${level} are not those of what is below`);
    below = tiles.filter((tile) => tile.length === 8_192).map((tile) => rootOver(hashesIn(tile)));
  }
  return { entries, root: rootOver(leaves) };
}
