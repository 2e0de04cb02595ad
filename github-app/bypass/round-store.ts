// The SQL of rounds, guarded repositories and where their refs stand, one statement a function.
import { z } from 'zod';
import type { Queryable } from '../../server/db.ts';
import type { NamedRepository } from './names-store.ts';

/** Begins a round where the last one is so many seconds ago; true for one guard of several. */
export async function beginRound(
  client: Queryable,
  forge: string,
  kind: string,
  seconds: number,
): Promise<boolean> {
  const rows = await client.query(
    `insert into github_round as last (forge, kind, at) values ($1, $2, clock_timestamp())
     on conflict (forge, kind) do update set at = excluded.at
       where last.at <= clock_timestamp() - make_interval(secs => $3)
     returning forge`,
    [forge, kind, seconds],
  );
  return rows.length === 1;
}

/** Puts the comparison of every repository in, spread over these seconds; what waits already stays. */
export async function insertComparisons(client: Queryable, forge: string, spread: number): Promise<void> {
  await client.query(
    `insert into github_work (forge, repository, kind, subject, data, due_at)
     select forge, repository, 'compare', 'refs', '{}', clock_timestamp() + make_interval(secs => random() * $2)
       from github_repository where forge = $1 and unseen_since is null
     on conflict (forge, repository, kind, subject) do nothing`,
    [forge, spread],
  );
}

const workRow = z.object({ id: z.coerce.string(), generation: z.int() });

/** Puts the first comparison of repositories in that were never compared; what waits already stays. */
export async function insertFirstComparisons(
  client: Queryable,
  forge: string,
): Promise<readonly z.output<typeof workRow>[]> {
  const rows = await client.query(
    `insert into github_work (forge, repository, kind, subject, data)
     select forge, repository, 'compare', 'refs', '{}' from github_repository
      where forge = $1 and watched_since is null and unseen_since is null
     on conflict (forge, repository, kind, subject) do nothing
     returning id, generation`,
    [forge],
  );
  return rows.map((row) => workRow.parse(row));
}

/** The clock of the database. */
export async function readClock(client: Queryable): Promise<Date> {
  const [row] = await client.query('select clock_timestamp() as now');
  return z.object({ now: z.date() }).parse(row).now;
}

/** Takes down the repositories that the App reached at this time; others are left as they are. */
export async function writeRepositories(
  client: Queryable,
  forge: string,
  repositories: readonly NamedRepository[],
  at: Date,
): Promise<void> {
  const names = repositories.map(({ name }) => name);
  await client.query(
    `insert into github_repository as known (forge, repository, name, github_id, seen_at)
     select distinct on (lower(n.name)) $1, lower(n.name), n.name, n.id, $4::timestamptz
       from unnest($2::text[], $3::bigint[]) as n(name, id)
     on conflict (forge, repository) do update
       set name = excluded.name, github_id = excluded.github_id, seen_at = excluded.seen_at,
         is_back = known.unseen_since is not null`,
    [forge, names, repositories.map(({ id }) => id), at],
  );
}

const watchedRow = z.object({ name: z.string(), watchedSince: z.date().nullable() });

/** A repository that the App reaches; undefined for one that it does not, or not any more. */
export async function readRepository(
  client: Queryable,
  forge: string,
  repository: string,
): Promise<z.output<typeof watchedRow> | undefined> {
  const [row] = await client.query(
    `select name, watched_since as "watchedSince" from github_repository
      where forge = $1 and repository = $2 and unseen_since is null`,
    [forge, repository.toLowerCase()],
  );
  return row === undefined ? undefined : watchedRow.parse(row);
}

/** Whether pushes to the repository wait to be looked at. */
export async function hasOpenPushes(client: Queryable, forge: string, repository: string): Promise<boolean> {
  const rows = await client.query(
    `select 1 from github_work where forge = $1 and repository = $2 and kind = 'push' limit 1`,
    [forge, repository.toLowerCase()],
  );
  return rows.length > 0;
}

const headRow = z.object({
  refKey: z.string(),
  shown: z.string(),
  oid: z.string(),
  suspect: z.string().nullable(),
  suspectSeconds: z.number().nullable(),
});
export type KnownHead = z.output<typeof headRow>;

/** Where the refs of a repository stood, by the key of their names. */
export async function readHeads(
  client: Queryable,
  forge: string,
  repository: string,
): Promise<ReadonlyMap<string, KnownHead>> {
  const rows = await client.query(
    `select ref_key as "refKey", shown, oid, suspect,
        extract(epoch from clock_timestamp() - suspect_since)::float8 as "suspectSeconds"
       from github_head where forge = $1 and repository = $2`,
    [forge, repository.toLowerCase()],
  );
  return new Map(rows.map((row) => headRow.parse(row)).map((head) => [head.refKey, head]));
}

export interface HeadWrite {
  readonly refKey: string;
  readonly shown: string;
  readonly oid: string;
  /** Where it stands without an explanation; null where it is explained. */
  readonly suspect: string | null;
}

/** Writes where refs stand. A suspicion that is the same as before keeps its time. */
export async function writeHeads(
  client: Queryable,
  forge: string,
  repository: string,
  heads: readonly HeadWrite[],
): Promise<void> {
  await client.query(
    `insert into github_head as known (forge, repository, ref_key, shown, oid, suspect, suspect_since)
     select $1, $2, h."refKey", h.shown, h.oid, h.suspect, case when h.suspect is null then null else clock_timestamp() end
       from jsonb_to_recordset($3::jsonb) as h("refKey" text, shown text, oid text, suspect text)
     on conflict (forge, repository, ref_key) do update set oid = excluded.oid, suspect = excluded.suspect,
       suspect_since = case when known.suspect = excluded.suspect then known.suspect_since
         else excluded.suspect_since end`,
    [forge, repository.toLowerCase(), JSON.stringify(heads)],
  );
}

/** Nothing is suspicious about refs that stand where they were known to stand: all but these. */
export async function clearSuspicions(
  client: Queryable,
  forge: string,
  repository: string,
  changed: readonly string[],
): Promise<void> {
  await client.query(
    `update github_head set suspect = null, suspect_since = null
      where forge = $1 and repository = $2 and suspect is not null and not ref_key = any ($3)`,
    [forge, repository.toLowerCase(), changed],
  );
}

/** Forgets refs that are gone. */
export async function deleteHeads(
  client: Queryable,
  forge: string,
  repository: string,
  refKeys: readonly string[],
): Promise<void> {
  await client.query('delete from github_head where forge = $1 and repository = $2 and ref_key = any ($3)', [
    forge,
    repository.toLowerCase(),
    refKeys,
  ]);
}

/** The repository's refs were taken down for the first time. */
export async function markWatched(client: Queryable, forge: string, repository: string): Promise<void> {
  await client.query(
    `update github_repository set watched_since = clock_timestamp() where forge = $1 and repository = $2`,
    [forge, repository.toLowerCase()],
  );
}
