// What stands where in an evidence pack. `verify.py`, which is shipped inside, reads the same layout.
import { z } from 'zod';
import { tilePath, tileWidth, type TileId } from '../../../core/tile.ts';

export const packFormat = 'forgeguard-audit-pack/1';
/** The directory that everything stands in. */
export const packRoot = 'forgeguard-audit';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

export const manifestSchema = z.strictObject({
  format: z.literal(packFormat),
  origin: z.string(),
  /** The entries [first, past) of a log of `size`. */
  first: z.int().nonnegative(),
  past: z.int().nonnegative(),
  size: z.int().positive(),
  /** The period [from, to) that was asked for; null where it has no such end. */
  from: z.iso.datetime({ precision: 3 }).nullable(),
  to: z.iso.datetime({ precision: 3 }).nullable(),
  files: z.record(z.string(), sha256),
});
export type PackManifest = z.output<typeof manifestSchema>;

/** The keys of the log, oldest first: the first is there from the beginning. */
export const keysSchema = z
  .array(z.strictObject({ since: z.int().min(-1), key: z.string() }))
  .refine(
    (keys) => keys[0]?.since === -1 && keys.every(({ since }, at) => since > (keys[at - 1]?.since ?? -2)),
  );

export const checkpointLineSchema = z.strictObject({ size: z.int().positive(), note: z.string() });

/** What was sealed in an entry: its SHA-256 is what the entry commits to. */
export const openedLineSchema = z.strictObject({ index: z.int().nonnegative(), plaintext: z.string() });

/** Entries come in whole tiles where there are such: those around [first, past). */
export function coveredRange({ first, past, size }: Pick<PackManifest, 'first' | 'past' | 'size'>): {
  readonly begin: number;
  readonly end: number;
} {
  const begin = Math.floor(first / tileWidth) * tileWidth;
  return { begin, end: Math.min(size, Math.ceil(past / tileWidth) * tileWidth) };
}

/** The tiles of a pack: hashes of all levels but the lowest, of the lowest those around the entries and the last. */
export function* packTiles(range: Pick<PackManifest, 'first' | 'past' | 'size'>): Generator<TileId> {
  const { begin, end } = coveredRange(range);
  const { size } = range;
  const partial = size % tileWidth;
  for (let index = begin / tileWidth; index * tileWidth < end; index += 1)
    yield { level: 0, index, width: Math.min(tileWidth, size - index * tileWidth) };
  if (partial > 0 && size - partial >= end)
    yield { level: 0, index: (size - partial) / tileWidth, width: partial };
  for (let level = 1, count = Math.floor(size / tileWidth); count > 0; level += 1) {
    for (let index = 0; index * tileWidth < count; index += 1)
      yield { level, index, width: Math.min(tileWidth, count - index * tileWidth) };
    count = Math.floor(count / tileWidth);
  }
}

/** Where a tile stands in the pack. */
export function packTilePath(tile: TileId): string {
  return `tile/${tilePath(tile)}`;
}

const fixedNames =
  'README\\.txt|manifest\\.json|verify\\.py|checkpoint|cosigned|timestamped|timestamp\\.tsr|keys\\.json';
const numbered =
  '(?:checkpoints|entries|opened)/[0-9]{16}\\.jsonl|proofs/[0-9]{1,16}\\.(?:tlog-proof|consistency)';
const others = 'evidence/[0-9a-f]{64}\\.json|reports/[A-Za-z0-9][A-Za-z0-9._-]{0,120}\\.(?:json|html)';
const pathPattern = new RegExp(
  `^(?:${fixedNames}|${numbered}|policies/[0-9a-f]{64}\\.yaml|${others}|tile/(?:entries|[0-9]{1,2})/[0-9x/.p]{3,40})$`,
);

/** True for the paths that a pack may have; nothing that leads out of its directory. */
export function isPackPath(path: string): boolean {
  return pathPattern.test(path) && !path.includes('..');
}

/** No file of a pack is larger: a bundle of 256 entries of 64 KiB. */
export const maxPackFileBytes = 17 * 1024 * 1024;
