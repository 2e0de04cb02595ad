// What others have signed about the age of entries: a signature with a time over N entries shows that those entries were
// there then, and that later ones were not old at that time. Counts only those of whom the configuration trusts.
import type { NoteVerifier } from '../../../core/checkpoint.ts';
import { cosignedAt } from '../../../core/cosignature.ts';
import type { Queryable } from '../../db.ts';
import { readTimestampNear } from '../timestamps/store.ts';
import { readTimestamp } from '../timestamps/timestamp.ts';
import { readCosignedNear } from './store.ts';

interface Attested {
  readonly size: number;
  readonly at: Date;
}

/** Finds what somebody has signed next to a size, at most or at least that large; undefined where nothing good is there. */
export type Attestor = (
  client: Queryable,
  side: 'up-to' | 'from',
  size: number,
) => Promise<Attested | undefined>;

/** Cosignatures of a witness. */
export function witnessAttestor(witness: NoteVerifier): Attestor {
  return async (client, side, size) => {
    const found = await readCosignedNear(client, `${witness.name}+${witness.keyId}`, side, size);
    const at = found === undefined ? undefined : cosignedAt(found.note, witness);
    return found === undefined || at === undefined ? undefined : { size: found.size, at };
  };
}

/** Time stamps of authorities; PEM text. */
export function timestampAttestor(authorities: string): Attestor {
  return async (client, side, size) => {
    const found = await readTimestampNear(client, side, size);
    const reading = found && (await readTimestamp(found.response, { note: found.note, authorities }));
    return found !== undefined && reading?.kind === 'good' ? { size: found.size, at: reading.at } : undefined;
  };
}

/** When any of them has last signed; undefined where none has. */
export async function lastWitnessed(
  client: Queryable,
  attestors: readonly Attestor[],
  size: number,
): Promise<Date | undefined> {
  const found = await Promise.all(attestors.map((attestor) => attestor(client, 'up-to', size)));
  const times = found.flatMap((one) => (one === undefined ? [] : [one.at.getTime()]));
  return times.length === 0 ? undefined : new Date(Math.max(...times));
}

/** The entries that one of them allows to be called older than `cutoff`. */
async function allowedBy(client: Queryable, attestor: Attestor, cutoff: Date, size: number): Promise<number> {
  const oldest = await attestor(client, 'from', 0);
  if (oldest === undefined) return size;
  // What was there before the first signature is as old as it says itself.
  if (oldest.at > cutoff) return oldest.size;
  let low = oldest.size;
  for (let high = size; low < high;) {
    const middle = Math.ceil((low + high) / 2);
    const found = await attestor(client, 'up-to', middle);
    if (found !== undefined && found.at <= cutoff) low = middle;
    else high = middle - 1;
  }
  return (await attestor(client, 'up-to', low))?.size ?? oldest.size;
}

/** How many entries are older than `cutoff` as far as any of them can tell; at most `size`. */
export async function witnessedBefore(
  client: Queryable,
  attestors: readonly Attestor[],
  cutoff: Date,
  size: number,
): Promise<number> {
  const allowed = await Promise.all(attestors.map((attestor) => allowedBy(client, attestor, cutoff, size)));
  return Math.min(size, ...allowed);
}
