// The SQL of the GitHub App, one statement a function. Times of waiting are the database's.
import { z } from 'zod';
import type { Queryable } from '../server/db.ts';
import { type Work, type WorkData, workDataSchema, workKinds } from './work.ts';

/** Remembers a webhook; false where it was taken in before. */
export async function insertDelivery(client: Queryable, forge: string, guid: string): Promise<boolean> {
  const rows = await client.query(
    'insert into github_delivery (forge, guid) values ($1, $2) on conflict do nothing returning guid',
    [forge, guid],
  );
  return rows.length === 1;
}

/** Whether a webhook was taken in. */
export async function hasDelivery(client: Queryable, forge: string, guid: string): Promise<boolean> {
  const rows = await client.query('select 1 from github_delivery where forge = $1 and guid = $2', [
    forge,
    guid,
  ]);
  return rows.length > 0;
}

/** Forgets webhooks that are too old to come again, and checks of what nobody has touched for long. */
export async function prune(client: Queryable): Promise<void> {
  await client.query(`delete from github_delivery where at < clock_timestamp() - interval '14 days'`);
  await client.query(`delete from github_check where updated_at < clock_timestamp() - interval '400 days'`);
}

const idRow = z.object({ id: z.coerce.string(), generation: z.int() });

/** Puts work in, or makes what is there due again. */
export async function upsertWork(
  client: Queryable,
  work: Pick<Work, 'forge' | 'repository' | 'subject'> & WorkData,
): Promise<{ readonly id: string; readonly generation: number }> {
  const { forge, repository, subject, kind, data } = work;
  const [row] = await client.query(
    `insert into github_work (forge, repository, kind, subject, data) values ($1, $2, $3, $4, $5)
     on conflict (forge, repository, kind, subject) do update
       set generation = github_work.generation + 1, attempts = 0,
           data = case when github_work.data @> '{"isForced": true}' then excluded.data || '{"isForced": true}'
             else excluded.data end,
           due_at = clock_timestamp()
     returning id, generation`,
    // One spelling, so that a subject has one row.
    [forge, repository.toLowerCase(), kind, subject, JSON.stringify(data)],
  );
  return idRow.parse(row);
}

const workRow = z
  .object({
    id: z.coerce.string(),
    forge: z.string(),
    repository: z.string(),
    subject: z.string(),
    kind: z.enum(workKinds),
    data: z.unknown(),
    generation: z.int(),
    attempts: z.int(),
    createdAt: z.date(),
  })
  .transform(({ kind, data, ...row }): Work => ({ ...row, ...workDataSchema.parse({ kind, data }) }));

/** Takes the work for this many seconds; undefined where it is done, not due, or another's. */
export async function claimWork(
  client: Queryable,
  id: string,
  holder: string,
  seconds: number,
): Promise<Work | undefined> {
  const [row] = await client.query(
    `update github_work set lease_until = clock_timestamp() + make_interval(secs => $3), attempts = attempts + 1,
       holder = $2
     where id = $1 and due_at <= clock_timestamp() and (lease_until is null or lease_until < clock_timestamp())
     returning id, forge, repository, subject, kind, data, generation, attempts, created_at as "createdAt"`,
    [id, holder, seconds],
  );
  return row === undefined ? undefined : workRow.parse(row);
}

/** Keeps the work for this many seconds more; false where it is another's, or done. */
export async function extendWork(
  client: Queryable,
  id: string,
  holder: string,
  seconds: number,
): Promise<boolean> {
  const rows = await client.query(
    `update github_work set lease_until = clock_timestamp() + make_interval(secs => $3)
     where id = $1 and holder = $2 returning id`,
    [id, holder, seconds],
  );
  return rows.length === 1;
}

