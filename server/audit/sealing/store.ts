// The SQL of sealing: the wrapped keys of repositories and months, and requests to destroy them.
import type { Queryable } from '../../db.ts';

export interface StoredDataKey {
  readonly id: string;
  readonly repository: string;
  /** `YYYY-MM`. */
  readonly month: string;
  /** Null once the key is destroyed. */
  readonly wrapped: Buffer | null;
  readonly wrappedBy: string;
  /** The entry under which it was destroyed. */
  readonly destroyedBy: number | null;
}

const keyColumns = `k.id, k.repository, to_char(k.month, 'YYYY-MM') as month, k.wrapped, k.wrapped_by as "wrappedBy",
  k.destroyed_by::float8 as "destroyedBy"`;

/** The keys of these ids; those that are not there are left out. */
export function readDataKeys(client: Queryable, ids: readonly string[]): Promise<readonly StoredDataKey[]> {
  return client.query<StoredDataKey>(`select ${keyColumns} from audit_data_key k where k.id = any ($1)`, [
    ids,
  ]);
}

/** The key of a repository and month. */
export async function readDataKeyOf(
  client: Queryable,
  repository: string,
  month: string,
): Promise<StoredDataKey | undefined> {
  const [row] = await client.query<StoredDataKey>(
    `select ${keyColumns} from audit_data_key k where k.repository = $1 and k.month = ($2 || '-01')::date`,
    [repository, month],
  );
  return row;
}

/** Keeps a new key, where the repository has none for the month yet, and all are wrapped by the same key. */
export async function insertDataKey(
  client: Queryable,
  key: Pick<StoredDataKey, 'id' | 'repository' | 'month' | 'wrappedBy'> & { readonly wrapped: Buffer },
): Promise<void> {
  await client.query(
    `insert into audit_data_key (id, repository, month, wrapped, wrapped_by)
     select $1, $2, ($3 || '-01')::date, $4, $5
      where not exists (select from audit_data_key k where k.wrapped is not null and k.wrapped_by <> $5)
     on conflict (repository, month) do nothing`,
    [key.id, key.repository, key.month, key.wrapped, key.wrappedBy],
  );
}

/** Which key-encryption keys wrap the keys that are there. */
export async function readWrappers(client: Queryable): Promise<readonly string[]> {
  const rows = await client.query<{ wrappedBy: string }>(
    'select distinct k.wrapped_by as "wrappedBy" from audit_data_key k where k.wrapped is not null',
  );
  return rows.map(({ wrappedBy }) => wrappedBy);
}

/** Keeps others from adding or changing keys until the transaction ends. */
export async function lockDataKeys(client: Queryable): Promise<void> {
  await client.query('lock table audit_data_key in share row exclusive mode');
}

/** Keys that are there, in the order of their ids. */
export function readWrappedAfter(
  client: Queryable,
  after: string,
  limit: number,
): Promise<readonly StoredDataKey[]> {
  return client.query<StoredDataKey>(
    `select ${keyColumns} from audit_data_key k where k.wrapped is not null and k.id > $1 order by k.id limit $2`,
    [after, limit],
  );
}

/** Keeps a key as another key wraps it. */
export async function replaceWrapped(
  client: Queryable,
  id: string,
  { wrapped, wrappedBy }: { readonly wrapped: Buffer; readonly wrappedBy: string },
): Promise<void> {
  await client.query('update audit_data_key set wrapped = $2, wrapped_by = $3 where id = $1', [
    id,
    wrapped,
    wrappedBy,
  ]);
}

/** Destroys a key under an entry; false where it was destroyed before. */
export async function destroyDataKey(client: Queryable, id: string, entry: number): Promise<boolean> {
  const rows = await client.query(
    `update audit_data_key set wrapped = null, destroyed_by = $2 where id = $1 and wrapped is not null returning id`,
    [id, entry],
  );
  return rows.length === 1;
}

/** Lets go of the documents that were sealed with a key, in the transaction that destroys it. */
export async function destroyDocuments(client: Queryable, key: string): Promise<void> {
  await client.query('update evidence set body = null where key = $1 and body is not null', [key]);
}

export interface StoredShred {
  readonly id: string;
  readonly repository: string;
  readonly month: string;
  readonly reason: string;
  readonly requestedBy: string;
  readonly requestedFor: string | null;
  readonly requestedAt: Date;
  readonly approvedBy: string | null;
}

/** Keeps a request, once it is on record. */
export async function insertShred(client: Queryable, shred: Omit<StoredShred, 'approvedBy'>): Promise<void> {
  await client.query(
    `insert into audit_shred (id, repository, month, reason, requested_by, requested_for, requested_at)
     values ($1, $2, ($3 || '-01')::date, $4, $5, $6, $7)`,
    [
      shred.id,
      shred.repository,
      shred.month,
      shred.reason,
      shred.requestedBy,
      shred.requestedFor,
      shred.requestedAt,
    ],
  );
}

const shredColumns = `s.id, s.repository, to_char(s.month, 'YYYY-MM') as month, s.reason, s.requested_by as "requestedBy",
  s.requested_for as "requestedFor", s.requested_at as "requestedAt", s.approved_by as "approvedBy"`;

/** The request with this id. */
export async function readShred(client: Queryable, id: string): Promise<StoredShred | undefined> {
  const [row] = await client.query<StoredShred>(`select ${shredColumns} from audit_shred s where s.id = $1`, [
    id,
  ]);
  return row;
}

/** Requests that somebody has approved, or was about to, while the key is still there; oldest first. */
export function readUnfinishedShreds(client: Queryable): Promise<readonly StoredShred[]> {
  return client.query<StoredShred>(
    `select ${shredColumns}
       from audit_shred s join audit_data_key k on k.repository = s.repository and k.month = s.month
      where s.approved_by is not null and k.wrapped is not null order by s.requested_at, s.id`,
  );
}

/** Notes who approves: before the log has it, so that what was broken off is found, and where the key is destroyed. */
export async function approveShred(client: Queryable, id: string, person: string): Promise<void> {
  await client.query(
    'update audit_shred set approved_by = $2, approved_at = clock_timestamp() where id = $1',
    [id, person],
  );
}

/** Takes back that somebody was about to approve, where the log has no word of it. */
export async function withdrawApproval(client: Queryable, id: string): Promise<void> {
  await client.query(
    `update audit_shred set approved_by = null, approved_at = null
      where id = $1 and approved_at < clock_timestamp() - interval '1 hour'`,
    [id],
  );
}
