// The door to PostgreSQL: one pool, short queries with a deadline, transactions, and the schema brought up to date.
// Trusts the database to keep what it committed; never shows the connection URL, which may hold a password.
import pg from 'pg';
import { GuardError } from '../core/errors.ts';
import { migrate } from './migrate.ts';

/** Anything that runs SQL: the pool or one transaction's client. */
export interface Queryable {
  /** Runs one statement with `$1`-style values. Rejects with `database/unavailable` where no answer can be had. */
  query<Row extends object>(sql: string, values?: readonly unknown[]): Promise<readonly Row[]>;
}

/** One connection of its own, outside the pool; for session locks. */
export interface DatabaseSession extends Queryable {
  /** Runs a statement that the server keeps planned under `name`. */
  queryPrepared<Row extends object>(
    name: string,
    sql: string,
    values: readonly unknown[],
  ): Promise<readonly Row[]>;
  /** Calls `listener` with the payload of each notification on the channels that the session listens to. */
  onNotification(listener: (payload: string) => void): void;
  /** Calls `listener` once the connection is gone, by whichever side. */
  onClosed(listener: () => void): void;
  /** Drops the connection at once, without waiting for a statement under way. */
  destroy(): void;
}

export interface SessionOptions {
  /** Server-side limit for one statement, in ms; 0 for none. */
  readonly statementTimeoutMs?: number;
  /** After this many ms without an answer a statement is given up and its connection dropped. */
  readonly queryTimeoutMs?: number;
}

export interface Database extends Queryable, AsyncDisposable {
  /** Runs `work` in a transaction on one client: commits when it fulfils, rolls back and rethrows when it rejects. */
  transaction<T>(work: (client: Queryable) => Promise<T>): Promise<T>;
  /** Opens a connection of its own; the caller destroys it. */
  session(options?: SessionOptions): Promise<DatabaseSession>;
  /** The pool, for libraries that bring their own SQL. */
  readonly pool: pg.Pool;
}

export interface DatabaseOptions {
  readonly maxConnections?: number;
  readonly connectTimeoutMs?: number;
  readonly statementTimeoutMs?: number;
  /** False leaves the schema alone, for readers; it is then only checked not to be newer than this program. */
  readonly migrate?: boolean;
}

const defaults = { maxConnections: 10, connectTimeoutMs: 5_000, statementTimeoutMs: 30_000, migrate: true };
/** The client gives the server this long to enforce its own limit before it drops the connection. */
const answerGraceMs = 2_000;

/** SQLSTATE classes and codes that say that the database cannot be used now, rather than that a statement is wrong. */
const unavailableStates: readonly string[] = [
  '08', // connection exceptions
  '28', // authentication refused
  '3D000', // no such database
  '53', // out of connections, memory or disk
  '57014', // cancelled by the statement timeout
  '57P', // shutting down, crashed, starting up
  '58', // system errors outside PostgreSQL
  '25006', // read-only: a standby
];

/** The SQLSTATE of an error that the server answered a statement with; undefined for any other error. */
export function sqlState(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined;
}

/** Keeps the server's answers about a statement, and names everything else for what it is: no database. */
function asDatabaseError(thrown: unknown, attempt: string): unknown {
  const state = sqlState(thrown);
  if (thrown instanceof GuardError) return thrown;
  if (state !== undefined && !unavailableStates.some((prefix) => state.startsWith(prefix))) return thrown;
  const code = state ?? (thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'no answer');
  return new GuardError(
    'database/unavailable',
    `couldn't ${attempt}: PostgreSQL is not available (${code})`,
    {
      cause: thrown,
    },
  );
}

async function run<Row extends object>(
  client: pg.Pool | pg.ClientBase,
  query: pg.QueryConfig,
): Promise<readonly Row[]> {
  try {
    const result = await client.query<Row & pg.QueryResultRow>(query);
    return result.rows;
  } catch (thrown) {
    throw asDatabaseError(thrown, 'run a statement');
  }
}

function asQueryable(client: pg.Pool | pg.ClientBase): Queryable {
  return { query: (text, values = []) => run(client, { text, values: [...values] }) };
}

async function borrow(pool: pg.Pool, attempt: string): Promise<pg.PoolClient> {
  try {
    return await pool.connect();
  } catch (thrown) {
    throw asDatabaseError(thrown, attempt);
  }
}

