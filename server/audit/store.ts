// The SQL of the audit log, one statement a function. Rows are appended, never changed; the caller decides what they mean.
import type { FoundEntry } from '../../core/entry-run.ts';
import type { TreeNode } from '../../core/merkle.ts';
import type { DatabaseSession, Queryable } from '../db.ts';
import { packedEntries, unpackEntries } from './packed-entries.ts';

/** Makes commits of this session durable even where the database's default is not. */
export async function requireDurableCommits(session: DatabaseSession): Promise<void> {
  await session.query(
    `select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'`,
  );
}

export interface StoredHead {
  /** Number of entries; null where an index is missing. */
  readonly entries: number;
  readonly note: string | null;
  readonly lastBody: Uint8Array | null;
}

/** How far the log goes: by its entries and by its newest checkpoint. */
export async function readHead(client: Queryable): Promise<StoredHead> {
  const [row] = await client.query<StoredHead>(
    `select coalesce((select max(index) + 1 from audit_entry), 0)::float8 as entries,
            (select note from audit_checkpoint order by size desc limit 1) as note,
            (select body from audit_entry order by index desc limit 1) as "lastBody"`,
  );
  return row ?? { entries: 0, note: null, lastBody: null };
}

export interface StoredTail {
  /** The newest checkpoint. */
  readonly note: string | null;
  readonly lastBody: Uint8Array | null;
  /** The key since the last rotation; null where there was none. */
  readonly vkey: string | null;
  /** Leaf hashes of the entries from the asked one on. */
  readonly leafHashes: readonly Uint8Array[];
}

/** What was added since the log had `size` entries, at one moment. */
export async function readTail(client: Queryable, size: number, limit: number): Promise<StoredTail> {
  const [row] = await client.query<StoredTail>(
    `select (select c.note from audit_checkpoint c order by c.size desc limit 1) as note,
            (select e.body from audit_entry e order by e.index desc limit 1) as "lastBody",
            (select k.vkey from audit_key k order by k.index desc limit 1) as vkey,
            array(select e.leaf_hash from audit_entry e where e.index >= $1 order by e.index limit $2) as "leafHashes"`,
    [size, limit],
  );
  return row ?? { note: null, lastBody: null, vkey: null, leafHashes: [] };
}

/** The entries that tell of rotations of the key, in order. */
export async function readKeyEntries(client: Queryable): Promise<readonly StoredEntry[]> {
  return client.query<StoredEntry>(
    `select e.index::float8 as index, e.body, e.leaf_hash as "leafHash"
       from audit_key k join audit_entry e on e.index = k.index order by k.index`,
  );
}

/** Notes a rotation, in the transaction that appends its entry. */
export async function insertKey(client: Queryable, index: number, vkey: string): Promise<void> {
  await client.query('insert into audit_key (index, vkey) values ($1, $2)', [index, vkey]);
}

export interface StoredCheckpoint {
  readonly size: number;
  readonly note: string;
}

/** Checkpoints of more than `after` entries, smallest first. */
export function readCheckpoints(
  client: Queryable,
  after: number,
  limit: number,
): Promise<readonly StoredCheckpoint[]> {
  return client.query<StoredCheckpoint>(
    'select c.size::float8 as size, c.note from audit_checkpoint c where c.size > $1 order by c.size limit $2',
    [after, limit],
  );
}

/** The newest checkpoint of at most `size` entries. */
export async function readCheckpointUpTo(
  client: Queryable,
  size: number,
): Promise<StoredCheckpoint | undefined> {
  const [row] = await client.query<StoredCheckpoint>(
    'select c.size::float8 as size, c.note from audit_checkpoint c where c.size <= $1 order by c.size desc limit 1',
    [size],
  );
  return row;
}

/** An entry as the database holds it. */
export type StoredEntry = FoundEntry;

/** What is packed of no entries. */
const nothing = Buffer.alloc(0);

/** Entries from `first` on, in order; what was pruned is left out. */
export async function readEntries(
  client: Queryable,
  first: number,
  limit: number,
): Promise<readonly StoredEntry[]> {
  const [row] = await client.query<{ packed: Buffer | null }>(
    `select ${packedEntries} as packed
       from (select * from audit_entry where index >= $1 order by index limit $2) e`,
    [first, limit],
  );
  return unpackEntries(row?.packed ?? nothing);
}

