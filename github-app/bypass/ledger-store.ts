// The SQL of the ledger, one statement a function.
import { z } from 'zod';
import type { Queryable } from '../../server/db.ts';

/** Takes the cursor until the transaction ends; it begins at `first`. */
export async function lockLedger(client: Queryable, first: number): Promise<number> {
  await client.query('insert into github_ledger_cursor (next) values ($1) on conflict do nothing', [first]);
  const [row] = await client.query('select next::float8 as next from github_ledger_cursor for update');
  return z.object({ next: z.number() }).parse(row).next;
}

/** Moves the cursor, in the transaction that keeps what was read. */
export async function moveLedger(client: Queryable, next: number): Promise<void> {
  await client.query('update github_ledger_cursor set next = $1', [next]);
}

export interface RefMove {
  /** Null where the name is not known. */
  readonly refKey: string | null;
  readonly before: string;
  readonly after: string;
}

/** Remembers what is about to be forwarded; `first` is how many updates of the push were remembered before. */
export async function insertForwards(
  client: Queryable,
  push: { readonly request: string; readonly repository: string; readonly at: Date },
  moves: readonly RefMove[],
  first: number,
): Promise<void> {
  await client.query(
    `insert into github_forward (request, position, repository, ref_key, before, after, state, at)
     select $1, $7 + row_number() over (), $2, u.key, u.before, u.after, 'open', $6
       from unnest($3::text[], $4::text[], $5::text[]) as u(key, before, after)
     on conflict (request, position) do update set state = 'open'`,
    [
      push.request,
      push.repository,
      moves.map((move) => move.refKey),
      moves.map(({ before }) => before),
      moves.map(({ after }) => after),
      push.at,
      first,
    ],
  );
}

/** Remembers how many updates of a push that is about to be forwarded cannot be known. */
export async function insertUnlisted(
  client: Queryable,
  push: { readonly request: string; readonly repository: string; readonly at: Date },
  missing: number,
): Promise<void> {
  await client.query(
    `insert into github_unlisted (request, repository, missing, state, at) values ($1, $2, $3, 'open', $4)
     on conflict (request) do update set state = 'open', missing = excluded.missing, ended_at = null`,
    [push.request, push.repository, missing, push.at],
  );
}

/** Says what became of a forward. */
export async function closeForwards(
  client: Queryable,
  request: string,
  state: 'landed' | 'unknown',
  at: Date,
): Promise<void> {
  await client.query('update github_forward set state = $2 where request = $1', [request, state]);
  await client.query('update github_unlisted set state = $2, ended_at = $3 where request = $1', [
    request,
    state,
    at,
  ]);
}

/** Forgets what did not land: these refs. */
export async function deleteForwards(
  client: Queryable,
  request: string,
  refKeys: readonly string[],
): Promise<void> {
  await client.query('delete from github_forward where request = $1 and ref_key = any ($2)', [
    request,
    refKeys,
  ]);
}

/** Forgets a push of which nothing landed. */
export async function deletePush(client: Queryable, request: string): Promise<void> {
  await client.query('delete from github_forward where request = $1', [request]);
  await client.query('delete from github_unlisted where request = $1', [request]);
}

export interface Passed {
  readonly request: string;
  readonly repository: string;
  readonly subject: string;
  readonly head: string;
  readonly base: string;
  readonly state: 'waiting' | 'passed' | 'approved';
  readonly at: Date;
}

/** Remembers a commit that passed, or waits for people. */
export async function insertPassed(client: Queryable, passed: Passed): Promise<void> {
  const { request, repository, subject, head, base, state, at } = passed;
  await client.query(
    `insert into github_passed (request, repository, subject, head, base, state, at)
     values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing`,
    [request, repository, subject, head, base, state, at],
  );
}

/** People have approved it. */
export async function passWaiting(client: Queryable, request: string): Promise<void> {
  await client.query(`update github_passed set state = 'approved' where request = $1 and state = 'waiting'`, [
    request,
  ]);
}

const passedRow = z.object({ state: z.enum(['passed', 'approved']), base: z.string() });

/** The newest record that the guard let this commit pass, as this subject. */
export async function findPassed(
  client: Queryable,
  repository: string,
  subject: string,
  head: string,
): Promise<z.output<typeof passedRow> | undefined> {
  const [row] = await client.query(
    `select state, base from github_passed
      where repository = $1 and subject = $2 and head = $3 and state <> 'waiting' order by at desc limit 1`,
    [repository.toLowerCase(), subject, head],
  );
  return row === undefined ? undefined : passedRow.parse(row);
}

