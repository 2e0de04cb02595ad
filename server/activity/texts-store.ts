// The SQL that forgets what was made of sealed texts of the audit log. Numbers, times and decisions stay.
import type { DerivedTexts } from '../derived-texts.ts';

/** Names of refs and addresses: of every attempt that has an entry in the time, and of whoever acted in the repository. */
export const activityTexts: DerivedTexts = {
  blockedBy: async () => undefined,
  forget: async (client, { repository, from, to }) => {
    const scope = [repository, from, to];
    await client.query(
      `delete from activity_trait t where t.kind = 'address' and t.last_at >= $2 and t.first_at < $3
          and exists (select from activity_actor_repository r
                       where r.actor = t.actor and r.repository = $1 and r.last_at >= $2 and r.first_at < $3)`,
      scope,
    );
    await client.query(
      `update activity_attempt a set facts = a.facts - array['refs', 'address', 'userAgent']
        where a.repository = $1 and a.at < $3
          and exists (select from activity_entry e where e.request = a.request and e.at >= $2 and e.at < $3)`,
      scope,
    );
    await client.query(
      `update activity_bypass set facts = facts - 'refs' where repository = $1 and at >= $2 and at < $3`,
      scope,
    );
  },
};
