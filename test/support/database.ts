// Databases for tests. One PostgreSQL serves a whole run: the one that TEST_DATABASE_URL names (its user must be allowed
// to create databases), else the guard's own in a temporary directory. Each test gets a database to itself.
import { randomUUID } from 'node:crypto';
import { type Database, openDatabase } from '../../server/db.ts';
import { startEmbeddedPostgres } from '../../server/embedded-postgres.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import { noteLeak, upstreamSecretForms } from './upstream-secret.ts';

export interface TestDatabase extends AsyncDisposable {
  readonly url: string;
  readonly database: Database;
}

export interface TestDatabaseOptions {
  /** False leaves it without a schema. Default: all migrations are applied. */
  readonly migrate?: boolean;
}

/** Handed from the run's setup to its workers, which inherit the environment. */
const serverVariable = 'TEST_DATABASE_URL';
const templateVariable = 'FORGEGUARD_TEST_TEMPLATE';

function uniqueName(kind: string): string {
  return `forgeguard_${kind}_${randomUUID().replaceAll('-', '')}`;
}

function urlOf(server: string, name: string): string {
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

function fromSetup(variable: string): string {
  const value = process.env[variable];
  if (value === undefined)
    throw new Error(`${variable} is not set: vitest must run test/support/database.ts first`);
  return value;
}

async function drop(admin: Database, name: string): Promise<void> {
  await admin.query(`drop database if exists "${name}" with (force)`);
}

/** For vitest's `globalSetup`: starts the server of the run where none is given; the result stops it. */
export async function setup(): Promise<() => Promise<void>> {
  await using resources = new AsyncDisposableStack();
  if (process.env[serverVariable] === undefined) {
    const directory = resources.use(await temporaryDirectory('test-postgres'));
    // Several guards of each test that runs use it at once.
    const server = resources.use(
      await startEmbeddedPostgres({ dataDir: directory.path, maxConnections: 400 }),
    );
    process.env[serverVariable] = server.url;
  }
  const url = fromSetup(serverVariable);
  const admin = resources.use(await openDatabase(url, { migrate: false, maxConnections: 1 }));
  const template = uniqueName('template');
  await admin.query(`create database "${template}"`);
  resources.defer(() => drop(admin, template));
  // Migrated, then left without a connection, as a template must be.
  await (await openDatabase(urlOf(url, template), { maxConnections: 1 }))[Symbol.asyncDispose]();
  process.env[templateVariable] = template;
  const run = resources.move();
  return () => run.disposeAsync();
}

/** Makes an empty database with the schema, and drops it at the end. */
export async function freshDatabase({ migrate = true }: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const server = fromSetup(serverVariable);
  const admin = await openDatabase(server, { migrate: false, maxConnections: 1 });
  const name = uniqueName('test');
  await admin.query(
    `create database "${name}" template "${migrate ? fromSetup(templateVariable) : 'template1'}"`,
  );
  const url = urlOf(server, name);
  const database = await openDatabase(url, { migrate: false, maxConnections: 5 });
  return {
    url,
    database,
    [Symbol.asyncDispose]: async () => {
      for (const table of await tablesWithSecrets(database)) noteLeak(`the table ${table}`);
      await database[Symbol.asyncDispose]();
      await drop(admin, name);
      await admin[Symbol.asyncDispose]();
    },
  };
}

// A row as text shows bytes in hex. Patterns of LIKE are looked for several times as fast as a regular expression.
const secretPatterns = upstreamSecretForms
  .flatMap((form) => [form, Buffer.from(form, 'latin1').toString('hex')])
  .map((form) => `%${form.replaceAll(/[\\%_]/g, '\\$&')}%`);

/** Tables that hold a credential of an upstream. A database that is gone holds none. */
export async function tablesWithSecrets(database: Database): Promise<readonly string[]> {
  try {
    const tables = await database.query<{ readonly name: string }>(
      "select quote_ident(tablename) as name from pg_tables where schemaname = 'public'",
    );
    if (tables.length === 0) return [];
    const question = ({ name }: { readonly name: string }): string =>
      `select '${name}' as name where exists (select from ${name} as line where line::text like any ($1))`;
    const found = await database.query<{ readonly name: string }>(tables.map(question).join(' union all '), [
      secretPatterns,
    ]);
    return found.map(({ name }) => name);
  } catch {
    return [];
  }
}
