// The SQL that forgets the texts of requests whose texts in the audit log are destroyed: refs, reasons, comments, masked
// findings. Who asked, who decided what when, and the digests stay. The log is the record; the row was for deciding.
import { unendedStates } from '../../core/approval/state.ts';
import type { DerivedTexts } from '../derived-texts.ts';

const gone = '[destroyed]';

/** `a` has something to do with the time [$2, $3) and the repository $1. */
const ofScope = `a.repository = $1 and a.created_at < $3 and (a.state_at >= $2
  or exists (select from approval_vote v where v.approval = a.id and greatest(v.at, v.revoked_at) >= $2)
  or exists (select from approval_break_glass b where b.approval = a.id and greatest(b.at, b.reviewed_at) >= $2))`;

/** Requests that touch the time; those that are not over yet block. */
export const approvalTexts: DerivedTexts = {
  blockedBy: async (client, { repository, from, to }) => {
    const [row] = await client.query<{ count: number }>(
      `select count(*)::int as count from approval a
        where ${ofScope} and (a.state = any ($4) or a.released_at is null
            or exists (select from approval_break_glass b where b.approval = a.id and b.reviewed_at is null)
            or exists (select from approval_outbox o where o.approval = a.id and o.recorded_at is null))`,
      [repository, from, to, unendedStates],
    );
    const count = row?.count ?? 0;
    if (count === 0) return undefined;
    return `${count} ${count === 1 ? 'request' : 'requests'} for approval of this time must be decided, and reviewed, first`;
  },
  forget: async (client, { repository, from, to }) => {
    const scope = [repository, from, to, gone];
    const these = `(select a.id from approval a where ${ofScope})`;
    await client.query(
      `update approval_vote set comment = $4 where comment is not null and approval in ${these}`,
      scope,
    );
    await client.query(
      `update approval_break_glass set reason = $4, review_comment = case when review_comment is not null then $4 end
        where approval in ${these}`,
      scope,
    );
    await client.query(
      `update approval_outbox set event = null where recorded_at is not null and approval in ${these}`,
      [repository, from, to],
    );
    await client.query(
      `update approval a set refs = array_fill($4::text, array[cardinality(a.refs)]), details = '{}',
          reason = case when a.reason is not null then $4 end, note = case when a.note is not null then $4 end,
          holds = (select coalesce(jsonb_agg(h || jsonb_build_object('message', $4::text)), '[]')
                     from jsonb_array_elements(a.holds) h),
          binding = a.binding || jsonb_build_object('refUpdates',
            (select coalesce(jsonb_agg(u || jsonb_build_object('ref', $4::text)), '[]')
               from jsonb_array_elements(a.binding -> 'refUpdates') u))
        where ${ofScope}`,
      scope,
    );
  },
};
