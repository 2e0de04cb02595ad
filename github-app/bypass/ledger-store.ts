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

/** Remembers what is about to be forwarded. */
export async function insertForwards(
  client: Queryable,
  request: string,
  repository: string,
  moves: readonly RefMove[],
  at: Date,
): Promise<void> {
  await client.query(
    `insert into github_forward (request, position, repository, ref_key, before, after, state, at)
     select $1, row_number() over (), $2, u.key, u.before, u.after, 'open', $6
       from unnest($3::text[], $4::text[], $5::text[]) as u(key, before, after)
     on conflict (request, position) do update set state = 'open'`,
    [
      request,
      repository,
      moves.map((move) => move.refKey),
      moves.map(({ before }) => before),
      moves.map(({ after }) => after),
      at,
    ],
  );
}

/** Says what became of a forward. */
export async function closeForwards(
  client: Queryable,
  request: string,
  state: 'landed' | 'unknown',
): Promise<void> {
  await client.query('update github_forward set state = $2 where request = $1', [request, state]);
}

/** Forgets what did not land: these refs, or with null all. */
export async function deleteForwards(
  client: Queryable,
  request: string,
  refKeys: readonly string[] | null,
): Promise<void> {
  await client.query(
    'delete from github_forward where request = $1 and ($2::text[] is null or ref_key = any ($2))',
    [request, refKeys],
  );
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

const forwardRow = z.object({ state: z.enum(['open', 'landed', 'unknown']), at: z.date() });

/** What became of the guard's own forward of exactly this update; the newest where there are several. */
export async function findForward(
  client: Queryable,
  repository: string,
  { refKey, before, after }: RefMove,
): Promise<z.output<typeof forwardRow> | undefined> {
  const [row] = await client.query(
    `select state, at from github_forward
      where repository = $1 and after = $4 and before = $3 and (ref_key is null or ref_key = $2)
      order by state = 'open', at desc limit 1`,
    [repository.toLowerCase(), refKey, before, after],
  );
  return row === undefined ? undefined : forwardRow.parse(row);
}

const moveRow = z.object({ before: z.string(), after: z.string() });

/** Known updates of a ref that no comparison has gone over: forwarded by the guard, or looked at by the watch. */
export async function readMoves(
  client: Queryable,
  forge: string,
  repository: string,
  refKey: string,
): Promise<readonly z.output<typeof moveRow>[]> {
  const rows = await client.query(
    `select before, after from github_forward
      where repository = $1 || '/' || $2 and (ref_key is null or ref_key = $3) and state <> 'open'
        and not is_compared
     union all
     select before, after from github_push
      where forge = $1 and repository = $2 and ref_key = $3 and not is_compared`,
    [forge, repository.toLowerCase(), refKey],
  );
  return rows.map((row) => moveRow.parse(row));
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
  for (const table of ['github_forward', 'github_passed', 'github_push'])
    await client.query(`delete from ${table} where at < clock_timestamp() - interval '90 days'`);
}