/** Ends this generation of the work; false where there is a newer one, which is due now. Another's is left alone. */
export async function finishWork(
  client: Queryable,
  id: string,
  holder: string,
  generation: number,
): Promise<boolean> {
  const done = await client.query(
    'delete from github_work where id = $1 and holder = $2 and generation = $3 returning id',
    [id, holder, generation],
  );
  if (done.length === 1) return true;
  const newer = await client.query(
    'update github_work set lease_until = null, holder = null where id = $1 and holder = $2 returning id',
    [id, holder],
  );
  return newer.length === 0;
}

/** Lets go of the work until it is tried again, in this many seconds. Another's is left alone. */
export async function postponeWork(
  client: Queryable,
  id: string,
  holder: string,
  generation: number,
  seconds: number,
): Promise<void> {
  await client.query(
    `update github_work set lease_until = null, holder = null,
       due_at = case when generation = $3 then clock_timestamp() + make_interval(secs => $4) else due_at end
     where id = $1 and holder = $2`,
    [id, holder, generation, seconds],
  );
}

const dueRow = z.object({
  id: z.coerce.string(),
  generation: z.int(),
  attempts: z.int(),
  delayMs: z.number(),
});
export type DueWork = z.output<typeof dueRow>;

/** Work that is due within this many seconds and that nobody holds by then: a lease is renewed long before its end. */
export async function findDueWork(
  client: Queryable,
  seconds: number,
  limit: number,
): Promise<readonly DueWork[]> {
  const rows = await client.query(
    `select id, generation, attempts,
        greatest(0, extract(epoch from greatest(due_at, lease_until) - clock_timestamp()) * 1000)::float8 as "delayMs"
       from github_work where greatest(due_at, lease_until) <= clock_timestamp() + make_interval(secs => $1)
       order by due_at limit $2`,
    [seconds, limit],
  );
  return rows.map((row) => dueRow.parse(row));
}

/** Where a check is remembered. */
export interface CheckKey {
  readonly forge: string;
  /** `owner/name` in any spelling. */
  readonly repository: string;
  readonly subject: string;
}

const checkRow = z.object({
  head: z.string(),
  run: z.coerce.number().nullable(),
  published: z.string().nullable(),
  annotations: z.string().nullable(),
  /** Of this subject alone, whatever others with the same commit come to. */
  conclusion: z.string().nullable(),
  approval: z.string().nullable(),
  binding: z.string().nullable(),
  notice: z.string().nullable(),
  comment: z.coerce.number().nullable(),
});
export type KnownCheck = Readonly<z.output<typeof checkRow>>;
/** What is shown at GitHub: a run of a commit; `published` is null while it is under way. */
export type CheckRunState = Pick<KnownCheck, 'head' | 'run' | 'published' | 'annotations'>;
/** What a look at the subject has come to. */
export type CheckOutcome = Pick<KnownCheck, 'conclusion' | 'approval' | 'binding' | 'comment'>;

const keyValues = ({ forge, repository, subject }: CheckKey): readonly string[] => [
  forge,
  repository.toLowerCase(),
  subject,
];

/** What is remembered of a check; undefined where it is new. */
export async function readCheck(client: Queryable, key: CheckKey): Promise<KnownCheck | undefined> {
  const [row] = await client.query(
    `select head, run, published, annotations, conclusion, approval, binding, notice, comment from github_check
     where forge = $1 and repository = $2 and subject = $3`,
    keyValues(key),
  );
  return row === undefined ? undefined : checkRow.parse(row);
}

/** Remembers the run of a check. Of another commit than before, nothing else is known yet. */
export async function writeRun(
  client: Queryable,
  key: CheckKey,
  { head, run, published, annotations }: CheckRunState,
): Promise<void> {
  await client.query(
    `insert into github_check (forge, repository, subject, head, run, published, annotations)
     values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (forge, repository, subject) do update set head = excluded.head, run = excluded.run,
       published = excluded.published, annotations = excluded.annotations,
       conclusion = case when github_check.head = excluded.head then github_check.conclusion end,
       notice = case when github_check.head = excluded.head then github_check.notice end,
       updated_at = clock_timestamp()`,
    [...keyValues(key), head, run, published, annotations],
  );
}

