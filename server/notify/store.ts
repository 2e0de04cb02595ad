// The SQL of notices and alerts, one statement a function. Times of waiting are the database's.
import { z } from 'zod';
import type { Alert } from '../../core/alert.ts';
import type { Json } from '../../core/audit-event.ts';
import { alertKinds } from '../../core/notice-topics.ts';
import type { Queryable } from '../db.ts';

/** Names of the channels to which the notice was sent. */
export async function findSent(client: Queryable, notice: string): Promise<ReadonlySet<string>> {
  const rows = await client.query<{ channel: string }>('select channel from notice_sent where notice = $1', [
    notice,
  ]);
  return new Set(rows.map(({ channel }) => channel));
}

/** Remembers that it was sent. */
export async function insertSent(client: Queryable, notice: string, channel: string): Promise<void> {
  await client.query(
    'insert into notice_sent (notice, channel) values ($1, $2) on conflict (notice, channel) do nothing',
    [notice, channel],
  );
}

/** Forgets what is older than any repetition, and alerts that were told or given up long ago. */
export async function prune(client: Queryable): Promise<void> {
  await client.query(`delete from notice_sent where at < clock_timestamp() - interval '7 days'`);
  await client.query(`delete from alert where at < clock_timestamp() - interval '30 days'`);
  await client.query(`delete from alert_denial where at < clock_timestamp() - interval '2 days'`);
}

/** Makes the cursor where there is none. */
export async function ensureCursor(client: Queryable, next: number): Promise<void> {
  await client.query('insert into alert_cursor (next) values ($1) on conflict (is_only) do nothing', [next]);
}

/** The next entry to read, which nobody else reads until the transaction ends; undefined where somebody does. */
export async function lockCursor(client: Queryable): Promise<number | undefined> {
  const [row] = await client.query<{ next: number }>(
    'select next::float8 as next from alert_cursor for update skip locked',
  );
  return row?.next;
}

/** Moves the cursor. */
export async function moveCursor(client: Queryable, next: number): Promise<void> {
  await client.query('update alert_cursor set next = $1', [next]);
}

/** Keeps an alert, once. */
export async function insertAlert(client: Queryable, alert: Alert): Promise<void> {
  await client.query(
    `insert into alert (id, kind, actor, repository, request, at, details) values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (id) do nothing`,
    [
      alert.id,
      alert.kind,
      alert.actor,
      alert.repository,
      alert.request,
      alert.at,
      JSON.stringify(alert.details),
    ],
  );
}

/** True where there is an alert of this kind about the actor since then. */
export async function hasAlertSince(
  client: Queryable,
  kind: Alert['kind'],
  actor: string,
  since: Date,
): Promise<boolean> {
  const rows = await client.query('select from alert where actor = $1 and kind = $2 and at > $3 limit 1', [
    actor,
    kind,
    since,
  ]);
  return rows.length > 0;
}

/** Keeps a refusal, once; false where it is kept already. */
export async function insertDenial(
  client: Queryable,
  key: string,
  actor: string,
  at: Date,
): Promise<boolean> {
  const rows = await client.query(
    'insert into alert_denial (key, actor, at) values ($1, $2, $3) on conflict (key) do nothing returning key',
    [key, actor, at],
  );
  return rows.length > 0;
}

/** Refusals of the actor in (since, until]. */
export async function countDenials(
  client: Queryable,
  actor: string,
  since: Date,
  until: Date,
): Promise<number> {
  const [row] = await client.query<{ count: number }>(
    'select count(*)::int as count from alert_denial where actor = $1 and at > $2 and at <= $3',
    [actor, since, until],
  );
  return row?.count ?? 0;
}

/** Keeps that the actor was seen with the issuer; `new` where others are known and this one was not. */
export async function insertIssuer(
  client: Queryable,
  actor: string,
  issuer: string,
  since: Date,
): Promise<'known' | 'first' | 'new'> {
  const [row] = await client.query<{ others: boolean }>(
    `insert into alert_issuer (actor, issuer, since) values ($1, $2, $3) on conflict (actor, issuer) do nothing
     returning exists (select from alert_issuer o where o.actor = $1 and o.issuer <> $2) as others`,
    [actor, issuer, since],
  );
  if (row === undefined) return 'known';
  return row.others ? 'new' : 'first';
}

const alertRow = z.object({
  id: z.string(),
  kind: z.enum(alertKinds),
  actor: z.string(),
  repository: z.string().nullable(),
  request: z.string(),
  at: z.date(),
  details: z.custom<Readonly<Record<string, Json>>>((value) => typeof value === 'object' && value !== null),
});

/**
 * Takes alerts that are due, as one more try: the next is due after a pause that grows from 10 seconds to an hour, so
 * that a guard that dies loses none. After 30 tries, about a day, they are given up.
 */
export async function takeDueAlerts(client: Queryable, limit: number): Promise<readonly Alert[]> {
  const rows = await client.query(
    `update alert set tries = tries + 1,
       due_at = clock_timestamp() + make_interval(secs => least(10 * power(2, least(tries, 10)), 3600))
     where id in (select a.id from alert a
       where a.told_at is null and a.tries < 30 and a.due_at <= clock_timestamp()
       order by a.due_at limit $1 for update skip locked)
     returning id, kind, actor, repository, request, at, details`,
    [limit],
  );
  return rows.map((row) => alertRow.parse(row));
}

/** Notes that all channels were told. */
export async function markAlertTold(client: Queryable, id: string): Promise<void> {
  await client.query('update alert set told_at = clock_timestamp() where id = $1', [id]);
}
