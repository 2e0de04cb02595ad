// The SQL that keeps sessions and attempts, one statement a function. All of it is derived from the audit log.
import { z } from 'zod';
import { countNames } from '../../core/activity/counts.ts';
import type { Queryable } from '../db.ts';
import type { ActorDelta, AttemptRow, EntryRow, RepositoryDelta, SessionRow, TraitDelta } from './fold.ts';
import { attemptColumns, attemptSchema, readRows, sessionColumns, sessionSchema } from './row.ts';

const cursorSchema = z.object({ next: z.number() });

/** The index of the first entry that was not read. */
export async function readCursor(client: Queryable): Promise<number> {
  const [row] = await readRows(client, cursorSchema, 'select next::float8 as next from activity_cursor');
  return row?.next ?? 0;
}

/** Takes the cursor until the transaction ends; undefined where somebody else has it. */
export async function lockCursor(client: Queryable): Promise<number | undefined> {
  const [row] = await readRows(
    client,
    cursorSchema,
    'select next::float8 as next from activity_cursor for update skip locked',
  );
  return row?.next;
}

/** Moves the cursor, in the transaction that keeps what was read. */
export async function moveCursor(client: Queryable, next: number): Promise<void> {
  await client.query('update activity_cursor set next = $1', [next]);
}

/** Forgets everything, so that it is made again from the log. */
export async function clearActivity(client: Queryable): Promise<void> {
  await client.query(
    `truncate activity_session, activity_attempt, activity_entry, activity_actor, activity_actor_repository,
       activity_trait, activity_bypass`,
  );
  await moveCursor(client, 0);
}

/** Attempts by request. */
export function readAttempts(client: Queryable, requests: readonly string[]): Promise<readonly AttemptRow[]> {
  return readRows(
    client,
    attemptSchema,
    `select ${attemptColumns} from activity_attempt a where a.request = any ($1)`,
    [requests],
  );
}

/** The newest session of each of these keys, and those with one of these ids. */
export function readKnownSessions(
  client: Queryable,
  keys: readonly string[],
  ids: readonly string[],
): Promise<readonly (SessionRow & { readonly newest: boolean })[]> {
  return readRows(
    client,
    sessionSchema.extend({ newest: z.boolean() }),
    `select ${sessionColumns}, true as newest
       from unnest($1::text[]) as wanted(key) cross join lateral
            (select * from activity_session n where n.key = wanted.key order by n.first_index desc limit 1) s
     union all
     select ${sessionColumns}, false as newest from activity_session s where s.id = any ($2)`,
    [keys, ids],
  );
}

/** Writes sessions as they are now. */
export async function putSessions(client: Queryable, rows: readonly SessionRow[]): Promise<void> {
  if (rows.length === 0) return;
  await client.query(
    `insert into activity_session (id, key, actor, kind, issuer, on_behalf_of, credential, proof, owner, first_index,
       last_index, started_at, active_at, entries, waiting, repositories)
     select r.id, r.key, r.actor, r.kind, r.issuer, array(select jsonb_array_elements_text(r."onBehalfOf")),
            r.credential, r.proof, r.owner, r."firstIndex", r."lastIndex", r."startedAt", r."activeAt", r.entries,
            r.waiting, r.repositories
       from jsonb_to_recordset($1::jsonb) as r(id text, key text, actor text, kind text, issuer text,
            "onBehalfOf" jsonb, credential text, proof text, owner text, "firstIndex" bigint, "lastIndex" bigint,
            "startedAt" timestamptz, "activeAt" timestamptz, entries integer, waiting integer, repositories jsonb)
     on conflict (id) do update set last_index = excluded.last_index, active_at = excluded.active_at,
       entries = excluded.entries, waiting = excluded.waiting, owner = excluded.owner,
       repositories = excluded.repositories`,
    [storable(rows)],
  );
}

