// The SQL of names of repositories, one statement a function. A repository is known by its number at GitHub.
import { z } from 'zod';
import type { Queryable } from '../../server/db.ts';

const movedRow = z.object({ id: z.coerce.number(), from: z.string(), to: z.string(), seenAt: z.date() });
export type MovedRepository = z.output<typeof movedRow>;

export interface NamedRepository {
  /** GitHub's number of it, which stays when the name changes. */
  readonly id: number;
  /** `owner/name`. */
  readonly name: string;
}

/** Repositories that are known by another name than they have now. */
export async function findMoved(
  client: Queryable,
  forge: string,
  now: readonly NamedRepository[],
): Promise<readonly MovedRepository[]> {
  const rows = await client.query(
    `select n.id, r.name as "from", n.name as "to", r.seen_at as "seenAt"
       from unnest($2::bigint[], $3::text[]) as n(id, name)
       join github_repository r on r.forge = $1 and r.github_id = n.id and r.repository <> lower(n.name)`,
    [forge, now.map(({ id }) => id), now.map(({ name }) => name)],
  );
  return rows.map((row) => movedRow.parse(row));
}

/** What is known of a repository goes on under another name, in lower case, that nothing is known of. */
export async function renameKnown(client: Queryable, forge: string, from: string, to: string): Promise<void> {
  for (const table of ['github_repository', 'github_head', 'github_push'])
    await client.query(`update ${table} set repository = $3 where forge = $1 and repository = $2`, [
      forge,
      from,
      to,
    ]);
  for (const table of ['github_forward', 'github_passed', 'github_unlisted'])
    await client.query(
      `update ${table} set repository = $1 || '/' || $3 where repository = $1 || '/' || $2`,
      [forge, from, to],
    );
}

/** Forgets a repository whose name another one has now. */
export async function forgetName(client: Queryable, forge: string, name: string): Promise<void> {
  for (const table of ['github_head', 'github_repository'])
    await client.query(`delete from ${table} where forge = $1 and repository = $2`, [forge, name]);
}

/** Remembers that a name has changed; once is enough. */
export async function insertMoved(
  client: Queryable,
  forge: string,
  request: string,
  { id, from, to }: MovedRepository,
): Promise<void> {
  await client.query(
    `insert into github_moved (forge, request, github_id, old_name, new_name) values ($1, $2, $3, $4, $5)
     on conflict do nothing`,
    [forge, request, id, from, to],
  );
}

/** What a repository is called now that had this name, in any spelling; undefined while one in sight has it. */
export async function readNewName(
  client: Queryable,
  forge: string,
  former: string,
): Promise<string | undefined> {
  const [row] = await client.query<{ readonly name: string }>(
    `select lower(m.new_name) as name from github_moved m
      where m.forge = $1 and lower(m.new_name) <> lower($2)
        and m.github_id = (select github_id from github_moved
              where forge = $1 and lower(old_name) = lower($2) order by at desc limit 1)
        and not exists (select from github_repository
              where forge = $1 and repository = lower($2) and unseen_since is null)
      order by m.at desc limit 1`,
    [forge, former],
  );
  return row?.name;
}

const nameRow = z.object({ from: z.string(), to: z.string(), at: z.date(), isRecent: z.boolean() });
export type FormerName = z.output<typeof nameRow>;

/** What a repository was called before it came by this name; `isRecent` by these days. */
export async function readFormerName(
  client: Queryable,
  forge: string,
  repository: string,
  days: number,
): Promise<FormerName | undefined> {
  const [row] = await client.query(
    `select old_name as "from", new_name as "to", at, at > clock_timestamp() - make_interval(days => $3) as "isRecent"
       from github_moved where forge = $1 and lower(new_name) = $2 order by at desc limit 1`,
    [forge, repository.toLowerCase(), days],
  );
  return row === undefined ? undefined : nameRow.parse(row);
}
