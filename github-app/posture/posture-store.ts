// The SQL of postures, one statement a function.
import { z } from 'zod';
import { type PosturePoint, postureStates, postureTopicNames } from '../../core/posture.ts';
import type { Queryable } from '../../server/db.ts';

const pointSchema = z.object({
  topic: z.enum(postureTopicNames),
  state: z.enum(postureStates),
  found: z.string(),
  change: z.string().nullable(),
  link: z.string().nullable(),
});

const unseenSchema = z.object({
  since: z.coerce.date(),
  seenAt: z.coerce.date(),
  reason: z.string().nullable(),
  by: z.string().nullable(),
});
export type Unseen = z.output<typeof unseenSchema>;

const postureRow = z.object({
  repository: z.string(),
  url: z.string().nullable(),
  readAt: z.date().nullable(),
  // Of another version: it is read anew.
  points: z.array(pointSchema).nullable().catch(null),
  isOld: z.boolean(),
  /** Null for one in sight. */
  unseen: unseenSchema.nullable(),
});

/** Guarded repositories, `<forge>/<owner>/<name>`, by name and behind a name; `isOld` by these seconds. */
export async function listPostures(
  client: Queryable,
  forges: readonly string[],
  after: string,
  limit: number,
  oldSeconds: number,
): Promise<readonly z.output<typeof postureRow>[]> {
  const rows = await client.query(
    `select r.forge || '/' || r.repository as repository, p.url, p.read_at as "readAt", p.points,
        r.unseen_since is null
          and coalesce(p.read_at < clock_timestamp() - make_interval(secs => $4), true) as "isOld",
        case when r.unseen_since is not null then jsonb_build_object('since', r.unseen_since, 'seenAt', r.seen_at,
          'reason', r.unseen_reason, 'by', r.unseen_by ->> 'login') end as unseen
       from github_repository r left join github_posture p using (forge, repository)
      where r.forge = any ($1) and (r.forge || '/' || r.repository) collate "C" > $2
      order by (r.forge || '/' || r.repository) collate "C" limit $3`,
    [forges, after, limit, oldSeconds],
  );
  return rows.map((row) => postureRow.parse(row));
}

/** Remembers a posture as it was read. */
export async function writePosture(
  client: Queryable,
  forge: string,
  repository: string,
  url: string,
  points: readonly PosturePoint[],
): Promise<void> {
  await client.query(
    `insert into github_posture (forge, repository, url, points) values ($1, $2, $3, $4)
     on conflict (forge, repository) do update set url = excluded.url, points = excluded.points,
       read_at = clock_timestamp()`,
    [forge, repository.toLowerCase(), url, JSON.stringify(points)],
  );
}
