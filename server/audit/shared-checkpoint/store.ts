// The SQL of the checkpoint store that several guards share: another PostgreSQL than that of the log, so that a backup of
// the one does not set back the other. One row for each log, which only ever moves forward.
import type { Database } from '../../db.ts';
import type { CheckpointStore } from './checkpoint-store.ts';

/** Key of the advisory lock under which the table is made: "fgck" in ASCII. */
const lockKey = 0x6667636b;

const everyMs = 1_000;

/** In another PostgreSQL. */
export function databaseCheckpointStore(database: Database): CheckpointStore {
  return {
    everyMs,
    // The table where it is missing; guards that start at once do not hinder each other.
    prepare: () =>
      database.transaction(async (client) => {
        await client.query('select pg_advisory_xact_lock($1)', [lockKey]);
        await client.query(
          `create table if not exists forgeguard_last_checkpoint (
             origin text primary key, size bigint not null, note text not null check (octet_length(note) <= 65536))`,
        );
      }),
    read: async (origin) => {
      const [row] = await database.query<{ note: string }>(
        'select l.note from forgeguard_last_checkpoint l where l.origin = $1',
        [origin],
      );
      return row?.note;
    },
    advance: async ({ origin, size, note }) => {
      const rows = await database.query(
        `insert into forgeguard_last_checkpoint as l (origin, size, note) values ($1, $2, $3)
         on conflict (origin) do update set size = excluded.size, note = excluded.note where l.size < excluded.size
         returning l.size`,
        [origin, size, note],
      );
      return rows.length === 1;
    },
  };
}
