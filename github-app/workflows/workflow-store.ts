// The SQL of what is remembered of logs and artifacts of workflow runs, one statement a function.
import { z } from 'zod';
import type { Queryable } from '../../server/db.ts';

export type ItemKind = 'log' | 'artifact';
export type ItemState = 'clean' | 'found' | 'unread' | 'absent';

export interface ItemKey {
  readonly forge: string;
  readonly kind: ItemKind;
  /** Of the job or the artifact. */
  readonly id: number;
}

const itemRow = z.object({
  kind: z.enum(['log', 'artifact']),
  id: z.coerce.number(),
  attempt: z.int(),
  request: z.string(),
  state: z.enum(['clean', 'found', 'unread', 'absent']),
  exposedSince: z.date().nullable(),
  keptAt: z.date().nullable(),
  failures: z.int(),
  deletedAt: z.date().nullable(),
});
export type WorkflowItem = Readonly<z.output<typeof itemRow>>;

const columns = `kind, id, attempt, request, state, exposed_since as "exposedSince", kept_at as "keptAt", failures,
  deleted_at as "deletedAt"`;

/** What is known of a run. */
export async function listItems(
  client: Queryable,
  forge: string,
  repository: string,
  run: number,
): Promise<readonly WorkflowItem[]> {
  const rows = await client.query(
    `select ${columns} from github_workflow_item where forge = $1 and repository = $2 and run = $3 order by kind, id`,
    [forge, repository.toLowerCase(), run],
  );
  return rows.map((row) => itemRow.parse(row));
}

export interface NewItem
  extends ItemKey, Pick<WorkflowItem, 'attempt' | 'request' | 'state' | 'exposedSince'> {
  readonly repository: string;
  readonly run: number;
}

/** Remembers what was looked at. */
export async function insertItem(client: Queryable, item: NewItem): Promise<void> {
  const { forge, repository, kind, id, run, attempt, request, state, exposedSince } = item;
  await client.query(
    `insert into github_workflow_item (forge, repository, kind, id, run, attempt, request, state, exposed_since)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing`,
    [forge, repository.toLowerCase(), kind, id, run, attempt, request, state, exposedSince],
  );
}

export interface FoundItem extends NewItem, Pick<WorkflowItem, 'failures'> {
  readonly isKept: boolean;
  readonly isDeleted: boolean;
}

/** Remembers how an item stands; what is known to be kept or deleted stays so. */
export async function putItem(client: Queryable, item: FoundItem): Promise<void> {
  await client.query(
    `insert into github_workflow_item
       (forge, repository, kind, id, run, attempt, request, state, exposed_since, failures, kept_at, deleted_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, case when $11::boolean then clock_timestamp() end,
       case when $12::boolean then clock_timestamp() end)
     on conflict (forge, kind, id) do update set state = excluded.state, exposed_since = excluded.exposed_since,
       failures = excluded.failures, kept_at = coalesce(github_workflow_item.kept_at, excluded.kept_at),
       deleted_at = coalesce(github_workflow_item.deleted_at, excluded.deleted_at)`,
    [
      item.forge,
      item.repository.toLowerCase(),
      item.kind,
      item.id,
      item.run,
      item.attempt,
      item.request,
      item.state,
      item.exposedSince,
      item.failures,
      item.isKept,
      item.isDeleted,
    ],
  );
}

/** A copy of it is kept. */
export async function markKept(client: Queryable, { forge, kind, id }: ItemKey): Promise<void> {
  await client.query(
    `update github_workflow_item set kept_at = clock_timestamp() where forge = $1 and kind = $2 and id = $3`,
    [forge, kind, id],
  );
}

/** It was deleted at GitHub. */
export async function markDeleted(client: Queryable, { forge, kind, id }: ItemKey): Promise<void> {
  await client.query(
    `update github_workflow_item set deleted_at = clock_timestamp() where forge = $1 and kind = $2 and id = $3`,
    [forge, kind, id],
  );
}

/** It could not be deleted once more. */
export async function countFailure(client: Queryable, { forge, kind, id }: ItemKey): Promise<void> {
  await client.query(
    `update github_workflow_item set failures = failures + 1 where forge = $1 and kind = $2 and id = $3`,
    [forge, kind, id],
  );
}

/** Forgets what GitHub does not keep any more, either. */
export async function pruneItems(client: Queryable): Promise<void> {
  await client.query(
    `delete from github_workflow_item where looked_at < clock_timestamp() - interval '500 days'`,
  );
}
