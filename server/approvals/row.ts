// An approval as the database gives it, checked before it is believed.
import { z } from 'zod';
import { type Approval, voteDecisions } from '../../core/approval.ts';
import { approvalStates } from '../../core/approval/state.ts';
import { principalSchema } from '../../core/audit-entry.ts';
import type { Json } from '../../core/audit-event.ts';
import { type Oid, parseOid } from '../../core/oid.ts';
import { operations } from '../../core/operation.ts';

const oid = z.string().transform((text, context): Oid => {
  const parsed = parseOid(text, text.length === 64 ? 'sha256' : 'sha1');
  if (parsed !== undefined) return parsed;
  context.addIssue({ code: 'custom', message: 'expected an object id' });
  return z.NEVER;
});

const jsonObject = z.custom<{ readonly [key: string]: Json }>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
);

const binding = z.strictObject({
  kind: z.enum(operations),
  repository: z.string(),
  refUpdates: z.array(z.strictObject({ ref: z.string(), oldOid: oid, newOid: oid })),
  objectSetDigest: z.string(),
  findingsDigest: z.string(),
  policyDigest: z.string(),
  catalogDigest: z.string(),
  actor: principalSchema,
  owner: z.string().nullable(),
});

/** Times inside JSON are texts. */
const textTime = z.iso.datetime({ offset: true }).transform((text) => new Date(text));

const vote = z.strictObject({
  person: z.string(),
  owner: z.string().nullable(),
  session: z.string(),
  decision: z.enum(voteDecisions),
  comment: z.string().nullable(),
  meets: z.array(z.int()),
  at: textTime,
  revokedAt: textTime.nullable(),
});

const breakGlass = z.strictObject({
  person: z.string(),
  owner: z.string().nullable(),
  reason: z.string(),
  at: textTime,
  review: z.strictObject({ person: z.string(), comment: z.string(), at: textTime }).nullable(),
});

const row = z.object({
  id: z.string(),
  request: z.string(),
  binding,
  bindingDigest: z.string(),
  held: z.string(),
  reason: z.string().nullable(),
  holds: z.array(z.strictObject({ rule: z.string(), message: z.string() })),
  details: jsonObject,
  requirements: z.array(
    z.strictObject({
      rule: z.string(),
      approvers: z.array(z.string()),
      count: z.int(),
      expiresAfter: z.int(),
      escalate: z.strictObject({ to: z.array(z.string()), after: z.int() }).optional(),
    }),
  ),
  votes: z.array(vote),
  breakGlass: breakGlass.nullable(),
  escalated: z.array(z.int()),
  state: z.enum(approvalStates),
  version: z.int(),
  createdAt: z.date(),
  expiresAt: z.date(),
  stateAt: z.date(),
  supersededBy: z.string().nullable(),
  note: z.string().nullable(),
  epoch: z.int(),
  leaseUntil: z.date().nullable(),
  now: z.date(),
  isRecorded: z.boolean(),
});

/** An approval together with what only this part needs to know. */
export interface StoredApproval {
  readonly approval: Approval;
  /** Which claim to apply it was the last. */
  readonly epoch: number;
  /** Until when the one who applies it has it for itself; null unless it is being applied. */
  readonly leaseUntil: Date | null;
  /** The database's clock when the row was read. */
  readonly now: Date;
  /** True where the audit log holds all of it, so that it may take effect. */
  readonly isRecorded: boolean;
}

/** Reads a row of `approvalColumns`. Throws where it is none. */
export function readApprovalRow(found: object): StoredApproval {
  const { epoch, leaseUntil, now, isRecorded, ...approval } = row.parse(found);
  return { approval, epoch, leaseUntil, now, isRecorded };
}

/** What `readApprovalRow` reads, of `approval a`. */
export const approvalColumns = `a.id, a.request, a.binding, a.binding_digest as "bindingDigest", a.held, a.reason,
  a.holds, a.details, a.requirements, a.escalated, a.state, a.version, a.created_at as "createdAt", a.expires_at as "expiresAt",
  a.state_at as "stateAt", a.superseded_by as "supersededBy", a.note, a.epoch, a.lease_until as "leaseUntil",
  (select coalesce(json_agg(json_build_object('person', v.person, 'owner', v.owner, 'session', v.session,
     'decision', v.decision, 'comment', v.comment, 'meets', v.meets, 'at', v.at, 'revokedAt', v.revoked_at)
     order by v.seq), '[]') from approval_vote v where v.approval = a.id) as votes,
  (select json_build_object('person', b.person, 'owner', b.owner, 'reason', b.reason, 'at', b.at, 'review',
     case when b.reviewed_at is null then null else json_build_object('person', b.reviewed_by, 'comment',
       b.review_comment, 'at', b.reviewed_at) end)
     from approval_break_glass b where b.approval = a.id) as "breakGlass",
  clock_timestamp() as now,
  not exists (select from approval_outbox o where o.approval = a.id and o.recorded_at is null) as "isRecorded"`;
