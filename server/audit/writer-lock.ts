// The SQL of taking turns at writing: advisory locks that end with their connection, and word to whoever holds one.
// Whoever may connect to the database can hold them; that stops the log, it does not change it.
import type { DatabaseSession, Queryable } from '../db.ts';

/** Keys of the advisory lock that whoever writes holds: "fgau" in ASCII, first log. */
const writerLock = [0x66676175, 1] as const;
/** First key of the lock that a running guard holds for itself, shared among its connections: "fgnd". */
const presenceLock = 0x66676e64;
const turnChannel = 'forgeguard_audit_turn';

/** Takes the right to write for as long as the session lives, where nobody has it. */
export async function tryWriterLock(session: DatabaseSession): Promise<boolean> {
  const [row] = await session.query<{ locked: boolean }>(
    'select pg_try_advisory_lock($1, $2) as locked',
    writerLock,
  );
  return row?.locked === true;
}

/** Waits in line for the right to write, up to the statement's deadline. */
export async function waitForWriterLock(session: DatabaseSession): Promise<void> {
  await session.query('select pg_advisory_lock($1, $2)', writerLock);
}

/** Hands the right to write to whoever is first in line. */
export async function releaseWriterLock(session: DatabaseSession): Promise<void> {
  await session.query('select pg_advisory_unlock($1, $2)', writerLock);
}

/** Has the session told of every `askForTurn`. */
export async function listenForTurns(session: DatabaseSession): Promise<void> {
  await session.query(`listen ${turnChannel}`);
}

/** Tells whoever writes that `asker` is in line; nothing that must survive a crash. */
export async function askForTurn(client: Queryable, asker: string): Promise<void> {
  await client.query(`select set_config('synchronous_commit', 'off', true), pg_notify($1, $2)`, [
    turnChannel,
    asker,
  ]);
}

/** Ends the connection of whoever holds the right to write. What it has not committed is then void. */
export async function evictWriter(client: Queryable): Promise<void> {
  await client.query(
    `select pg_terminate_backend(l.pid) from pg_locks l
      where l.locktype = 'advisory' and l.classid = $1 and l.objid = $2 and l.objsubid = 2 and l.granted
        and l.database = (select d.oid from pg_database d where d.datname = current_database())`,
    writerLock,
  );
}

/** Shows for as long as the session lives that the guard with this number runs. */
export async function showPresence(session: DatabaseSession, writer: number): Promise<void> {
  await session.query('select pg_advisory_lock_shared($1, $2)', [presenceLock, writer]);
}

/** The numbers of the guards that run. */
export async function readPresent(client: Queryable): Promise<readonly number[]> {
  const rows = await client.query<{ writer: number }>(
    `select distinct l.objid::int8::float8 as writer from pg_locks l
      where l.locktype = 'advisory' and l.classid = $1 and l.objsubid = 2 and l.granted
        and l.database = (select d.oid from pg_database d where d.datname = current_database())`,
    [presenceLock],
  );
  return rows.map(({ writer }) => writer);
}
