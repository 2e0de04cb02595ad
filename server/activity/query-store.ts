// The SQL that answers questions about sessions, attempts and those who made them, one statement a function.
import { z } from 'zod';
import { traitKinds } from '../../core/activity/service.ts';
import { mostSessionEntries } from '../../core/activity/session.ts';
import type { Queryable } from '../db.ts';
import type { AttemptRow, SessionRow } from './fold.ts';
import {
  attemptColumns,
  attemptSchema,
  countsSchema,
  readRows,
  sessionColumns,
  sessionSchema,
} from './row.ts';

export interface SessionQuery {
  readonly actor: string | null;
  readonly person: string | null;
  readonly repository: string | null;
  readonly from: Date | null;
  readonly to: Date | null;
  readonly waiting: boolean | null;
  /** Began and was active behind these times; a session that is `active` is so by both. */
  readonly activeSince: Date | null;
  readonly startedSince: Date | null;
  /** True: all that `activeSince` and `startedSince` would find are left out instead. */
  readonly inverted: boolean;
  readonly before: number | null;
  readonly limit: number;
}

/** Sessions, newest first. */
export function listSessions(client: Queryable, query: SessionQuery): Promise<readonly SessionRow[]> {
  return readRows(
    client,
    sessionSchema,
    `select ${sessionColumns} from activity_session s
      where ($1::text is null or s.actor = $1)
        and ($2::text is null or s.actor = $2 or s.on_behalf_of @> array[$2])
        and ($3::text is null or s.repositories ? $3)
        and ($4::timestamptz is null or s.active_at >= $4)
        and ($5::timestamptz is null or s.started_at < $5)
        and ($6::boolean is null or (s.waiting > 0) = $6)
        and ($7::timestamptz is null or (s.active_at > $7 and s.started_at > $8 and s.entries < ${mostSessionEntries}) <> $9)
        and ($10::bigint is null or s.first_index < $10)
      order by s.first_index desc limit $11`,
    [
      query.actor,
      query.person,
      query.repository,
      query.from,
      query.to,
      query.waiting,
      query.activeSince,
      query.startedSince,
      query.inverted,
      query.before,
      query.limit,
    ],
  );
}

/** Attempts of a session behind an entry, in order. */
export function listAttempts(
  client: Queryable,
  session: string,
  after: number,
  limit: number,
): Promise<readonly AttemptRow[]> {
  return readRows(
    client,
    attemptSchema,
    `select ${attemptColumns} from activity_attempt a where a.session = $1 and a.first_index > $2
      order by a.first_index limit $3`,
    [session, after, limit],
  );
}

/** Attempts of an actor that began in a period, behind an entry, in order. */
export function listAttemptsOf(
  client: Queryable,
  actor: string,
  from: Date,
  to: Date,
  after: number,
  limit: number,
): Promise<readonly AttemptRow[]> {
  return readRows(
    client,
    attemptSchema,
    `select ${attemptColumns} from activity_attempt a
      where a.actor = $1 and a.at >= $2 and a.at < $3 and a.first_index > $4 order by a.first_index limit $5`,
    [actor, from, to, after, limit],
  );
}

const entrySchema = z.object({ index: z.number(), request: z.string(), action: z.string() });

/** Requests of a session by their first entry, behind an entry, in order. */
export function listRequestsOfSession(
  client: Queryable,
  session: string,
  after: number,
  limit: number,
): Promise<readonly { readonly request: string; readonly index: number }[]> {
  return readRows(
    client,
    z.object({ request: z.string(), index: z.number() }),
    `select e.request, min(e.index)::float8 as index from activity_entry e where e.session = $1
      group by e.request having min(e.index) > $2 order by 2 limit $3`,
    [session, after, limit],
  );
}

/** Entries of attempts, in order. */
export function listEntriesOfRequests(
  client: Queryable,
  requests: readonly string[],
  limit: number,
): Promise<readonly z.output<typeof entrySchema>[]> {
  return readRows(
    client,
    entrySchema,
    `select e.index::float8 as index, e.request, e.action from activity_entry e
      where e.request = any ($1) order by e.index limit $2`,
    [requests, limit],
  );
}

/** Indices of entries about approvals that an actor needed, in order. */
export async function listApprovalEntries(
  client: Queryable,
  actor: string,
  from: Date,
  to: Date,
  after: number,
  limit: number,
): Promise<readonly number[]> {
  const rows = await readRows(
    client,
    z.object({ index: z.number() }),
    `select e.index::float8 as index from activity_entry e
      where e.actor = $1 and e.action like 'approval.%' and e.at >= $2 and e.at < $3 and e.index > $4
      order by e.index limit $5`,
    [actor, from, to, after, limit],
  );
  return rows.map(({ index }) => index);
}

const actorSchema = z.object({
  actor: z.string(),
  kind: z.string(),
  firstAt: z.date(),
  lastAt: z.date(),
  sessions: z.number(),
});

/** Actors by name, from behind a name; or the one with this name. */
export function listActors(
  client: Queryable,
  wanted: { readonly after: string; readonly limit: number } | { readonly actor: string },
): Promise<readonly z.output<typeof actorSchema>[]> {
  const columns = 'a.actor, a.kind, a.first_at as "firstAt", a.last_at as "lastAt", a.sessions';
  return 'actor' in wanted
    ? readRows(client, actorSchema, `select ${columns} from activity_actor a where a.actor = $1`, [
        wanted.actor,
      ])
    : readRows(
        client,
        actorSchema,
        `select ${columns} from activity_actor a where a.actor > $1 order by a.actor limit $2`,
        [wanted.after, wanted.limit],
      );
}

