// `forgeguard audit verify` as a user runs it: while the log is written and afterwards, on a sound log and on others.
import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAuditLog } from '../../server/audit/log.ts';
import { type Database, openDatabase } from '../../server/db.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../server/embedded-postgres.ts';
import { forgeguard } from '../cli/program.ts';
import { auditEvents } from '../support/audit.ts';
import type { Run } from '../support/run.ts';
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts';

let directory: TemporaryDirectory;
beforeAll(async () => {
  directory = await temporaryDirectory('audit-command');
});
afterAll(() => directory.remove());

const path = (name: string): string => join(directory.path, name);
const verify = (...args: string[]): Promise<Run> =>
  forgeguard(directory.path, ['audit', 'verify', ...args], { FORGEGUARD_DATA_DIR: directory.path });

async function onDatabase<T>(
  work: (database: Database, postgres: EmbeddedPostgres) => Promise<T>,
): Promise<T> {
  await using postgres = await startEmbeddedPostgres({ dataDir: directory.path });
  await using database = await openDatabase(postgres.url);
  return await work(database, postgres);
}

test('without a log there is nothing to verify', async () => {
  const result = await verify();
  expect(result).toMatchObject({ code: 2, stdout: '' });
  expect(result.stderr).toContain(`there is no verifier key in ${path('audit-verifier-key')}`);
});

test('a sound log, while it is written', async () => {
  await onDatabase(async (database) => {
    const clock = { now: () => new Date() };
    await using log = await createAuditLog({
      database,
      dataDir: directory.path,
      clock,
      origin: 'guard.example.com',
    });
    for (const event of auditEvents(5)) await log.append(event);
    const { root } = log.head;
    const result = await verify();
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(result.stdout).toBe(
      [
        'size         5',
        `root         ${Buffer.from(root).toString('base64')}`,
        'origin       guard.example.com',
        `key          ${log.verifierKey}`,
        'checkpoints  5',
        'ok',
        '',
      ].join('\n'),
    );
    // The guard goes on: its database was not stopped.
    expect(await log.append(auditEvents(1)[0] ?? fail())).toEqual({ index: 5 });
  });
});

test('the same afterwards, as JSON', async () => {
  await copyFile(path('audit-checkpoint'), path('kept'));
  const result = await verify('--format', 'json', '--checkpoint', path('kept'));
  expect(result.code).toBe(0);
  expect(JSON.parse(result.stdout)).toMatchObject({
    ok: true,
    size: 6,
    origin: 'guard.example.com',
    checkpoints: 6,
    problemCount: 0,
    problems: [],
  });
});

test.each([
  ['a key that is none', ['--key', 'nonsense'], 2, 'there is no verifier key in --key'],
  [
    'a checkpoint that is missing',
    ['--checkpoint', '/no/such/file'],
    2,
    "couldn't read the checkpoint /no/such/file",
  ],
])('%s', async (_name, args, code, message) => {
  const result = await verify(...args);
  expect(result).toMatchObject({ code, stdout: '' });
  expect(result.stderr).toContain(message);
});

test('a checkpoint that is not of this log', async () => {
  await writeFile(path('other'), 'guard.example.com\n3\nAAAA\n\n— guard.example.com AAAAAAA=\n');
  const result = await verify('--checkpoint', path('other'));
  expect(result.code).toBe(1);
  expect(result.stdout).toMatch(
    /^problem at 0: a kept checkpoint is not signed by guard\.example\.com, key [0-9a-f]{8} /m,
  );
});

test('a log that was changed', async () => {
  await onDatabase((database) =>
    database.transaction(async (client) => {
      await client.query('set local session_replication_role = replica');
      await client.query(`update audit_entry set leaf_hash = sha256('x') where index = 2`);
    }),
  );
  const result = await verify();
  expect(result).toMatchObject({ code: 1, stderr: '' });
  expect(result.stdout).toMatch(
    /^problem at 2: its bytes are not those that its hash is of \(entry-changed\)\nNOT OK\n$/m,
  );
});

function fail(): never {
  throw new Error('no event');
}
