// The SQL of repositories that are out of the App's sight, one statement a function.
import { z } from 'zod';
import { sightReasons } from '../../core/sight.ts';
import type { Queryable } from '../../server/db.ts';
import { accountSchema, type GithubAccount, type SightNote } from './sight-note.ts';

/** Remembers what GitHub has said, by the id of the webhook or by what it is about. */
export async function insertNote(
  client: Queryable,
  forge: string,
  source: string,
  { reason, ids, account, by }: SightNote,
): Promise<void> {
  await client.query(
    `insert into github_sight_note (forge, source, reason, ids, account, by) values ($1, $2, $3, $4, lower($5), $6)
     on conflict (forge, source) do update set at = excluded.at, ids = excluded.ids`,
    [forge, source, reason, ids, account, by === null ? null : JSON.stringify(by)],
  );
}

const knownRow = z.object({
  id: z.coerce.number().nullable(),
  repository: z.string(),
  isSeen: z.boolean(),
});
export type KnownRepository = z.output<typeof knownRow>;

/** The repositories that are known, in sight or not. */
export async function readKnown(client: Queryable, forge: string): Promise<readonly KnownRepository[]> {
  const rows = await client.query(
    `select github_id as id, repository, unseen_since is null as "isSeen" from github_repository where forge = $1`,
    [forge],
  );
  return rows.map((row) => knownRow.parse(row));
}

/**
 * Takes down which repositories are out of sight: all but these names, in lower case. Of those that the guard has neither
 * watched nor forwarded anything to, nothing is kept.
 */
export async function markUnseen(client: Queryable, forge: string, seen: readonly string[]): Promise<void> {
  await client.query(
    `delete from github_repository r
      where forge = $1 and not repository = any ($2) and unseen_since is null and watched_since is null
        and not exists (select from github_forward f where f.repository = r.forge || '/' || r.repository)`,
    [forge, seen],
  );
  await client.query(
    `update github_repository set unseen_since = clock_timestamp(),
        unseen_request = left(replace(gen_random_uuid()::text, '-', ''), 16)
      where forge = $1 and not repository = any ($2) and unseen_since is null`,
    [forge, seen],
  );
}

const unseenRow = z.object({
  repository: z.string(),
  name: z.string(),
  id: z.coerce.number().nullable(),
  seenAt: z.date(),
  since: z.date(),
  request: z.string(),
  isBack: z.boolean(),
  /** As it was told; null: it was not. */
  reason: z.string().nullable(),
  by: accountSchema.nullable(),
  /** What GitHub has said by now, since the repository was last seen; null: nothing. */
  notedReason: z.string().nullable(),
  notedBy: accountSchema.nullable(),
});
export type UnseenRepository = z.output<typeof unseenRow>;

/** The repositories that are out of sight, or were until just now. */
export async function findUnseen(client: Queryable, forge: string): Promise<readonly UnseenRepository[]> {
  const rows = await client.query(
    `select r.repository, r.name, r.github_id as id, r.seen_at as "seenAt", r.unseen_since as since,
        r.unseen_request as request, r.is_back as "isBack", r.unseen_reason as reason, r.unseen_by as by,
        n.reason as "notedReason", n.by as "notedBy"
       from github_repository r left join lateral (
         select reason, by from github_sight_note n
          where n.forge = r.forge and n.at >= r.seen_at
            and (r.github_id = any (n.ids) or n.account = split_part(r.repository, '/', 1))
          order by array_position($2::text[], n.reason), n.by is null, n.at desc limit 1) n on not r.is_back
      where r.forge = $1 and r.unseen_since is not null order by r.repository`,
    [forge, sightReasons],
  );
  return rows.map((row) => unseenRow.parse(row));
}

/** Why it is out of sight, as was told. */
export async function writeReason(
  client: Queryable,
  forge: string,
  repository: string,
  reason: string,
  by: GithubAccount | null,
): Promise<void> {
  await client.query(
    `update github_repository set unseen_reason = $3, unseen_by = $4 where forge = $1 and repository = $2`,
    [forge, repository, reason, by === null ? null : JSON.stringify(by)],
  );
}

/** It is in sight again, and that was told. */
export async function endUnseen(client: Queryable, forge: string, repository: string): Promise<void> {
  await client.query(
    `update github_repository set unseen_since = null, unseen_request = null, unseen_reason = null, unseen_by = null,
        is_back = false
      where forge = $1 and repository = $2`,
    [forge, repository],
  );
}

/** True for a repository that is out of sight. */
export async function isUnseen(client: Queryable, forge: string, repository: string): Promise<boolean> {
  const rows = await client.query(
    'select 1 from github_repository where forge = $1 and repository = $2 and unseen_since is not null',
    [forge, repository.toLowerCase()],
  );
  return rows.length > 0;
}

/** Forgets what was said long ago, and repositories that have been out of sight for longer than a year. */
export async function pruneSight(client: Queryable): Promise<void> {
  await client.query(`delete from github_sight_note where at < clock_timestamp() - interval '30 days'`);
  const old = `unseen_since < clock_timestamp() - interval '400 days'`;
  await client.query(
    `delete from github_head h using github_repository r
      where r.forge = h.forge and r.repository = h.repository and r.${old}`,
  );
  await client.query(`delete from github_repository where ${old}`);
}
