// The commands about the log on a database that no guard of this version has worked with: each says so, and changes
// nothing.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { forgeguard } from '../cli/program.ts';
import { auditBench, type AuditBench, auditEvent } from '../support/audit.ts';

let bench: AuditBench;
beforeAll(async () => {
  bench = await auditBench();
  await bench.write([auditEvent('one')]);
  // As an earlier version leaves it: the newest migration is not there.
  await bench.database.query(
    'delete from schema_migration where id = (select max(id) from schema_migration)',
  );
});
afterAll(() => bench[Symbol.asyncDispose]());

test.each([
  'audit verify',
  'audit list',
  'audit prove 0',
  'audit export --out pack.tar.gz',
  'audit rotate-key',
  'audit rewrap-keys',
  'audit hold list',
  'audit prune --today 2026-01-01',
])('%s', async (command) => {
  const env = { FORGEGUARD_DATA_DIR: bench.dataDir, DATABASE_URL: bench.url };
  const ended = await forgeguard(bench.dataDir, command.split(' '), env);
  expect(ended).toMatchObject({ code: 2, stdout: '' });
  expect(ended.stderr).toContain('database/older-schema');
});
