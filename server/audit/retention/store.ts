// The SQL of pruning and of legal holds. Entries leave the log only by the function `audit_prune`, which keeps their hashes.
import { hashLength } from '../../../core/merkle.ts';
import { tileWidth } from '../../../core/tile.ts';
import type { Queryable } from '../../db.ts';

/** Entries before this index may be gone; 0 where nothing was pruned. */
export async function readPrunedPast(client: Queryable): Promise<number> {
  const [row] = await client.query<{ past: number }>(
    'select coalesce(max(p.past), 0)::float8 as past from audit_pruning p',
  );
  return row?.past ?? 0;
}

/** The entry that says that everything before `past` may be gone; undefined where that is not the newest such place. */
export async function readPruning(client: Queryable, past: number): Promise<number | undefined> {
  const [row] = await client.query<{ entry: number }>(
    `select p.entry::float8 as entry from audit_pruning p
      where p.past = $1 and p.past = (select max(n.past) from audit_pruning n)`,
    [past],
  );
  return row?.entry;
}

/** The leaf hashes of pruned tiles in [begin, end), by the index of the tile. */
export async function readPrunedTiles(
  client: Queryable,
  begin: number,
  end: number,
): Promise<ReadonlyMap<number, Buffer>> {
  const rows = await client.query<{ index: number; hashes: Buffer }>(
    `select t.index::float8 as index, t.hashes from audit_pruned_tile t
      where t.index >= $1 and t.index < $2 order by t.index`,
    [Math.floor(begin / tileWidth), Math.ceil(end / tileWidth)],
  );
  return new Map(rows.map(({ index, hashes }) => [index, hashes.subarray(0, tileWidth * hashLength)]));
}

/** Whom and what a legal hold is about; what is undefined is left open. */
export interface HoldScope {
  readonly from?: Date | undefined;
  readonly to?: Date | undefined;
  readonly agent?: string | undefined;
  readonly repository?: string | undefined;
}

export interface Hold extends HoldScope {
  readonly id: string;
  readonly reason: string;
  readonly person: string;
  readonly addedAt: Date;
  /** Who released it, when and why; null while it is in force. */
  readonly released: { readonly person: string; readonly reason: string; readonly at: Date } | null;
}

interface HoldRow {
  readonly id: string;
  readonly reason: string;
  readonly person: string;
  readonly addedAt: Date;
  readonly from: Date | null;
  readonly to: Date | null;
  readonly agent: string | null;
  readonly repository: string | null;
  readonly releasedBy: string | null;
  readonly releaseReason: string | null;
  readonly releasedAt: Date | null;
}

/** All holds, oldest first. */
export async function readHolds(client: Queryable): Promise<readonly Hold[]> {
  const rows = await client.query<HoldRow>(
    `select h.id, h.reason, h.person, h.added_at as "addedAt", h.from_time as "from", h.to_time as "to", h.agent,
            h.repository, r.person as "releasedBy", r.reason as "releaseReason", r.released_at as "releasedAt"
       from audit_hold h left join audit_hold_release r on r.hold = h.id order by h.added_at, h.id`,
  );
  return rows.map((row) => ({
    id: row.id,
    reason: row.reason,
    person: row.person,
    addedAt: row.addedAt,
    from: row.from ?? undefined,
    to: row.to ?? undefined,
    agent: row.agent ?? undefined,
    repository: row.repository ?? undefined,
    released:
      row.releasedBy === null || row.releasedAt === null
        ? null
        : { person: row.releasedBy, reason: row.releaseReason ?? '', at: row.releasedAt },
  }));
}

/** Notes a hold, in the transaction that appends its entry. */
export async function insertHold(client: Queryable, hold: Omit<Hold, 'released'>): Promise<void> {
  await client.query(
    `insert into audit_hold (id, reason, person, added_at, from_time, to_time, agent, repository)
     values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      hold.id,
      hold.reason,
      hold.person,
      hold.addedAt,
      hold.from ?? null,
      hold.to ?? null,
      hold.agent ?? null,
      hold.repository ?? null,
    ],
  );
}

/** Notes that a hold was released, in the transaction that appends its entry. */
export async function insertRelease(
  client: Queryable,
  release: { readonly hold: string; readonly reason: string; readonly person: string; readonly at: Date },
): Promise<void> {
  await client.query(
    'insert into audit_hold_release (hold, reason, person, released_at) values ($1, $2, $3, $4)',
    [release.hold, release.reason, release.person, release.at],
  );
}

/** Notes up to where entries may be gone, in the transaction that appends the entry about it. */
export async function insertPruning(client: Queryable, past: number, entry: number): Promise<void> {
  await client.query(
    'insert into audit_pruning (past, entry) values ($1, $2) on conflict (past) do nothing',
    [past, entry],
  );
}

/** Takes the entries of a tile out, but for those that are kept; how many. */
export async function pruneTile(client: Queryable, tile: number, kept: readonly number[]): Promise<number> {
  const [row] = await client.query<{ removed: number }>(
    'select audit_prune($1, $2::bigint[])::float8 as removed',
    [tile, kept],
  );
  return row?.removed ?? 0;
}

/** Removes documents of entries that go, in the transaction that takes these out. */
export async function removeDocuments(client: Queryable, digests: readonly string[]): Promise<void> {
  if (digests.length > 0) await client.query('delete from evidence where digest = any ($1)', [digests]);
}

/** The database's clock. */
export async function readDatabaseTime(client: Queryable): Promise<Date> {
  const [row] = await client.query<{ now: Date }>('select clock_timestamp() as now');
  return row?.now ?? new Date(0);
}

/** The first entry of an attempt that has no outcome; undefined where there is none. */
export async function readOldestAttempt(client: Queryable): Promise<number | undefined> {
  const [row] = await client.query<{ first: number | null }>(
    'select min(a.first_index)::float8 as first from audit_open_attempt a',
  );
  return row?.first ?? undefined;
}

/** The cosigned checkpoint next to `size`, at most or at least that large, with the lines of one witness. */
export async function readCosignedNear(
  client: Queryable,
  witness: string,
  side: 'up-to' | 'from',
  size: number,
): Promise<{ readonly size: number; readonly note: string } | undefined> {
  const [row] = await client.query<{ size: number; note: string }>(
    `select c.size::float8 as size, c.note || s.line as note
       from audit_cosignature s join audit_checkpoint c on c.size = s.size
      where s.witness = $1 and ${side === 'up-to' ? 's.size <= $2' : 's.size >= $2'}
      order by s.size ${side === 'up-to' ? 'desc' : 'asc'} limit 1`,
    [witness, size],
  );
  return row;
}
