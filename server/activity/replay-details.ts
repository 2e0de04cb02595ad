// Reads the details of entries, leniently: they may be of another version of the guard, and what they lack is not known.
import { z } from 'zod';
import { replayedFinding } from '../../core/activity/replay.ts';
import type { PushStep } from '../../core/activity/replay.ts';
import type { RecordedEvent } from '../../core/services.ts';

/** A text, null where there is none. */
export const text = z.string().nullable().catch(null).default(null);
/** A number, 0 where there is none. */
export const count = z.int().catch(0).default(0);

/** A list of which only what has the wanted form is taken. */
function listOf<T>(item: z.ZodType<T>): z.ZodType<readonly T[]> {
  return z
    .array(z.unknown())
    .catch([])
    .default([])
    .transform((items) =>
      items.flatMap((one) => {
        const read = item.safeParse(one);
        return read.success ? [read.data] : [];
      }),
    );
}

const refs = listOf(
  z
    .object({ ref: z.string(), old: z.string(), new: z.string(), kind: text })
    .transform(({ kind, ...rest }) => ({ ...rest, change: kind })),
);

export const receivedDetails = z.object({
  refUpdates: refs,
  refUpdateCount: count,
  address: text,
  userAgent: text,
});
export const decidedDetails = z.object({
  verdict: z.string().catch('not known').default('not known'),
  policyDigest: z.string().catch('').default(''),
  approval: text,
  reasons: listOf(z.object({ rule: z.string(), action: z.string() })),
  exceptions: listOf(z.object({ exception: z.string() }).transform(({ exception }) => exception)),
  refUpdates: refs,
  refUpdateCount: count,
  refLists: listOf(z.object({ digest: z.string() })),
  findings: listOf(replayedFinding),
  findingCount: count,
});
export const keptDetails = z.object({ digest: text, missing: text });
export const endDetails = z.object({ code: text, note: text });
export const fetchDetails = z.object({ command: text, address: text, code: text });
const approvalDetails = z.object({ decision: text, comment: text, reason: text, note: text });

/** A time as steps have it. */
export const stamp = (time: Date): string => time.toISOString();

/** What every step has. */
export function commonOf(first: RecordedEvent, group: readonly RecordedEvent[]) {
  const { request, repository } = first.event;
  return { request, repository, at: stamp(first.time), entries: group.map(({ index }) => index) };
}

/** A step of an approval. */
export function approvalStepOf({ index, time, event }: RecordedEvent): PushStep['approval'][number] {
  const { decision, comment, reason, note } = approvalDetails.parse(event.details);
  return {
    index,
    at: stamp(time),
    action: event.action,
    by: event.actor?.id ?? null,
    decision,
    reason: comment ?? reason ?? note,
  };
}
