// Names of the resources of a log in tiles (C2SP tlog-tiles). Paths come from anyone.
//
//   tile   = level "/" index [ ".p/" width ]      ; hashes of one level
//   bundle = "entries/" index [ ".p/" width ]     ; the entries themselves
//   level  = "0" … "63"                           ; no leading zeros
//   index  = *( "x" 3DIGIT "/" ) 3DIGIT           ; 1234067 is x001/x234/067
//   width  = "1" … "255"                          ; only where the tile is not full

/** Levels of the tree between two tiles that stand on each other: a tile is 8 levels high. */
export const tileHeight = 8;
/** Hashes or entries in a full tile. */
export const tileWidth = 256;

export interface TileId {
  /** 0 is that of the leaf hashes; `entries` are the leaves' own bytes. */
  readonly level: number | 'entries';
  readonly index: number;
  /** 1 to 256. */
  readonly width: number;
}

const pathPattern =
  /^(?<level>entries|0|[1-9][0-9]?)\/(?<groups>(?:x[0-9]{3}\/){0,4})(?<last>[0-9]{3})(?:\.p\/(?<width>[1-9][0-9]{0,2}))?$/;
const highestLevel = 63;

/** The path of a tile below `/tile/`. */
export function tilePath({ level, index, width }: TileId): string {
  const groups: string[] = [];
  for (let rest = index; groups.length === 0 || rest > 0; rest = Math.floor(rest / 1000)) {
    const digits = String(rest % 1000).padStart(3, '0');
    groups.unshift(groups.length === 0 ? digits : `x${digits}`);
  }
  return `${level}/${groups.join('/')}${width === tileWidth ? '' : `.p/${width}`}`;
}

/** Reads such a path; undefined where it is none, or not in its one right form. */
export function parseTilePath(path: string): TileId | undefined {
  const groups = pathPattern.exec(path)?.groups;
  if (groups === undefined) return undefined;
  const level: TileId['level'] = groups['level'] === 'entries' ? 'entries' : Number(groups['level']);
  const index = Number(`${groups['groups'] ?? ''}${groups['last'] ?? ''}`.replaceAll(/[x/]/g, ''));
  const width = groups['width'] === undefined ? tileWidth : Number(groups['width']);
  if ((level !== 'entries' && level > highestLevel) || width > tileWidth) return undefined;
  const id = { level, index, width };
  return tilePath(id) === path ? id : undefined;
}

/** All tiles that a log of `size` entries has, hashes of each level first, then the entries; partial ones included. */
export function* tilesOf(size: number): Generator<TileId> {
  for (let level = 0, count = size; count > 0; level += 1, count = Math.floor(count / tileWidth))
    yield* tilesOfLevel(level, count);
  yield* tilesOfLevel('entries', size);
}

function* tilesOfLevel(level: TileId['level'], count: number): Generator<TileId> {
  const full = Math.floor(count / tileWidth);
  for (let index = 0; index < full; index += 1) yield { level, index, width: tileWidth };
  if (count % tileWidth > 0) yield { level, index: full, width: count % tileWidth };
}
