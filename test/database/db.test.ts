// Statements, transactions and the schema: what callers see when they fail, and that no error shows a password.
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { openDatabase, sqlState } from '../../server/db.ts';
import { startEmbeddedPostgres } from '../../server/embedded-postgres.ts';
import { freshDatabase } from '../support/database.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

describe('transactions', () => {
  test('commit what their work has done, and roll it back where it fails', async () => {
    await using fresh = await freshDatabase({ migrate: false });
    const { database } = fresh;
    await database.query('create table note (text text unique)');
    const result = await database.transaction(async (client) => {
      await client.query('insert into note values ($1)', ['kept']);
      return 'done';
    });
    expect(result).toBe('done');
    const failure = new Error('no');
    const failing = database.transaction(async (client) => {
      await client.query('insert into note values ($1)', ['lost']);
      throw failure;
    });
    await expect(failing).rejects.toBe(failure);
    expect(await database.query('select text from note')).toEqual([{ text: 'kept' }]);
  });

  test('a statement’s own error is kept, with its state', async () => {
    await using fresh = await freshDatabase({ migrate: false });
    const { database } = fresh;
    await database.query('create table note (text text unique)');
    const error: unknown = await database
      .transaction(async (client) => {
        await client.query(`insert into note values ('twice')`);
        await client.query(`insert into note values ('twice')`);
      })
      .catch((thrown: unknown) => thrown);
    expect(sqlState(error)).toBe('23505');
    expect(await database.query('select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('a connection that is lost does not go back to the pool', async () => {
    await using fresh = await freshDatabase({ migrate: false });
    const { database } = fresh;
    const lost = database.transaction((client) =>
      client.query('select pg_terminate_backend(pg_backend_pid())'),
    );
    await expect(lost).rejects.toMatchObject({ code: 'database/unavailable' });
    expect(await database.query('select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('a statement that takes too long is given up', async () => {
    await using fresh = await freshDatabase({ migrate: false });
    await using database = await openDatabase(fresh.url, { migrate: false, statementTimeoutMs: 100 });
    await expect(database.query('select pg_sleep(30)')).rejects.toMatchObject({
      code: 'database/unavailable',
      message: "couldn't run a statement: PostgreSQL is not available (57014)",
    });
  });
});

describe('a database that cannot be had', () => {
  const password = ['not', 'a', 'real', 'one'].join('-');

  test.each([
    ['nobody listens', `postgres://guard:${password}@127.0.0.1:1/guard`, '127.0.0.1:1/guard', 'ECONNREFUSED'],
    [
      'no such socket',
      `postgres://guard:${password}@%2Fno%2Fsuch%2Fdirectory/guard`,
      '/no/such/directory/guard',
      'ENOENT',
    ],
  ])('%s', async (_name, url, place, code) => {
    const error: unknown = await openDatabase(url, { connectTimeoutMs: 2_000 }).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({
      code: 'database/unavailable',
      message: `couldn't connect to ${place}: PostgreSQL is not available (${code})`,
    });
    expect(inspect(error, { depth: 10 })).not.toContain(password);
  });

  test.each([
    ['nothing', ''],
    ['another scheme', `mysql://guard:${password}@localhost/guard`],
    ['no scheme', `guard:${password}@localhost/guard`],
    ['a list of settings', `host=localhost password=${password}`],
    ['a port that is none', `postgres://guard:${password}@localhost:port/guard`],
  ])('%s is no URL of a database', async (_name, url) => {
    const error: unknown = await openDatabase(url).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'config/invalid',
      message: 'the URL of the database is not a valid postgres:// URL',
    });
    expect(inspect(error, { depth: 10 })).not.toContain(password);
  });

  test('a certificate that cannot be read', async () => {
    const url = `postgres://guard:${password}@localhost/guard?sslrootcert=/no/such/file`;
    await expect(openDatabase(url)).rejects.toMatchObject({
      code: 'database/unavailable',
      message: "couldn't connect to localhost/guard: PostgreSQL is not available (ENOENT)",
    });
  });

  test('a database that does not exist', async () => {
    await using fresh = await freshDatabase({ migrate: false });
    const url = new URL(fresh.url);
    url.pathname = '/no_such_database';
    const place = `${decodeURIComponent(url.hostname)}${url.port === '' ? '' : `:${url.port}`}/no_such_database`;
    await expect(openDatabase(url.href)).rejects.toMatchObject({
      code: 'database/unavailable',
      message: `couldn't connect to ${place}: PostgreSQL is not available (3D000)`,
    });
  });

  test('comes back: the pool goes on', async () => {
    await using directory = await temporaryDirectory('postgres');
    const first = await startEmbeddedPostgres({ dataDir: directory.path });
    await using database = await openDatabase(first.url, { migrate: false });
    await database.query('select 1');
    await first.stop();
    await expect(database.query('select 1')).rejects.toMatchObject({ code: 'database/unavailable' });
    await expect(database.transaction((client) => client.query('select 1'))).rejects.toMatchObject({
      code: 'database/unavailable',
      message: "couldn't connect: PostgreSQL is not available (ENOENT)",
    });
    await using second = await startEmbeddedPostgres({ dataDir: directory.path });
    expect(second.url).toBe(first.url);
    expect(await database.query('select 1 as one')).toEqual([{ one: 1 }]);
  });
});

describe('the schema', () => {
  test('is made once, however many guards start at the same time', async () => {
    await using fresh = await freshDatabase({ migrate: false });
    const opened = await Promise.all(
      Array.from({ length: 4 }, () => openDatabase(fresh.url, { maxConnections: 1 })),
    );
    const applied = await fresh.database.query<{ id: number }>('select id from schema_migration order by id');
    expect(applied.map(({ id }) => id)).toContain(1);
    await Promise.all(opened.map((database) => database[Symbol.asyncDispose]()));
    // And opening it again changes nothing.
    await using again = await openDatabase(fresh.url);
    expect(await again.query('select id from schema_migration order by id')).toEqual(applied);
  });

  test('of a newer version is refused, for readers too', async () => {
    await using fresh = await freshDatabase();
    await fresh.database.query(`insert into schema_migration (id, name) values (9000, 'from-the-future')`);
    const message: unknown = expect.stringMatching(
      /^the database is at schema 9000, this version of Forgeguard knows up to \d+$/,
    );
    for (const migrate of [true, false]) {
      await expect(openDatabase(fresh.url, { migrate })).rejects.toMatchObject({
        code: 'database/newer-schema',
        message,
      });
    }
  });

  test('is left alone for readers', async () => {
    await using fresh = await freshDatabase({ migrate: false });
    await using reader = await openDatabase(fresh.url, { migrate: false });
    expect(await reader.query(`select to_regclass('audit_entry') as found`)).toEqual([{ found: null }]);
  });
});