const repositorySchema = z.object({
  actor: z.string(),
  repository: z.string(),
  firstAt: z.date(),
  lastAt: z.date(),
  counts: countsSchema,
});

/** What actors did in repositories; the most recent first, `limit` of each actor at most. */
export function listActorRepositories(
  client: Queryable,
  actors: readonly string[],
  limit: number,
): Promise<readonly z.output<typeof repositorySchema>[]> {
  return readRows(
    client,
    repositorySchema,
    `select r.actor, r.repository, r.first_at as "firstAt", r.last_at as "lastAt", r.counts
       from unnest($1::text[]) as wanted(actor) cross join lateral
            (select * from activity_actor_repository k where k.actor = wanted.actor
              order by k.last_at desc, k.repository limit $2) r`,
    [actors, limit],
  );
}

const traitSchema = z.object({
  actor: z.string(),
  kind: z.enum(traitKinds),
  value: z.string(),
  firstAt: z.date(),
  lastAt: z.date(),
  entries: z.number(),
});

/** What actors were seen with; the most recent first, `limit` of each actor at most. */
export function listTraits(
  client: Queryable,
  actors: readonly string[],
  limit: number,
): Promise<readonly z.output<typeof traitSchema>[]> {
  return readRows(
    client,
    traitSchema,
    `select t.actor, t.kind, t.value, t.first_at as "firstAt", t.last_at as "lastAt", t.entries
       from unnest($1::text[]) as wanted(actor) cross join lateral
            (select * from activity_trait k where k.actor = wanted.actor order by k.last_at desc, k.value limit $2) t`,
    [actors, limit],
  );
}

/** How many attempts began in each hour of the day (UTC). */
export async function countHours(
  client: Queryable,
  actor: string,
  from: Date,
  to: Date,
): Promise<readonly number[]> {
  const rows = await readRows(
    client,
    z.object({ hour: z.number(), attempts: z.number() }),
    `select extract(hour from a.at at time zone 'UTC')::int as hour, count(*)::int as attempts
       from activity_attempt a
      where a.actor = $1 and a.at >= $2 and a.at < $3 and a.family <> 'bypass' group by 1`,
    [actor, from, to],
  );
  const byHour = new Map(rows.map(({ hour, attempts }) => [hour, attempts]));
  return Array.from({ length: 24 }, (_none, hour) => byHour.get(hour) ?? 0);
}

/** How many attempts began on each day (UTC) on which any did. */
export function countDays(
  client: Queryable,
  actor: string,
  from: Date,
  to: Date,
): Promise<readonly { readonly day: string; readonly attempts: number }[]> {
  return readRows(
    client,
    z.object({ day: z.string(), attempts: z.number() }),
    `select to_char(a.at at time zone 'UTC', 'YYYY-MM-DD') as day, count(*)::int as attempts
       from activity_attempt a
      where a.actor = $1 and a.at >= $2 and a.at < $3 and a.family <> 'bypass' group by 1 order by 1`,
    [actor, from, to],
  );
}

/** How many sessions were going on in a period. */
export async function countSessions(client: Queryable, actor: string, from: Date, to: Date): Promise<number> {
  const [row] = await readRows(
    client,
    z.object({ sessions: z.number() }),
    `select count(*)::int as sessions from activity_session s
      where s.actor = $1 and s.active_at >= $2 and s.started_at < $3`,
    [actor, from, to],
  );
  return row?.sessions ?? 0;
}

/** How many fetches were served. */
export async function countFetches(client: Queryable, actor: string, from: Date, to: Date): Promise<number> {
  const [row] = await readRows(
    client,
    z.object({ fetches: z.number() }),
    `select count(*)::int as fetches from activity_entry e
      where e.actor = $1 and e.action = 'fetch.served' and e.at >= $2 and e.at < $3`,
    [actor, from, to],
  );
  return row?.fetches ?? 0;
}

/** The session with this id. */
export async function readSession(client: Queryable, id: string): Promise<SessionRow | undefined> {
  const [row] = await readRows(
    client,
    sessionSchema,
    `select ${sessionColumns} from activity_session s where s.id = $1`,
    [id],
  );
  return row;
}

/** The first entry of the newest push that was forwarded and made a ref point at the commit. */
export async function findPushOf(
  client: Queryable,
  repository: string,
  commit: string,
): Promise<number | undefined> {
  const [row] = await readRows(
    client,
    z.object({ index: z.coerce.number() }),
    `select first_index as index from activity_attempt
      where facts -> 'refs' @> $2::jsonb and family = 'push' and outcome = 'forwarded' and lower(repository) = lower($1)
      order by first_index desc limit 1`,
    [repository, JSON.stringify([{ new: commit }])],
  );
  return row?.index;
}

/** True where the request is one of the session. */
export async function isRequestOf(client: Queryable, session: string, request: string): Promise<boolean> {
  const rows = await client.query('select from activity_entry where request = $1 and session = $2 limit 1', [
    request,
    session,
  ]);
  return rows.length === 1;
}
