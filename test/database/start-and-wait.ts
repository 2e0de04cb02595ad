// Run as a process of its own by the tests of the built-in database: starts it, writes its URL and who it runs as to
// standard output as JSON, and waits to be killed, or stops it at the end of standard input.
import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { openDatabase } from '../../server/db.ts';
import { startEmbeddedPostgres } from '../../server/embedded-postgres.ts';

export async function startAndWait(dataDir: string): Promise<void> {
  await using postgres = await startEmbeddedPostgres({ dataDir });
  await using database = await openDatabase(postgres.url, { maxConnections: 1 });
  const [row] = await database.query<{ answer: number }>('select 42 as answer');
  writeSync(1, `${JSON.stringify({ url: postgres.url, uid: process.getuid?.(), answer: row?.answer })}\n`);
  process.stdin.resume();
  await once(process.stdin, 'end');
}

const [, , dataDir] = process.argv;
if (import.meta.main && dataDir !== undefined) await startAndWait(dataDir);
