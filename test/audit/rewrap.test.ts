// The key that keys of sealed texts are wrapped by is changed while guards run, and whatever breaks off in between.
import { randomBytes } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseEntry } from '../../core/audit-entry.ts';
import { rewrapKeys } from '../../server/audit/sealing/rewrap.ts';
import { createSealing, type Sealing } from '../../server/audit/sealing/sealing.ts';
import { findWrappingKey, openWrappingKey } from '../../server/audit/sealing/wrapping-key.ts';
import { readEntries } from '../../server/audit/store.ts';
import { forgeguard } from '../cli/program.ts';
import { auditBench, type AuditBench, auditEvent } from '../support/audit.ts';

const event = (repository: string, path: string) => ({
  ...auditEvent(`r-${path}`, 'fetch.served'),
  repository,
  details: { path },
});

let bench: AuditBench;
let sealing: Sealing;
beforeEach(async () => {
  bench = await auditBench();
  sealing = createSealing(await openWrappingKey(bench.database, bench.dataDir, undefined), () =>
    findWrappingKey(bench.dataDir, undefined),
  );
  await using log = await bench.open({ sealing });
  for (const name of ['one', 'two', 'three']) await log.append(event(`forge/${name}`, name));
});
afterEach(() => bench[Symbol.asyncDispose]());

const options = (more: { readonly configured?: string; readonly next?: string } = {}) => ({
  database: bench.database,
  dataDir: bench.dataDir,
  clock: { now: () => bench.now },
  configured: more.configured,
  next: more.next,
  person: 'local:test',
});

async function pathsBy(reader: Sealing): Promise<readonly unknown[]> {
  const paths: unknown[] = [];
  for (const { body } of await readEntries(bench.database, 0, 100)) {
    const entry = parseEntry(body);
    if (entry?.action === 'fetch.served')
      paths.push((await reader.open(bench.database, entry)).details['path']);
  }
  return paths;
}

test('with the key of the data directory: recorded, the new key in its place, the old one opens nothing', async () => {
  const old = await findWrappingKey(bench.dataDir, undefined);
  const env = { FORGEGUARD_DATA_DIR: bench.dataDir, DATABASE_URL: bench.url };
  const told = await forgeguard(bench.dataDir, ['audit', 'rewrap-keys'], env);
  expect(told).toMatchObject({ code: 0, stderr: '' });
  const now = await findWrappingKey(bench.dataDir, undefined);
  expect(told.stdout).toContain(`before  ${old?.id}\nnow     ${now?.id}\nkeys    3\nOther guards`);
  expect(now?.id).not.toBe(old?.id);
  expect((await stat(join(bench.dataDir, 'audit-sealing-key'))).mode & 0o777).toBe(0o600);
  await expect(stat(join(bench.dataDir, 'audit-sealing-key.next'))).rejects.toMatchObject({ code: 'ENOENT' });
  expect(await pathsBy(createSealing(now))).toEqual(['one', 'two', 'three']);
  expect(await pathsBy(createSealing(old))).toEqual(['[sealed]', '[sealed]', '[sealed]']);
  const last = parseEntry((await readEntries(bench.database, 3, 1))[0]?.body ?? Buffer.of());
  expect(last).toMatchObject({
    action: 'audit.keys-rewrapped',
    details: { previous: old?.id, key: now?.id },
  });
  expect(told.stdout + JSON.stringify(last)).not.toContain(now?.key.toString('hex'));
});

test('a guard that runs goes on: it reads the new key, for what it opens and what it seals', async () => {
  const { next } = await rewrapKeys(options());
  expect(await pathsBy(sealing)).toEqual(['one', 'two', 'three']);
  bench.now = new Date(bench.now.getTime() + 60_000);
  await using log = await bench.open({ sealing });
  await log.append(event('forge/four', 'four'));
  const wrappers = await bench.database.query('select distinct wrapped_by as by from audit_data_key');
  expect(wrappers).toEqual([{ by: next }]);
});

test('a guard that cannot have the new key seals nothing with the old one', async () => {
  const old = await findWrappingKey(bench.dataDir, undefined);
  await rewrapKeys(options());
  await using log = await bench.open({ sealing: createSealing(old), writeDeadlineMs: 1_000 });
  await expect(log.append(event('forge/five', 'five'))).rejects.toMatchObject({ code: 'audit/unavailable' });
  expect(await bench.database.query('select from audit_data_key')).toHaveLength(3);
});

test('with the key of the configuration: the new one is named, and nothing is written', async () => {
  const text = await readFile(join(bench.dataDir, 'audit-sealing-key'), 'utf8');
  const next = randomBytes(32).toString('hex');
  await expect(rewrapKeys(options({ configured: text }))).rejects.toThrow('name a file with the new one');
  await expect(rewrapKeys(options({ configured: text, next: text }))).rejects.toThrow('is the one in use');
  await rewrapKeys(options({ configured: text, next }));
  expect(await readFile(join(bench.dataDir, 'audit-sealing-key'), 'utf8')).toBe(text);
  expect(await pathsBy(createSealing(await findWrappingKey(bench.dataDir, next)))).toEqual([
    'one',
    'two',
    'three',
  ]);
});

test('what broke off is finished by the next start, or was never begun', async () => {
  const file = join(bench.dataDir, 'audit-sealing-key');
  const before = await readFile(file, 'utf8');
  // Broken off before the database was changed.
  await writeFile(`${file}.next`, randomBytes(32).toString('hex'), { mode: 0o600 });
  await openWrappingKey(bench.database, bench.dataDir, undefined);
  expect(await readFile(file, 'utf8')).toBe(before);
  // And after: the old file is still there.
  await rewrapKeys(options());
  const after = await readFile(file, 'utf8');
  await writeFile(`${file}.next`, after, { mode: 0o600 });
  await writeFile(file, before, { mode: 0o600 });
  await openWrappingKey(bench.database, bench.dataDir, undefined);
  expect(await readFile(file, 'utf8')).toBe(after);
});