/** How many entries there are. */
export async function readSize(client: Queryable): Promise<number> {
  const [row] = await client.query<{ size: number }>(
    'select coalesce((select max(index) + 1 from audit_entry), 0)::float8 as size',
  );
  return row?.size ?? 0;
}

/** Entries of [first, past), in order; what was pruned is left out. */
export async function readEntriesBefore(
  client: Queryable,
  first: number,
  past: number,
  limit: number,
): Promise<readonly StoredEntry[]> {
  const [row] = await client.query<{ packed: Buffer | null }>(
    `select ${packedEntries} as packed
       from (select * from audit_entry where index >= $1 and index < $2 order by index limit $3) e`,
    [first, past, limit],
  );
  return unpackEntries(row?.packed ?? nothing);
}

/** The entries of [begin, end), packed, in order; what was pruned is left out. */
export async function readPackedRange(client: Queryable, begin: number, end: number): Promise<Buffer> {
  const [row] = await client.query<{ packed: Buffer | null }>(
    `select ${packedEntries} as packed from audit_entry e where e.index >= $1 and e.index < $2`,
    [begin, end],
  );
  return row?.packed ?? nothing;
}

/** The entries of [begin, end), in order; what was pruned is left out. */
export async function readEntryRange(
  client: Queryable,
  begin: number,
  end: number,
): Promise<readonly StoredEntry[]> {
  return unpackEntries(await readPackedRange(client, begin, end));
}

/** The entries at these indices, in order. */
export function readEntriesAt(
  client: Queryable,
  indices: readonly number[],
): Promise<readonly Pick<StoredEntry, 'index' | 'body'>[]> {
  return client.query(
    'select e.index::float8 as index, e.body from audit_entry e where e.index = any ($1::bigint[]) order by e.index',
    [indices],
  );
}

/** The entry that brought the policy in force before entry `index`; none where no policy was loaded before. */
export async function readPolicyEntries(
  client: Queryable,
  index: number,
): Promise<readonly Pick<StoredEntry, 'index' | 'body'>[]> {
  // An entry is canonical: its action stands in front.
  return client.query(
    `select e.index::float8 as index, e.body from audit_entry e
      where e.index < $1 and substring(e.body from 1 for 25) = convert_to('{"action":"policy.loaded"', 'UTF8')
      order by e.index desc limit 1`,
    [index],
  );
}

/** The size up to which a witness has cosigned; 0 where it has not. */
export async function readCosignedSize(client: Queryable, witness: string): Promise<number> {
  const [row] = await client.query<{ size: number }>(
    'select coalesce(max(c.size), 0)::float8 as size from audit_cosignature c where c.witness = $1',
    [witness],
  );
  return row?.size ?? 0;
}

/** Keeps a witness's line; several guards may have asked for it. */
export async function insertCosignature(
  client: Queryable,
  size: number,
  witness: string,
  line: string,
): Promise<void> {
  await client.query(
    'insert into audit_cosignature (size, witness, line) values ($1, $2, $3) on conflict do nothing',
    [size, witness, line],
  );
}

/** The newest checkpoint of at most `size` entries that a witness has cosigned, with all such lines. */
export async function readNewestCosigned(
  client: Queryable,
  size: number,
): Promise<StoredCheckpoint | undefined> {
  const [row] = await client.query<StoredCheckpoint>(
    `select c.size::float8 as size, c.note || string_agg(s.line, '' order by s.witness) as note
       from audit_checkpoint c join audit_cosignature s on s.size = c.size
      where c.size = (select max(n.size) from audit_cosignature n where n.size <= $1)
      group by c.size, c.note`,
    [size],
  );
  return row;
}

/** The newest checkpoint's note; undefined for a log without entries. */
export async function readNewestNote(client: Queryable): Promise<string | undefined> {
  const [row] = await client.query<{ note: string }>(
    'select c.note from audit_checkpoint c order by c.size desc limit 1',
  );
  return row?.note;
}

/** Hashes of one level that stand side by side in one tile. */
export interface HashRange {
  /** 0 for leaf hashes, else the level as stored. */
  readonly level: number;
  /** [begin, end), of one tile. */
  readonly begin: number;
  readonly end: number;
}

