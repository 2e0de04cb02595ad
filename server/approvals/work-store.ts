// The SQL of what is due: everything that the queue should hold is found again here, whatever the queue has lost.
import { z } from 'zod';
import type { Queryable } from '../db.ts';
import { type ApprovalJob, jobKinds } from './job.ts';

const workSchema = z.object({
  kind: z.enum(jobKinds),
  subject: z.string(),
  turn: z.string(),
  delayMs: z.number(),
});

export interface WorkPage {
  /** Only the work of these requests. */
  readonly approvals?: readonly string[];
  /** Only what comes behind this, in the order of kind, subject and turn. */
  readonly after?: Pick<ApprovalJob, 'kind' | 'subject' | 'turn'> | undefined;
  /** Only what is due in this many seconds. */
  readonly dueWithin?: number | undefined;
  readonly limit: number;
}

/** Every piece of work there is; `$1` may name the requests that it is about. */
const work = `work (kind, subject, turn, due_at) as (
    select 'outbox', approval, 'r' || max(seq), now() from approval_outbox
      where recorded_at is null and ($1::text[] is null or approval = any ($1)) group by approval
    union all
    select 'outbox', id, 'e' || version, now() from approval
      where released_at is null and state not in ('waiting', 'approved', 'applying')
        and ($1::text[] is null or id = any ($1))
    union all
    select 'notify', seq::text, concat_ws('-', tries, (extract(epoch from due_at) * 1000)::bigint), due_at
      from approval_outbox
      where recorded_at is not null and told_at is null and given_up_at is null
        and ($1::text[] is null or approval = any ($1))
    union all
    select 'expire', id, 'x', expires_at from approval
      where state in ('waiting', 'approved') and ($1::text[] is null or id = any ($1))
    union all
    select 'escalate', id, requirement::text, due_at from (
        select a.id, a.expires_at, (r.nth - 1)::int as requirement, r.asked,
            a.created_at + make_interval(secs => (r.asked -> 'escalate' ->> 'after')::float8) as due_at
          from approval a, jsonb_array_elements(a.requirements) with ordinality as r (asked, nth)
          where a.state = 'waiting' and r.asked ? 'escalate' and not (r.nth - 1)::int = any (a.escalated)
            and ($1::text[] is null or a.id = any ($1))
      ) escalating
      where due_at < expires_at and (asked ->> 'count')::int > (
        select count(distinct v.person) from approval_vote v
          where v.approval = id and v.revoked_at is null and v.decision = 'approve' and requirement = any (v.meets)
            and v.at < due_at)
    union all
    select 'remind', id, reminders::text, remind_at from approval
      where state = 'waiting' and remind_at < expires_at and ($1::text[] is null or id = any ($1))
    union all
    select 'apply', id, concat_ws('-', epoch + 1, (extract(epoch from lease_until) * 1000)::bigint),
        coalesce(lease_until, now()) from approval
      where state in ('approved', 'applying') and ($1::text[] is null or id = any ($1))
  )`;

/**
 * What is to be done, now or at a time: versions to be recorded, bytes of ended requests to be let go, people to be told
 * or reminded, requests to be escalated or run out, to be applied, or to be looked after where a worker was lost. The turn of what has a
 * time that may change says the time, so that a job for another time does not stand in its way.
 */
export async function findWork(client: Queryable, page: WorkPage): Promise<readonly ApprovalJob[]> {
  const rows = await client.query(
    `with ${work}
     select kind, subject, turn,
         greatest(0, extract(epoch from due_at - clock_timestamp()) * 1000)::float8 as "delayMs"
       from work where ($2::text is null or (kind, subject, turn) > ($2, $3, $4))
         and ($5::float8 is null or due_at <= clock_timestamp() + make_interval(secs => $5))
       order by kind, subject, turn limit $6`,
    [
      page.approvals ?? null,
      page.after?.kind ?? null,
      page.after?.subject ?? null,
      page.after?.turn ?? null,
      page.dueWithin ?? null,
      page.limit,
    ],
  );
  return rows.map((row) => workSchema.parse(row));
}

/** How many pieces of work there are that are not due within this many seconds. */
export async function countLaterWork(client: Queryable, seconds: number): Promise<number> {
  const [row] = await client.query<{ count: number }>(
    `with ${work} select count(*)::float8 as count from work
       where due_at > clock_timestamp() + make_interval(secs => $2)`,
    [null, seconds],
  );
  return row?.count ?? 0;
}

/** Counts one more reminder and says when the next is due; false where it was not due. */
export async function takeReminder(client: Queryable, id: string, everySeconds: number): Promise<boolean> {
  const rows = await client.query(
    `update approval set reminders = reminders + 1, remind_at = clock_timestamp() + make_interval(secs => $2)
     where id = $1 and state = 'waiting' and remind_at <= clock_timestamp() returning id`,
    [id, everySeconds],
  );
  return rows.length === 1;
}

/** True where something is still held for this request although it has ended, and that is recorded. */
export async function isToBeReleased(client: Queryable, id: string): Promise<boolean> {
  const rows = await client.query(
    `select from approval a where a.id = $1 and a.released_at is null
       and a.state not in ('waiting', 'approved', 'applying')
       and not exists (select from approval_outbox o where o.approval = a.id and o.recorded_at is null)`,
    [id],
  );
  return rows.length === 1;
}

/** Notes that nothing is held any more for a request that has ended. */
export async function markReleased(client: Queryable, id: string): Promise<void> {
  await client.query('update approval set released_at = clock_timestamp() where id = $1', [id]);
}
