// The SQL of the checkpoint store that several guards share: another PostgreSQL than that of the log, so that a backup of
// the one does not set back the other. One row for each log, which only ever moves forward.
import type { Database, Queryable } from '../../db.ts';

/** Key of the advisory lock under which the table is made: "fgck" in ASCII. */
const lockKey = 0x6667636b;

/** Makes the table where it is missing; guards that start at once do not hinder each other. */
export async function ensureCheckpointTable(database: Pick<Database, 'transaction'>): Promise<void> {
  await database.transaction(async (client) => {
    await client.query('select pg_advisory_xact_lock($1)', [lockKey]);
    await client.query(
      `create table if not exists forgeguard_last_checkpoint (
         origin text primary key, size bigint not null, note text not null check (octet_length(note) <= 65536))`,
    );
  });
}

/** The largest checkpoint that any guard of the log has put there. */
export async function readLastCheckpoint(client: Queryable, origin: string): Promise<string | undefined> {
  const [row] = await client.query<{ note: string }>(
    'select l.note from forgeguard_last_checkpoint l where l.origin = $1',
    [origin],
  );
  return row?.note;
}

/** Puts a checkpoint there, unless one of as many entries or more is; whether it was put. */
export async function advanceCheckpoint(
  client: Queryable,
  checkpoint: { readonly origin: string; readonly size: number; readonly note: string },
): Promise<boolean> {
  const { origin, size, note } = checkpoint;
  const rows = await client.query(
    `insert into forgeguard_last_checkpoint as l (origin, size, note) values ($1, $2, $3)
     on conflict (origin) do update set size = excluded.size, note = excluded.note where l.size < excluded.size
     returning l.size`,
    [origin, size, note],
  );
  return rows.length === 1;
}