/**
 * Remembers the request that a commit waits for, before anybody can see it: whoever decides at once is heard. Of another
 * commit than before, nothing else is known yet.
 */
export async function writeRequest(
  client: Queryable,
  key: CheckKey,
  { head, approval, binding }: Pick<KnownCheck, 'head' | 'approval' | 'binding'>,
): Promise<void> {
  await client.query(
    `insert into github_check as known (forge, repository, subject, head, approval, binding)
     values ($1, $2, $3, $4, $5, $6)
     on conflict (forge, repository, subject) do update set head = excluded.head,
       approval = excluded.approval, binding = excluded.binding,
       run = case when known.head = excluded.head then known.run end,
       published = case when known.head = excluded.head then known.published end,
       annotations = case when known.head = excluded.head then known.annotations end,
       conclusion = case when known.head = excluded.head then known.conclusion end,
       notice = case when known.head = excluded.head then known.notice end,
       updated_at = clock_timestamp()`,
    [...keyValues(key), head, approval, binding],
  );
}

/** Remembers what a look has come to; the run is known by then. */
export async function writeOutcome(client: Queryable, key: CheckKey, outcome: CheckOutcome): Promise<void> {
  await client.query(
    `update github_check set conclusion = $4, approval = $5, binding = $6, comment = $7, updated_at = clock_timestamp()
     where forge = $1 and repository = $2 and subject = $3`,
    [...keyValues(key), outcome.conclusion, outcome.approval, outcome.binding, outcome.comment],
  );
}

/** Remembers what became of a button. */
export async function writeNotice(client: Queryable, key: CheckKey, notice: string | null): Promise<void> {
  await client.query(
    `update github_check set notice = $4, updated_at = clock_timestamp()
     where forge = $1 and repository = $2 and subject = $3`,
    [...keyValues(key), notice],
  );
}

const subjectRow = z.object({
  repository: z.string(),
  subject: z.string(),
  forge: z.string(),
  conclusion: z.string().nullable(),
});
export type CheckPlace = z.output<typeof subjectRow>;

/** The check that a run of GitHub shows. */
export async function findCheckOfRun(
  client: Queryable,
  forge: string,
  run: number,
): Promise<CheckPlace | undefined> {
  const [row] = await client.query(
    'select forge, repository, subject, conclusion from github_check where forge = $1 and run = $2',
    [forge, run],
  );
  return row === undefined ? undefined : subjectRow.parse(row);
}

/** The checks of a commit. */
export async function findChecksOfHead(
  client: Queryable,
  forge: string,
  repository: string,
  head: string,
): Promise<readonly CheckPlace[]> {
  const rows = await client.query(
    'select forge, repository, subject, conclusion from github_check where forge = $1 and repository = $2 and head = $3',
    [forge, repository.toLowerCase(), head],
  );
  return rows.map((row) => subjectRow.parse(row));
}

/** The check that waits for an approval. */
export async function findCheckOfApproval(
  client: Queryable,
  approval: string,
): Promise<CheckPlace | undefined> {
  const [row] = await client.query(
    'select forge, repository, subject, conclusion from github_check where approval = $1',
    [approval],
  );
  return row === undefined ? undefined : subjectRow.parse(row);
}

/** Remembers that an administrator has gone to GitHub to create an App; forgets what is older than an hour. */
export async function insertSetup(client: Queryable, state: string, forge: string): Promise<void> {
  await client.query(`delete from github_setup where at < clock_timestamp() - interval '1 hour'`);
  await client.query('insert into github_setup (state, forge) values ($1, $2)', [state, forge]);
}

/** The forge of a creation that has come back, once; undefined where there is none. */
export async function takeSetup(client: Queryable, state: string): Promise<string | undefined> {
  const [row] = await client.query<{ forge: string }>(
    `delete from github_setup where state = $1 and at >= clock_timestamp() - interval '1 hour' returning forge`,
    [state],
  );
  return row?.forge;
}