const forwardRow = z.object({
  request: z.string(),
  position: z.int(),
  state: z.enum(['open', 'landed', 'unknown']),
  at: z.date(),
  explains: z.string().nullable(),
});
export type KnownForward = z.output<typeof forwardRow>;

/**
 * The guard's own forward of exactly this update: the one that explains this push already, else the newest that explains
 * none, else the newest.
 */
export async function findForward(
  client: Queryable,
  repository: string,
  { refKey, before, after }: RefMove,
  turn: string,
): Promise<KnownForward | undefined> {
  const [row] = await client.query(
    `select request, position, state, at, explains from github_forward
      where repository = $1 and after = $4 and before = $3 and (ref_key is null or ref_key = $2)
      order by (explains is not distinct from $5) desc, explains is null desc, state = 'open', at desc limit 1`,
    [repository.toLowerCase(), refKey, before, after, turn],
  );
  return row === undefined ? undefined : forwardRow.parse(row);
}

/** Has a forward explain one push; false where it explains another one by now. */
export async function claimForward(
  client: Queryable,
  { request, position }: KnownForward,
  turn: string,
): Promise<boolean> {
  const rows = await client.query(
    `update github_forward set explains = $3
      where request = $1 and position = $2 and (explains is null or explains = $3) returning request`,
    [request, position, turn],
  );
  return rows.length === 1;
}

/** Whether the ref is known to have been moved away from where it stood, since this time. */
export async function hasLeft(
  client: Queryable,
  forge: string,
  repository: string,
  { refKey, at, since }: { readonly refKey: string; readonly at: string; readonly since: Date },
): Promise<boolean> {
  const rows = await client.query(
    `select from github_forward
      where repository = $1 || '/' || $2 and (ref_key is null or ref_key = $3) and before = $4 and at > $5
        and state <> 'open'
     union all
     select from github_push where forge = $1 and repository = $2 and ref_key = $3 and before = $4 and at > $5
     limit 1`,
    [forge, repository.toLowerCase(), refKey, at, since],
  );
  return rows.length > 0;
}

const moveRow = z.object({ refKey: z.string().nullable(), before: z.string(), after: z.string() });
const mostAtOnce = 500;

/**
 * Known updates that no comparison has gone over, of one ref after the other: forwarded by the guard, or looked at by the
 * watch. An update whose ref is not known may be one of any.
 */
export async function* readMoves(
  client: Queryable,
  forge: string,
  repository: string,
  refKeys: readonly string[],
): AsyncGenerator<readonly Pick<RefMove, 'before' | 'after'>[]> {
  for (let from = 0; from < refKeys.length; from += mostAtOnce) {
    const keys = refKeys.slice(from, from + mostAtOnce);
    const rows = await client.query(
      `select ref_key as "refKey", before, after from github_forward
        where repository = $1 || '/' || $2 and (ref_key is null or ref_key = any ($3)) and state <> 'open'
          and not is_compared
       union all
       select ref_key, before, after from github_push
        where forge = $1 and repository = $2 and ref_key = any ($3) and not is_compared`,
      [forge, repository.toLowerCase(), keys],
    );
    const byKey = Map.groupBy(
      rows.map((row) => moveRow.parse(row)),
      ({ refKey }) => refKey,
    );
    for (const key of keys) yield [...(byKey.get(null) ?? []), ...(byKey.get(key) ?? [])];
  }
}

/** Lets updates from before this time explain no later comparison; those of `open` refs still do. */
export async function markCompared(
  client: Queryable,
  forge: string,
  repository: string,
  until: Date,
  open: readonly string[],
): Promise<void> {
  const scope = [forge, repository.toLowerCase(), until, open];
  await client.query(
    `update github_forward set is_compared = true
      where repository = $1 || '/' || $2 and at <= $3 and state <> 'open' and not is_compared
        and ref_key is not null and not ref_key = any ($4)`,
    scope,
  );
  await client.query(
    `update github_push set is_compared = true
      where forge = $1 and repository = $2 and at <= $3 and not is_compared and not ref_key = any ($4)`,
    scope,
  );
}

/** Forgets what is too old to be asked about. */
export async function pruneLedger(client: Queryable): Promise<void> {
  for (const table of ['github_forward', 'github_unlisted', 'github_passed', 'github_push'])
    await client.query(`delete from ${table} where at < clock_timestamp() - interval '90 days'`);
}
