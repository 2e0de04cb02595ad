// Guards are killed while they write, their database with them or left behind: whatever was acknowledged is in the log,
// where it was said to be, and the log verifies and goes on.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseEntry } from '../../core/audit-entry.ts';
import { parseVerifierKey } from '../../core/checkpoint.ts';
import { readCheckpointFile } from '../../server/audit/checkpoint-file.ts';
import { createAuditLog } from '../../server/audit/log.ts';
import { readEntries } from '../../server/audit/store.ts';
import { readVerifierKey } from '../../server/audit/verifier-key.ts';
import { verifyLog } from '../../server/audit/verify.ts';
import { type Database, openDatabase } from '../../server/db.ts';
import { startEmbeddedPostgres } from '../../server/embedded-postgres.ts';
import { auditBench, auditEvent } from '../support/audit.ts';
import { appendAndKill } from '../support/killed-writer.ts';
import { processNumber, signalProcess } from '../support/signal-process.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { until } from '../support/until.ts';

/** Adds what a writer was told; no index may be given twice. */
function collect(all: Map<number, string>, found: ReadonlyMap<number, string>): void {
  for (const [index, request] of found) {
    expect(all.has(index), `index ${index} was given twice`).toBe(false);
    all.set(index, request);
  }
}

/** Every acknowledged entry is where it was said to be, none is there twice, and the log verifies and goes on. */
async function expectNothingLost(
  database: Database,
  dataDir: string,
  acknowledged: ReadonlyMap<number, string>,
): Promise<void> {
  const log = await createAuditLog({ database, dataDir, clock: { now: () => new Date() } });
  const stored = await readEntries(database, 0, 1_000_000);
  const requests = new Map(stored.map(({ index, body }) => [index, parseEntry(body)?.request]));
  for (const [index, request] of acknowledged) expect(requests.get(index)).toBe(request);
  expect(new Set(requests.values()).size).toBe(stored.length);
  expect(await log.append(auditEvent('after'))).toEqual({ index: stored.length });
  await log[Symbol.asyncDispose]();

  const key = parseVerifierKey((await readVerifierKey(dataDir))?.trim() ?? '');
  const kept = (await readCheckpointFile(dataDir)) ?? '';
  if (key === undefined) throw new Error('no key was published');
  const result = await verifyLog(database, { key, kept: [kept] });
  expect(result).toMatchObject({ ok: true, size: stored.length + 1, problems: [] });
}

test('with and without the database of its own', { timeout: 120_000 }, async () => {
  await using directory = await temporaryDirectory('crash');
  const dataDir = directory.path;
  const acknowledged = new Map<number, string>();
  const killPostgres = async (): Promise<void> => {
    // Empty for a moment while PostgreSQL starts.
    let number = '';
    await until('PostgreSQL says its number', async () => {
      const text = await readFile(join(dataDir, 'postgres/data/postmaster.pid'), 'utf8').catch(() => '');
      [number = ''] = text.split('\n');
      return processNumber(number) !== undefined;
    });
    signalProcess(number, 'SIGKILL');
  };
  for (let round = 0; round < 6; round += 1) {
    const alsoKill = round % 3 === 2 ? { alsoKill: killPostgres } : {};
    const found = await appendAndKill(dataDir, Math.random() * 250, alsoKill);
    expect(found.size).toBeGreaterThan(0);
    collect(acknowledged, found);
  }
  await using postgres = await startEmbeddedPostgres({ dataDir });
  await using database = await openDatabase(postgres.url);
  await expectNothingLost(database, dataDir, acknowledged);
});

test('a hundred times, four guards on one database', { timeout: 300_000 }, async () => {
  await using bench = await auditBench();
  await bench.write([auditEvent('first')]);
  const dataDirs = [bench.dataDir, ...(await Promise.all([1, 2, 3].map(() => bench.anotherDataDir())))];
  const acknowledged = new Map<number, string>();
  let killed = 0;
  await Promise.all(
    dataDirs.map(async (dataDir) => {
      for (let round = 0; round < 25; round += 1) {
        collect(acknowledged, await appendAndKill(dataDir, Math.random() * 60, { url: bench.url }));
        killed += 1;
      }
    }),
  );
  expect(killed).toBe(100);
  expect(acknowledged.size).toBeGreaterThan(100);
  await expectNothingLost(bench.database, bench.dataDir, acknowledged);
});