/** Writes attempts as they are now. */
export async function putAttempts(client: Queryable, rows: readonly AttemptRow[]): Promise<void> {
  if (rows.length === 0) return;
  await client.query(
    `insert into activity_attempt (request, session, actor, family, repository, first_index, last_index, at, ended_at,
       outcome, facts)
     select r.request, r.session, r.actor, r.family, r.repository, r."firstIndex", r."lastIndex", r.at, r."endedAt",
            r.outcome, r.facts
       from jsonb_to_recordset($1::jsonb) as r(request text, session text, actor text, family text, repository text,
            "firstIndex" bigint, "lastIndex" bigint, at timestamptz, "endedAt" timestamptz, outcome text, facts jsonb)
     on conflict (request) do update set last_index = excluded.last_index, ended_at = excluded.ended_at,
       outcome = excluded.outcome, facts = excluded.facts`,
    [storable(rows)],
  );
}

/** Adds entries. */
export async function putEntries(client: Queryable, rows: readonly EntryRow[]): Promise<void> {
  if (rows.length === 0) return;
  await client.query(
    `insert into activity_entry (index, session, request, actor, action, at)
     select * from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[])`,
    [
      rows.map(({ index }) => index),
      rows.map(({ session }) => session),
      rows.map(({ request }) => request.replaceAll('\0', '')),
      rows.map(({ actor }) => actor.replaceAll('\0', '')),
      rows.map(({ action }) => action),
      rows.map(({ at }) => at),
    ],
  );
}

/** Adds what was seen of actors. */
export async function addActors(client: Queryable, rows: readonly ActorDelta[]): Promise<void> {
  if (rows.length === 0) return;
  await client.query(
    `insert into activity_actor as known (actor, kind, first_at, last_at, sessions)
     select r.actor, r.kind, r."firstAt", r."lastAt", r.sessions
       from jsonb_to_recordset($1::jsonb) as r(actor text, kind text, "firstAt" timestamptz, "lastAt" timestamptz,
            sessions integer)
     on conflict (actor) do update set last_at = excluded.last_at, sessions = known.sessions + excluded.sessions`,
    [storable(rows)],
  );
}

/** Adds what actors did in repositories. */
export async function addRepositories(client: Queryable, rows: readonly RepositoryDelta[]): Promise<void> {
  if (rows.length === 0) return;
  const sums = countNames.map(
    (name) => `'${name}', (known.counts->>'${name}')::bigint + (excluded.counts->>'${name}')::bigint`,
  );
  await client.query(
    `insert into activity_actor_repository as known (actor, repository, first_at, last_at, counts)
     select r.actor, r.repository, r."firstAt", r."lastAt", r.counts
       from jsonb_to_recordset($1::jsonb) as r(actor text, repository text, "firstAt" timestamptz,
            "lastAt" timestamptz, counts jsonb)
     on conflict (actor, repository) do update set last_at = excluded.last_at,
       counts = jsonb_build_object(${sums.join(', ')})`,
    [storable(rows)],
  );
}

/** Adds what actors were seen with. */
export async function addTraits(client: Queryable, rows: readonly TraitDelta[]): Promise<void> {
  if (rows.length === 0) return;
  await client.query(
    `insert into activity_trait as known (actor, kind, value, first_at, last_at, entries)
     select r.actor, r.kind, r.value, r."firstAt", r."lastAt", r.entries
       from jsonb_to_recordset($1::jsonb) as r(actor text, kind text, value text, "firstAt" timestamptz,
            "lastAt" timestamptz, entries integer)
     on conflict (actor, kind, value) do update set last_at = excluded.last_at,
       entries = known.entries + excluded.entries`,
    [storable(rows)],
  );
}

/** Rows as JSON without NUL, which texts of PostgreSQL cannot hold. */
export function storable(rows: readonly object[]): string {
  return JSON.stringify(rows, (_name, value: unknown) =>
    typeof value === 'string' ? value.replaceAll('\0', '').toWellFormed() : value,
  );
}
