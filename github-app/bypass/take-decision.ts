// What the guard is about to forward, from the entry of its decision: the updates in it, or where it has no room for all of
// them those of the lists that it names. What cannot be had any more is counted, so that it is neither silence nor an alarm.
import { z } from 'zod';
import type { EvidenceStore } from '../../core/activity/evidence.ts';
import type { AuditEvent } from '../../core/audit-event.ts';
import { GuardError } from '../../core/errors.ts';
import type { Queryable } from '../../server/db.ts';
import { insertForwards, insertUnlisted, type RefMove } from './ledger-store.ts';
import { refKey } from './ref-key.ts';

export type Evidence = Pick<EvidenceStore, 'find'>;

const oid = z.string().regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/);
const updates = z.array(z.object({ ref: z.string(), old: oid, new: oid, shown: z.string().optional() }));
const decided = z.object({
  verdict: z.string(),
  approval: z.string().optional(),
  // Left out of an entry that has no room for them.
  refUpdates: updates.optional(),
  refUpdateCount: z.int().min(0).optional(),
  refLists: z.array(z.object({ digest: z.string(), count: z.int().min(0) })).optional(),
});

/** Remembers it; one part of a list is in memory at a time. Rejects with `database/unavailable`. */
export async function takeDecision(
  client: Queryable,
  { request, repository, details }: AuditEvent,
  at: Date,
  evidence: Evidence,
): Promise<void> {
  const push = decided.safeParse(details).data;
  if (push === undefined || repository === null) return;
  if (push.verdict !== 'allow' && push.approval === undefined) return;
  const forward = { request, repository: repository.toLowerCase(), at };
  const inEntry = push.refUpdates ?? [];
  const total = push.refUpdateCount ?? inEntry.length;
  let known = 0;
  for await (const { first, part } of partsOf(inEntry, push.refLists, evidence)) {
    await insertForwards(client, forward, part.map(moveOf), first);
    known += part.length;
  }
  if (known < total) await insertUnlisted(client, forward, total - known);
}

type Updates = z.output<typeof updates>;

interface Part {
  /** How many updates of the push come before. */
  readonly first: number;
  readonly part: Updates;
}

/** Parts of the list, in order. For one that is gone there is what the entry has, which is how the list begins. */
async function* partsOf(
  inEntry: Updates,
  lists: z.output<typeof decided>['refLists'],
  evidence: Evidence,
): AsyncGenerator<Part> {
  if (lists === undefined) {
    yield { first: 0, part: inEntry };
    return;
  }
  let first = 0;
  for (const { digest, count } of lists) {
    yield { first, part: (await partOf(evidence, digest)) ?? inEntry.slice(first, first + count) };
    first += count;
  }
}

/** Undefined where it is not what was recorded, or cannot be had any more. */
async function partOf(evidence: Evidence, digest: string): Promise<Updates | undefined> {
  try {
    const found = await evidence.find(digest);
    if (found.kind !== 'kept' || found.evidence.kind !== 'push-refs') return undefined;
    return updates.safeParse(found.evidence.updates).data;
  } catch (thrown) {
    // The key that opens it is not here, and will not come.
    if (thrown instanceof GuardError && thrown.code === 'audit/unavailable') return undefined;
    throw thrown;
  }
}

function moveOf({ ref, shown, old, new: after }: Updates[number]): RefMove {
  // A name that was masked, or destroyed since, is known by its objects alone.
  const isName = shown === undefined && ref.startsWith('refs/');
  return { refKey: isName ? refKey(ref) : null, before: old, after };
}
