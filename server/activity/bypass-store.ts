// The SQL of pushes around the guard, one statement a function. A row is derived from the audit log.
import { z } from 'zod';
import { factsSchema } from '../../core/activity/attempt.ts';
import type { BypassFilter, BypassRecord } from '../../core/activity/service.ts';
import type { Queryable } from '../db.ts';
import { readRows } from './row.ts';
import { storable } from './store.ts';

const rowSchema = z.object({
  request: z.string(),
  firstIndex: z.number(),
  lastIndex: z.number(),
  at: z.date(),
  repository: z.string().nullable(),
  actor: z.string().nullable(),
  facts: factsSchema,
});
const columns = `b.request, b.first_index::float8 as "firstIndex", b.last_index::float8 as "lastIndex", b.at, b.repository,
  b.actor, b.facts`;

/** Those of these requests. */
export function readBypasses(
  client: Queryable,
  requests: readonly string[],
): Promise<readonly BypassRecord[]> {
  return readRows(client, rowSchema, `select ${columns} from activity_bypass b where b.request = any ($1)`, [
    requests,
  ]);
}

/** Writes rows as they are now. */
export async function putBypasses(client: Queryable, rows: readonly BypassRecord[]): Promise<void> {
  if (rows.length === 0) return;
  await client.query(
    `insert into activity_bypass (request, first_index, last_index, at, repository, actor, certainty, facts)
     select r.request, r."firstIndex", r."lastIndex", r.at, r.repository, r.actor,
            coalesce(r.facts #>> '{bypass,attribution,certainty}', 'unknown'), r.facts
       from jsonb_to_recordset($1::jsonb) as r(request text, "firstIndex" bigint, "lastIndex" bigint, at timestamptz,
            repository text, actor text, facts jsonb)
     on conflict (request) do update set last_index = excluded.last_index, facts = excluded.facts`,
    [storable(rows)],
  );
}

/** Newest first. */
export function listBypasses(client: Queryable, filter: BypassFilter): Promise<readonly BypassRecord[]> {
  const { actor = null, repository = null, unknown = false, from = null, to = null, before = null } = filter;
  return readRows(
    client,
    rowSchema,
    `select ${columns} from activity_bypass b
      where ($1::text is null or b.actor = $1) and ($2::text is null or b.repository = $2)
        and (not $3 or b.certainty = 'unknown') and ($4::timestamptz is null or b.at >= $4)
        and ($5::timestamptz is null or b.at < $5) and ($6::bigint is null or b.first_index < $6)
      order by b.first_index desc limit $7`,
    [actor, repository, unknown, from, to, before, filter.limit],
  );
}
