// The SQL of the outbox: what is still to be recorded and to be told, one statement a function.
import { z } from 'zod';
import { principalSchema } from '../../core/audit-entry.ts';
import { auditActions, type AuditEvent, type Json } from '../../core/audit-event.ts';
import { approvalTopics } from '../../core/notice-topics.ts';
import type { ApprovalTopic } from '../../core/services.ts';
import type { Queryable } from '../db.ts';

const eventSchema = z.strictObject({
  action: z.enum(auditActions),
  request: z.string(),
  actor: principalSchema.nullable(),
  repository: z.string().nullable(),
  details: z.custom<{ readonly [key: string]: Json }>((value) => typeof value === 'object' && value !== null),
});

export interface Unrecorded {
  readonly seq: number;
  readonly event: AuditEvent;
}

/** What the audit log does not hold yet of a request, oldest first; nobody else records it until the transaction ends. */
export async function lockUnrecorded(
  client: Queryable,
  approval: string,
  limit: number,
): Promise<readonly Unrecorded[]> {
  const rows = await client.query<{ seq: number; event: unknown }>(
    `select seq::float8 as seq, event from approval_outbox
     where approval = $1 and recorded_at is null order by seq limit $2 for update`,
    [approval, limit],
  );
  return rows.map(({ seq, event }) => ({ seq, event: eventSchema.parse(event) }));
}

/** Notes that the audit log holds these. */
export async function markRecorded(client: Queryable, seqs: readonly number[]): Promise<void> {
  await client.query(
    'update approval_outbox set recorded_at = clock_timestamp() where seq = any ($1) and recorded_at is null',
    [seqs],
  );
}

const topicSchema = z.enum(approvalTopics) satisfies z.ZodType<ApprovalTopic>;

export interface Telling {
  readonly approval: string;
  readonly topic: ApprovalTopic;
}

/** A row that is recorded and not told; undefined where there is nothing to tell (any more, or yet). */
export async function readTelling(client: Queryable, seq: number): Promise<Telling | undefined> {
  const [row] = await client.query<{ approval: string; topic: string }>(
    `select approval, topic from approval_outbox
     where seq = $1 and recorded_at is not null and told_at is null and given_up_at is null`,
    [seq],
  );
  return row === undefined ? undefined : { approval: row.approval, topic: topicSchema.parse(row.topic) };
}

/** Notes that people were told. */
export async function markTold(client: Queryable, seq: number): Promise<void> {
  await client.query(
    'update approval_outbox set told_at = clock_timestamp(), tries = tries + 1 where seq = $1',
    [seq],
  );
}

/** Puts a notice off, twice as long each time, and gives it up after the last try. Seconds. */
export async function postponeTelling(
  client: Queryable,
  seq: number,
  limits: { readonly first: number; readonly most: number; readonly tries: number },
): Promise<void> {
  await client.query(
    `update approval_outbox set tries = tries + 1,
       due_at = clock_timestamp() + make_interval(secs => least($2 * 2 ^ least(tries, 20), $3)),
       given_up_at = case when tries + 1 >= $4 then clock_timestamp() end
     where seq = $1`,
    [seq, limits.first, limits.most, limits.tries],
  );
}
