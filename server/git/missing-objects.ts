// Files that the cache of trees lacks are fetched from the upstream when somebody reads them.
import type { Oid } from '../../core/oid.ts';
import type { ObjectReader } from './object-reader.ts';
import type { Workshop } from './workshop.ts';

/** Objects that one fetch asks for. */
const atOnce = 5_000;

/** Fetches those of these objects that are not here; gives the size in bytes of each that is, then. */
export async function fetchMissing(
  { history, remote }: Pick<Workshop, 'history' | 'remote'>,
  reader: ObjectReader,
  oids: readonly Oid[],
  signal: AbortSignal,
): Promise<ReadonlyMap<Oid, number>> {
  const sizes = new Map<Oid, number>();
  const look = async (wanted: readonly Oid[]): Promise<readonly Oid[]> => {
    const missing: Oid[] = [];
    let at = 0;
    for await (const header of reader.headers(wanted)) {
      const oid = wanted[at];
      at += 1;
      if (oid === undefined) continue;
      if (header === undefined) missing.push(oid);
      else sizes.set(oid, header.size);
    }
    return missing;
  };
  const missing = await look(oids);
  for (let at = 0; at < missing.length; at += atOnce)
    await history.fetchTrees(remote, missing.slice(at, at + atOnce), signal);
  if (missing.length > 0) await look(missing);
  return sizes;
}
