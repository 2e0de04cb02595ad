// What is known of one attempt, folded from its entries in the order of the log. The entries were written by a guard,
// maybe of another version: what they lack is left out, what they have too much of is ignored.
import { z } from 'zod';
import type { AuditEvent } from '../audit-event.ts';
import { bypassFactsOf, bypassFactsSchema } from './bypass.ts';

/** `seen`: it was at the upstream already when the guard looked at it; `removed`: and the guard has deleted it there. */
export const outcomes = ['open', 'held', 'forwarded', 'refused', 'unknown', 'seen', 'removed'] as const;
export type Outcome = (typeof outcomes)[number];

const mostRefs = 20;
const mostNames = 100;
const counted = z.record(z.string(), z.int().nonnegative());

const refSchema = z.object({
  ref: z.string(),
  old: z.string(),
  new: z.string(),
  kind: z.string().optional(),
});

/** The facts of an attempt; each is missing where no entry has told it. */
export const factsSchema = z.object({
  refs: z.array(refSchema).optional(),
  refCount: z.int().optional(),
  address: z.string().optional(),
  userAgent: z.string().optional(),
  verdict: z.string().optional(),
  policyDigest: z.string().optional(),
  /** Rules that matched, with what each asked for. */
  rules: z.array(z.object({ rule: z.string(), action: z.string() })).optional(),
  findings: z.int().optional(),
  criticalFindings: z.int().optional(),
  /** How many findings there were of each identifier. */
  identifiers: counted.optional(),
  /** How many findings each exception of the policy excused. */
  exceptions: counted.optional(),
  objects: z.int().optional(),
  bytes: z.int().optional(),
  code: z.string().optional(),
  by: z.string().optional(),
  approval: z.string().optional(),
  approvalState: z.string().optional(),
  evidence: z.string().optional(),
  /** Why no evidence is there. */
  evidenceMissing: z.string().optional(),
  /** Of a push that went around the guard. */
  bypass: bypassFactsSchema.optional(),
});
export type Facts = z.output<typeof factsSchema>;

const receivedSchema = z
  .object({
    refUpdates: z.array(refSchema),
    refUpdateCount: z.int(),
    address: z.string(),
    userAgent: z.string(),
  })
  .partial()
  .transform(({ refUpdates, refUpdateCount, address, userAgent }) => ({
    refs: refUpdates?.slice(0, mostRefs),
    refCount: refUpdateCount,
    address,
    userAgent,
  }));

const decidedSchema = z
  .object({
    verdict: z.string(),
    policyDigest: z.string(),
    reasons: z.array(z.object({ rule: z.string(), action: z.string() })),
    refUpdates: z.array(refSchema),
    findingCount: z.int(),
    criticalFindings: z.int(),
    identifiers: counted,
    exceptions: z.array(z.object({ exception: z.string() })),
    objects: z.int(),
    bytes: z.int(),
  })
  .partial()
  .transform(({ reasons, refUpdates, findingCount, exceptions, ...rest }) => ({
    ...rest,
    rules: reasons?.slice(0, mostNames),
    refs: refUpdates?.slice(0, mostRefs),
    findings: findingCount,
    exceptions: exceptions === undefined ? undefined : countOf(exceptions.map(({ exception }) => exception)),
  }));

const outcomeSchema = z.object({ code: z.string(), by: z.string(), approval: z.string() }).partial();
const evidenceSchema = z
  .object({ kind: z.string(), digest: z.string(), missing: z.string() })
  .partial()
  .transform(({ kind, digest, missing }) =>
    // The list of refs is evidence for comparisons, not of what has changed.
    kind === 'push-refs' ? {} : { evidence: digest, evidenceMissing: missing },
  );

const bypassedSchema = z
  .looseObject({ ref: z.string(), before: z.string(), after: z.string(), update: z.string().optional() })
  .transform((told) => ({
    refs: [{ ref: told.ref, old: told.before, new: told.after, kind: told.update }],
    refCount: 1,
    bypass: bypassFactsOf(told),
  }));
const scannedBypassSchema = z
  .looseObject({ problem: z.string().optional() })
  .transform((told) => ({ ...decidedSchema.safeParse(told).data, code: told.problem }));

type Reader = z.ZodType<Partial<Record<keyof Facts, unknown>>>;

/** What is read from the details of which entry, by its action or by the step alone. */
const readers: Readonly<Record<string, Reader>> = {
  'bypass.detected': bypassedSchema,
  'bypass.scanned': scannedBypassSchema,
  received: receivedSchema,
  decided: decidedSchema,
  scanned: decidedSchema,
  held: outcomeSchema,
  refused: outcomeSchema,
  forwarded: outcomeSchema,
  unknown: outcomeSchema,
  kept: evidenceSchema,
};

function countOf(names: readonly string[]): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return Object.fromEntries([...counts].slice(0, mostNames));
}

function stepOf(action: string): string {
  return action.slice(action.indexOf('.') + 1);
}

/** The approval actions after which a request is not there any more to be decided. */
const ended: ReadonlySet<string> = new Set([
  'denied',
  'expired',
  'superseded',
  'cancelled',
  'applied',
  'failed',
  'stale',
]);
const approvalMoves: ReadonlySet<string> = new Set([
  ...ended,
  'requested',
  'reopened',
  'approved',
  'applying',
]);

/** True where people have been asked about the attempt and it has not ended. */
export function isWaiting({ approvalState }: Facts): boolean {
  return approvalState !== undefined && !ended.has(approvalState);
}

/** The facts after one more entry of the attempt. */
export function foldFacts(facts: Facts, { action, details }: Pick<AuditEvent, 'action' | 'details'>): Facts {
  const step = stepOf(action);
  if (action.startsWith('approval.'))
    return approvalMoves.has(step) ? { ...facts, approvalState: step } : facts;
  const read = (readers[action] ?? readers[step])?.safeParse(details);
  if (read?.success !== true) return facts;
  const told = Object.entries(read.data).filter(([, value]) => value !== undefined);
  const next = factsSchema.safeParse({ ...facts, ...Object.fromEntries(told) });
  return next.success ? next.data : facts;
}

/** The outcome after one more entry. What was held and approved is decided once more, and ends anew. */
export function foldOutcome(outcome: Outcome, action: string): Outcome {
  if (action.startsWith('approval.')) return outcome;
  const step = stepOf(action);
  return stepOutcomes[step] ?? outcomes.find((name) => name === step) ?? outcome;
}

/** Outcomes that are called otherwise than the step that leads to them. */
const stepOutcomes: Readonly<Record<string, Outcome>> = {
  detected: 'seen',
  scanned: 'seen',
  unscanned: 'seen',
  deleted: 'removed',
};