async function transactionOn<T>(pool: pg.Pool, work: (client: Queryable) => Promise<T>): Promise<T> {
  const client = await borrow(pool, 'connect');
  let broken = false;
  try {
    await run(client, { text: 'begin' });
    const result = await work(asQueryable(client));
    await run(client, { text: 'commit' });
    return result;
  } catch (thrown) {
    // A client whose rollback fails is in an unknown state and must not go back to the pool.
    await client.query('rollback').catch(() => {
      broken = true;
    });
    throw thrown;
  } finally {
    client.release(broken);
  }
}

async function openSession(config: pg.ClientConfig): Promise<DatabaseSession> {
  const client = new pg.Client(config);
  // An error on an idle connection is told by `onClosed`; without a listener it would end the process.
  client.on('error', () => client.connection.stream.destroy());
  try {
    await client.connect();
  } catch (thrown) {
    client.connection.stream.destroy();
    throw asDatabaseError(thrown, 'connect');
  }
  return {
    ...asQueryable(client),
    queryPrepared: (name, text, values) => run(client, { name, text, values: [...values] }),
    onNotification: (listener) =>
      void client.on('notification', ({ payload }) => {
        listener(payload ?? '');
      }),
    onClosed: (listener) => void client.once('end', listener),
    destroy: () => client.connection.stream.destroy(),
  };
}

/** Where a database is, without the name and password that the URL may hold. */
function placeOf(url: string): string {
  // A URL may leave the host out behind the user; the WHATWG parser does not know that.
  const complete = url.replace('@/', '@localhost/');
  if (!/^postgres(ql)?:\/\//.test(url) || !URL.canParse(complete)) {
    throw new GuardError('config/invalid', 'the URL of the database is not a valid postgres:// URL');
  }
  const { hostname, port, pathname, searchParams } = new URL(complete);
  const host = searchParams.get('host') ?? decodeURIComponent(hostname);
  return `${host}${port === '' ? '' : `:${port}`}${pathname}`;
}

/** PostgreSQL of this version or newer is needed. */
const oldestServer = 130_000;

async function checkServer(pool: pg.Pool, place: string): Promise<void> {
  (await borrow(pool, `connect to ${place}`)).release();
  const client = asQueryable(pool);
  const [row] = await client.query<{ version: string; encoding: string }>(
    `select current_setting('server_version_num') as version, current_setting('server_encoding') as encoding`,
  );
  if (row === undefined || Number(row.version) < oldestServer) {
    throw new GuardError(
      'database/unavailable',
      `PostgreSQL 13 or newer is needed, this one is ${row?.version}`,
    );
  }
  if (row.encoding !== 'UTF8') {
    throw new GuardError(
      'database/unavailable',
      `the database must be encoded in UTF8, this one is ${row.encoding}`,
    );
  }
}

function createPool(config: pg.PoolConfig): pg.Pool {
  const pool = new pg.Pool(config);
  // Clients fail when the server stops, idle or lent; the next query tells. Without listeners that would end the process.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/**
 * Connects to PostgreSQL (13 or newer) at a `postgres://` URL and brings the schema up to date. Rejects with
 * `config/invalid` where the URL is none, `database/unavailable`, or `database/newer-schema` where a newer version of
 * this program has upgraded it.
 */
export async function openDatabase(url: string, options: DatabaseOptions = {}): Promise<Database> {
  const settings = { ...defaults, ...options };
  const place = placeOf(url);
  const config = (statementTimeoutMs: number, queryTimeoutMs: number): pg.ClientConfig => ({
    connectionString: url,
    application_name: 'forgeguard',
    connectionTimeoutMillis: settings.connectTimeoutMs,
    statement_timeout: statementTimeoutMs,
    query_timeout: queryTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  });
  const pool = createPool({
    ...config(settings.statementTimeoutMs, settings.statementTimeoutMs + answerGraceMs),
    max: settings.maxConnections,
  });
  const database: Database = {
    ...asQueryable(pool),
    transaction: (work) => transactionOn(pool, work),
    session: ({ statementTimeoutMs = settings.statementTimeoutMs, queryTimeoutMs } = {}) =>
      openSession(config(statementTimeoutMs, queryTimeoutMs ?? statementTimeoutMs + answerGraceMs)),
    pool,
    [Symbol.asyncDispose]: () => pool.end(),
  };
  try {
    await checkServer(pool, place);
    await migrate(database, settings.migrate);
    return database;
  } catch (error) {
    await pool.end();
    throw error;
  }
}
