// The SQL of the sinks, one statement a function.
import type { Queryable } from '../db.ts';

export interface SinkClaim {
  /** Moves only count with it. */
  readonly fence: number;
  readonly next: number;
  readonly began: number;
  readonly planned: number | null;
}

/** Makes the sink known where it is not; it begins at `began`. */
export async function ensureSink(client: Queryable, name: string, began: number): Promise<void> {
  await client.query(
    'insert into audit_sink (name, next, began) values ($1, $2, $2) on conflict (name) do nothing',
    [name, began],
  );
}

export interface SinkHolder {
  /** Names this process and no other. */
  readonly name: string;
  /** What the names of processes begin with that have certainly ended; undefined where there are none. */
  readonly predecessors: string | undefined;
}

/** Takes or keeps the sink for `ms`; undefined where another guard holds it. */
export async function claimSink(
  client: Queryable,
  name: string,
  { name: holder, predecessors }: SinkHolder,
  ms: number,
): Promise<SinkClaim | undefined> {
  const [row] = await client.query<SinkClaim>(
    `update audit_sink s
        set holder = $2, held_until = clock_timestamp() + $3 * interval '1 millisecond',
            fence = s.fence + case when s.holder is not distinct from $2 then 0 else 1 end
      where s.name = $1 and (s.holder is not distinct from $2 or s.held_until < clock_timestamp()
             or starts_with(s.holder, $4))
      returning s.fence::float8 as fence, s.next::float8 as next, s.began::float8 as began,
                s.planned::float8 as planned`,
    [name, holder, ms, predecessors ?? null],
  );
  return row;
}

/** Lets go of the sink, so that another guard need not wait. */
export async function releaseSink(client: Queryable, name: string, holder: string): Promise<void> {
  await client.query(
    `update audit_sink set holder = null, held_until = '-infinity' where name = $1 and holder = $2`,
    [name, holder],
  );
}

/** Fixes the end of the batch that begins at `next`; false where the claim is lost. */
export async function planBatch(
  client: Queryable,
  name: string,
  fence: number,
  past: number,
): Promise<boolean> {
  const rows = await client.query(
    'update audit_sink set planned = $3 where name = $1 and fence = $2 returning name',
    [name, fence, past],
  );
  return rows.length === 1;
}

export interface MovedSink {
  /** An outage that is on record and has ended; null where there was none. */
  readonly failingSince: Date | null;
}

/** The receiver has taken everything before `next`. Undefined where the claim is lost. */
export async function moveSink(
  client: Queryable,
  name: string,
  fence: number,
  next: number,
  ms: number,
): Promise<MovedSink | undefined> {
  const [row] = await client.query<MovedSink>(
    `update audit_sink s
        set next = greatest(s.next, $3), planned = null, failures = 0, moved_at = clock_timestamp(),
            failing_since = case when s.recorded then s.failing_since end,
            problem = case when s.recorded then s.problem end,
            held_until = clock_timestamp() + $4 * interval '1 millisecond'
      where s.name = $1 and s.fence = $2
      returning case when s.recorded then s.failing_since end as "failingSince"`,
    [name, fence, next, ms],
  );
  return row;
}

export interface FailedSink {
  readonly failures: number;
  readonly recorded: boolean;
  readonly next: number;
}

/** Notes a failed attempt. Undefined where the claim is lost. */
export async function failSink(
  client: Queryable,
  name: string,
  fence: number,
  problem: string,
): Promise<FailedSink | undefined> {
  const [row] = await client.query<FailedSink>(
    `update audit_sink s
        set failures = s.failures + 1, failing_since = coalesce(s.failing_since, clock_timestamp()), problem = $3
      where s.name = $1 and s.fence = $2
      returning s.failures, s.recorded, s.next::float8 as next`,
    [name, fence, problem],
  );
  return row;
}

/** Notes that the log tells of the outage, or that it has told of its end. */
export async function markRecorded(
  client: Queryable,
  name: string,
  fence: number,
  recorded: boolean,
): Promise<void> {
  await client.query(
    `update audit_sink set recorded = $3, failing_since = case when $3 then failing_since end,
            problem = case when $3 then problem end
      where name = $1 and fence = $2`,
    [name, fence, recorded],
  );
}

/** Keeps an entry that the receiver refuses; false where it is kept already. */
export async function insertRefusal(
  client: Queryable,
  name: string,
  index: number,
  problem: string,
): Promise<boolean> {
  const rows = await client.query(
    `insert into audit_sink_refusal (sink, index, problem) values ($1, $2, $3)
     on conflict do nothing returning index`,
    [name, index, problem],
  );
  return rows.length === 1;
}

export interface SinkRow {
  readonly name: string;
  readonly next: number;
  readonly failingSince: Date | null;
  readonly problem: string | null;
  readonly refused: number;
}

/** How the sinks stand. */
export function readSinks(client: Queryable, names: readonly string[]): Promise<readonly SinkRow[]> {
  return client.query<SinkRow>(
    `select s.name, s.next::float8 as next, s.failing_since as "failingSince", s.problem,
            (select count(*)::int from audit_sink_refusal r where r.sink = s.name) as refused
       from audit_sink s where s.name = any ($1) order by s.name`,
    [names],
  );
}
