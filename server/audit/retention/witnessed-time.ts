// What others have signed about the age of entries: a cosignature over N entries at a time shows that those entries were
// there then, and that later ones were not old at that time. Counts only signatures of the witnesses that are configured.
import type { NoteVerifier } from '../../../core/checkpoint.ts';
import { cosignedAt } from '../../../core/cosignature.ts';
import type { Queryable } from '../../db.ts';
import { readCosignedNear } from './store.ts';

interface Cosigned {
  readonly size: number;
  readonly at: Date;
}

async function near(
  client: Queryable,
  witness: NoteVerifier,
  side: 'up-to' | 'from',
  size: number,
): Promise<Cosigned | undefined> {
  const found = await readCosignedNear(client, `${witness.name}+${witness.keyId}`, side, size);
  const at = found === undefined ? undefined : cosignedAt(found.note, witness);
  return found === undefined || at === undefined ? undefined : { size: found.size, at };
}

/** When any of the witnesses has last signed; undefined where none has. */
export async function lastWitnessed(
  client: Queryable,
  witnesses: readonly NoteVerifier[],
  size: number,
): Promise<Date | undefined> {
  const found = await Promise.all(witnesses.map((witness) => near(client, witness, 'up-to', size)));
  const times = found.flatMap((one) => (one === undefined ? [] : [one.at.getTime()]));
  return times.length === 0 ? undefined : new Date(Math.max(...times));
}

/** The entries that one witness allows to be called older than `cutoff`. */
async function allowedBy(
  client: Queryable,
  witness: NoteVerifier,
  cutoff: Date,
  size: number,
): Promise<number> {
  const oldest = await near(client, witness, 'from', 0);
  if (oldest === undefined) return size;
  // What was there before the witness came is as old as it says itself.
  if (oldest.at > cutoff) return oldest.size;
  let low = oldest.size;
  for (let high = size; low < high;) {
    const middle = Math.ceil((low + high) / 2);
    const found = await near(client, witness, 'up-to', middle);
    if (found !== undefined && found.at <= cutoff) low = middle;
    else high = middle - 1;
  }
  return (await near(client, witness, 'up-to', low))?.size ?? oldest.size;
}

/** How many entries are older than `cutoff` as far as the witnesses can tell; at most `size`. */
export async function witnessedBefore(
  client: Queryable,
  witnesses: readonly NoteVerifier[],
  cutoff: Date,
  size: number,
): Promise<number> {
  const allowed = await Promise.all(witnesses.map((witness) => allowedBy(client, witness, cutoff, size)));
  return Math.min(size, ...allowed);
}
