// The hashes of a log in an evidence pack: every tile must hash to what stands above it. With that, the root of any size
// that the tiles reach is known, and the leaves of the entries are.
import type { LogWalk } from '../../../core/log-walk.ts';
import { coveringNodes, hashLength, nodeHash, type Edge, type Hash } from '../../../core/merkle.ts';
import { sameHash } from '../../../core/merkle-proof.ts';
import { tileHeight, tileWidth, type TileId } from '../../../core/tile.ts';
import { packTilePath, packTiles } from './pack-layout.ts';
import type { PackReader } from './pack-reader.ts';

function perfectRoot(hashes: readonly Hash[]): Hash | undefined {
  let level = hashes;
  while (level.length > 1) {
    const above: Hash[] = [];
    for (let at = 0; at + 1 < level.length; at += 2) {
      const [left, right] = [level[at], level[at + 1]];
      if (left !== undefined && right !== undefined) above.push(nodeHash(left, right));
    }
    level = above;
  }
  return level[0];
}

export class PackTiles {
  readonly #pack: PackReader;
  /** Tiles above the leaves, and the last of the leaves: the others are read when they are needed. */
  readonly #kept = new Map<string, readonly Hash[]>();

  constructor(pack: PackReader) {
    this.#pack = pack;
  }

  /** Reads all tiles and compares each full one with the tile above it. */
  async check(walk: LogWalk): Promise<void> {
    const { size } = this.#pack.manifest;
    const tiles = [...packTiles(this.#pack.manifest)].toReversed();
    for (const tile of tiles) {
      const hashes = await this.#read(tile);
      const level = Number(tile.level);
      const at = tile.index * tileWidth ** (level + 1);
      if (hashes === undefined) {
        walk.report('hash-changed', at, `the tile ${packTilePath(tile)} is missing or has another size`);
        continue;
      }
      const isLast = tile.width < tileWidth || (tile.index + 1) * tileWidth === size;
      if (level > 0 || isLast) this.#kept.set(packTilePath(tile), hashes);
      if (tile.width < tileWidth) continue;
      const above = await this.#hash({ level: level + 1, index: tile.index });
      const root = perfectRoot(hashes);
      if (above === undefined || root === undefined || sameHash(above, root)) continue;
      walk.report('hash-changed', at, `the tile ${packTilePath(tile)} does not fit the tile above it`);
    }
  }

  async #read(tile: TileId): Promise<readonly Hash[] | undefined> {
    const kept = this.#kept.get(packTilePath(tile));
    if (kept !== undefined) return kept;
    const bytes = await this.#pack.read(packTilePath(tile));
    if (bytes?.length !== tile.width * hashLength) return undefined;
    return Array.from({ length: tile.width }, (_, at) =>
      bytes.subarray(at * hashLength, (at + 1) * hashLength),
    );
  }

  /** The hash that stands at a place of a level of tiles. */
  async #hash({
    level,
    index,
  }: {
    readonly level: number;
    readonly index: number;
  }): Promise<Hash | undefined> {
    return (await this.#tileOf(level, Math.floor(index / tileWidth)))?.[index % tileWidth];
  }

  async #tileOf(level: number, index: number): Promise<readonly Hash[] | undefined> {
    const count = Math.floor(this.#pack.manifest.size / tileWidth ** level);
    const width = Math.min(tileWidth, count - index * tileWidth);
    return width <= 0 ? undefined : this.#read({ level, index, width });
  }

  /** The leaf hashes of the entries of one bundle. */
  async leaves(index: number): Promise<readonly Hash[]> {
    return (await this.#tileOf(0, index)) ?? [];
  }

  /** The right edge of the tree of `size` entries; undefined where the tiles do not reach it. */
  async edgeAt(size: number): Promise<Edge | undefined> {
    const hashes: Hash[] = [];
    for (const { level, index } of coveringNodes(0, size)) {
      const stored = Math.floor(level / tileHeight);
      const width = 2 ** (level % tileHeight);
      const first = index * width;
      const tile = await this.#tileOf(stored, Math.floor(first / tileWidth));
      const part = tile?.slice(first % tileWidth, (first % tileWidth) + width) ?? [];
      const root = part.length === width ? perfectRoot(part) : undefined;
      if (root === undefined) return undefined;
      hashes.push(root);
    }
    return { size, hashes };
  }
}
