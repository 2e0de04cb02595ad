// Follows the log from a state that is known to one that was reached since, by whichever guard: every hash on the way is
// put into the tree, so what comes out continues what was known or is refused.
import { parseEntry } from '../../core/audit-entry.ts';
import { openCheckpoint, type NoteVerifier } from '../../core/checkpoint.ts';
import { GuardError } from '../../core/errors.ts';
import { appendLeaf, rootOf, type Hash } from '../../core/merkle.ts';
import { sameHash } from '../../core/merkle-proof.ts';
import type { Queryable } from '../db.ts';
import type { Head } from './batch.ts';
import { readTail } from './store.ts';

const pageSize = 5_000;

export interface Followed {
  readonly head: Head;
  /** The root at the size that was asked about; undefined where the log has not reached it. */
  readonly watchedRoot: Hash | undefined;
}

export interface FollowOptions {
  /** The key that must have signed the newest checkpoint: told what the database calls the newest key, null for the first. */
  readonly keyFor: (vkey: string | null) => Promise<NoteVerifier>;
  /** A size whose root is wanted as well, not smaller than that of the known head. */
  readonly watch?: number;
}

function contradicted(): GuardError {
  return new GuardError('audit/inconsistent', 'the audit log was changed while this guard was writing it');
}

/** Rejects with `audit/inconsistent` where the log does not continue `known` or its newest checkpoint does not fit. */
export async function followLog(client: Queryable, known: Head, options: FollowOptions): Promise<Followed> {
  let { edge } = known;
  let watchedRoot = options.watch === edge.size ? rootOf(edge) : undefined;
  for (;;) {
    const { note, lastBody, vkey, leafHashes } = await readTail(client, edge.size, pageSize);
    for (const leaf of leafHashes) {
      ({ edge } = appendLeaf(edge, leaf));
      if (edge.size === options.watch) watchedRoot = rootOf(edge);
    }
    if (leafHashes.length === pageSize) continue;
    const last = lastBody === null ? undefined : parseEntry(lastBody);
    if ((last?.index ?? -1) !== edge.size - 1) throw contradicted();
    if (edge.size === known.edge.size && (note ?? '') === known.note) return { head: known, watchedRoot };
    const checkpoint = note === null ? undefined : openCheckpoint(note, await options.keyFor(vkey));
    if (note === null || checkpoint === undefined || last === undefined) throw contradicted();
    if (checkpoint.size !== edge.size || !sameHash(checkpoint.root, rootOf(edge))) throw contradicted();
    return { head: { edge, lastTime: new Date(last.time), note }, watchedRoot };
  }
}