/** The hashes of each range, one after the other; shorter, or null, where some are not there. */
export async function readHashes(
  client: Queryable,
  ranges: readonly HashRange[],
): Promise<readonly (Buffer | null)[]> {
  if (ranges.length === 0) return [];
  const rows = await client.query<{ hashes: Buffer | null }>(
    `select case when r.level > 0
              then (select string_agg(n.hash, ''::bytea order by n.index) from audit_node n
                     where n.level = r.level and n.index >= r.first and n.index < r.past)
              else coalesce(
                (select substring(p.hashes from (r.first % 256)::int * 32 + 1 for (r.past - r.first)::int * 32)
                   from audit_pruned_tile p where p.index = r.first / 256),
                (select string_agg(e.leaf_hash, ''::bytea order by e.index) from audit_entry e
                  where e.index >= r.first and e.index < r.past))
            end as hashes
       from unnest($1::smallint[], $2::bigint[], $3::bigint[]) with ordinality as r(level, first, past, position)
      order by r.position`,
    [ranges.map(({ level }) => level), ranges.map(({ begin }) => begin), ranges.map(({ end }) => end)],
  );
  return rows.map(({ hashes }) => hashes);
}

export interface AttemptChange {
  readonly request: string;
  readonly first: number;
  readonly last: number;
}

export interface StoredBatch {
  readonly firstIndex: number;
  readonly bodies: readonly Buffer[];
  readonly leafHashes: readonly Buffer[];
  /** Stored nodes that the batch completes; levels as stored. */
  readonly nodes: readonly TreeNode[];
  readonly opened: readonly AttemptChange[];
  readonly closed: readonly string[];
  readonly size: number;
  readonly note: string;
}

/** Appends a batch that the guard `writer` plans: one statement, hence one transaction in one round trip. */
export async function insertBatch(
  session: DatabaseSession,
  batch: StoredBatch,
  writer: number,
): Promise<void> {
  // Bodies go as one value in binary: as a list they would be text, twice as long, and be parsed on the other side.
  const lengths = batch.bodies.map(({ length }) => length);
  let past = 1;
  const begins = lengths.map((length) => (past += length) - length);
  await session.queryPrepared(
    'audit-append',
    `with entries as (
       insert into audit_entry (index, body, leaf_hash)
       select $1::bigint + row.position - 1, substring($2::bytea from row.begins for row.length),
              substring($3::bytea from (row.position::int - 1) * 32 + 1 for 32)
         from unnest($14::int[], $15::int[]) with ordinality as row(begins, length, position)
     ), nodes as (
       insert into audit_node (level, index, hash) select * from unnest($4::smallint[], $5::bigint[], $6::bytea[])
     ), opened as (
       insert into audit_open_attempt (request, first_index, last_index, writer)
       select row.request, row.first, row.last, $13
         from unnest($7::text[], $8::bigint[], $9::bigint[]) as row(request, first, last)
       on conflict (request) do update set last_index = excluded.last_index
     ), closed as (
       delete from audit_open_attempt where request = any ($10::text[])
     )
     insert into audit_checkpoint (size, note) values ($11, $12)`,
    [
      batch.firstIndex,
      Buffer.concat(batch.bodies),
      Buffer.concat(batch.leafHashes),
      batch.nodes.map(({ level }) => level),
      batch.nodes.map(({ index }) => index),
      batch.nodes.map(({ hash }) => Buffer.from(hash)),
      batch.opened.map(({ request }) => request),
      batch.opened.map(({ first }) => first),
      batch.opened.map(({ last }) => last),
      batch.closed,
      batch.size,
      batch.note,
      writer,
      begins,
      lengths,
    ],
  );
}

export interface StoredAttempt {
  readonly request: string;
  readonly writer: number;
  readonly lastBody: Uint8Array;
}

/** Attempts without an outcome, oldest first, with their last entry. */
export function readOpenAttempts(client: Queryable): Promise<readonly StoredAttempt[]> {
  return client.query<StoredAttempt>(
    `select a.request, a.writer, e.body as "lastBody"
       from audit_open_attempt a join audit_entry e on e.index = a.last_index order by a.first_index`,
  );
}

/** The sealed document that an entry names by its SHA-256; undefined where it is not kept any more, or destroyed. */
export async function readEvidence(
  client: Queryable,
  digest: string,
): Promise<{ readonly key: string; readonly body: Uint8Array } | undefined> {
  const rows = await client.query<{ readonly key: string; readonly body: Uint8Array }>(
    'select key, body from evidence where digest = $1 and body is not null',
    [digest],
  );
  return rows[0];
}
