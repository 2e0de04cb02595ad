// Brings the schema up to date from server/migrations/NNNN_name.sql: forward only, each file in one transaction whose
// first statement records it, under a lock so that several guards may start at once.
import { readdir, readFile } from 'node:fs/promises';
import { GuardError } from '../core/errors.ts';

interface Migration {
  readonly id: number;
  readonly name: string;
  readonly file: URL;
}

/** What is needed of a database to bring its schema up to date. */
interface Statements {
  query<Row extends object>(sql: string, values?: readonly unknown[]): Promise<readonly Row[]>;
}
interface Migratable extends Statements {
  transaction<T>(work: (client: Statements) => Promise<T>): Promise<T>;
}

const directory = new URL('./migrations/', import.meta.url);
const fileName = /^(\d{4})_([a-z0-9-]+)\.sql$/;
/** Key of the advisory lock under which the schema changes: "fgmi" in ASCII. */
const lockKey = 0x66676d69;

async function listMigrations(): Promise<readonly Migration[]> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.sql')).toSorted();
  const migrations = names.map((file) => {
    const [, id, name] = fileName.exec(file) ?? [];
    if (id === undefined || name === undefined) {
      throw new GuardError('internal', `the migration ${file} is not named NNNN_name.sql`);
    }
    return { id: Number(id), name, file: new URL(file, directory) };
  });
  if (new Set(migrations.map(({ id }) => id)).size !== migrations.length) {
    throw new GuardError('internal', 'two migrations have the same number');
  }
  return migrations;
}

/** The migrations that the database has seen; none where it is new. */
async function appliedMigrations(database: Migratable): Promise<ReadonlySet<number>> {
  const [table] = await database.query<{ found: boolean }>(
    `select to_regclass('schema_migration') is not null as found`,
  );
  if (table?.found !== true) return new Set();
  const rows = await database.query<{ id: number }>('select id from schema_migration');
  return new Set(rows.map(({ id }) => id));
}

async function apply(database: Migratable, migration: Migration): Promise<void> {
  const sql = await readFile(migration.file, 'utf8');
  await database.transaction(async (client) => {
    await client.query('select pg_advisory_xact_lock($1)', [lockKey]);
    await client.query(
      `create table if not exists schema_migration (
         id integer primary key, name text not null, applied_at timestamptz not null default now())`,
    );
    const recorded = await client.query(
      'insert into schema_migration (id, name) values ($1, $2) on conflict (id) do nothing returning id',
      [migration.id, migration.name],
    );
    // Another guard that started at the same time may have been first.
    if (recorded.length === 1) await client.query(sql);
  });
}

/** Rejects with `database/older-schema` where the database lacks something that this program needs. */
export async function requireSchema(database: Migratable): Promise<void> {
  const applied = await appliedMigrations(database);
  const missing = (await listMigrations()).filter(({ id }) => !applied.has(id));
  if (missing.length === 0) return;
  throw new GuardError(
    'database/older-schema',
    applied.size === 0
      ? 'the database is empty: no guard has worked with it yet'
      : `the database is older than this version of Forgeguard: ${missing.length} changes of its schema are missing`,
  );
}

/**
 * Applies what is missing, or with `change` false only checks. Rejects with `database/newer-schema` where the database
 * has seen a migration that this program does not know.
 */
export async function migrate(database: Migratable, change: boolean): Promise<void> {
  const known = await listMigrations();
  const applied = await appliedMigrations(database);
  const newest = known.at(-1)?.id ?? 0;
  const newer = [...applied].filter((id) => id > newest);
  if (newer.length > 0) {
    throw new GuardError(
      'database/newer-schema',
      `the database is at schema ${Math.max(...newer)}, this version of Forgeguard knows up to ${newest}`,
    );
  }
  if (!change) return;
  for (const migration of known.filter(({ id }) => !applied.has(id))) await apply(database, migration);
}
