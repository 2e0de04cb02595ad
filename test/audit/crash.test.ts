// The guard is killed while it writes, its database with it or left behind: whatever was acknowledged is in the log,
// where it was said to be, and the log verifies and goes on.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parseEntry } from '../../core/audit-entry.ts';
import { parseVerifierKey } from '../../core/checkpoint.ts';
import { readCheckpointFile } from '../../server/audit/checkpoint-file.ts';
import { createAuditLog } from '../../server/audit/log.ts';
import { readEntries } from '../../server/audit/store.ts';
import { readVerifierKey } from '../../server/audit/verifier-key.ts';
import { verifyLog } from '../../server/audit/verify.ts';
import { openDatabase } from '../../server/db.ts';
import { startEmbeddedPostgres } from '../../server/embedded-postgres.ts';
import { auditEvent } from '../support/audit.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const program = fileURLToPath(new URL('append-until-killed.ts', import.meta.url));

/** Appends for `ms` after the first acknowledgement, then kills; returns what was acknowledged. */
async function appendAndKill(
  dataDir: string,
  ms: number,
  killDatabase: boolean,
): Promise<ReadonlyMap<number, string>> {
  const child = spawn(process.execPath, [program, dataDir], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const acknowledged = new Map<number, string>();
  let first = (): void => undefined;
  const started = new Promise<void>((settle) => (first = settle));
  const lines = createInterface({ input: child.stdout });
  const closed = once(lines, 'close');
  lines.on('line', (line) => {
    const [word, index, request] = line.split(' ');
    if (word !== 'ack' || request === undefined) return;
    acknowledged.set(Number(index), request);
    first();
  });
  await Promise.race([started, exited]);
  await sleep(ms);
  if (killDatabase) {
    const [postmaster] = (await readFile(join(dataDir, 'postgres/data/postmaster.pid'), 'utf8')).split('\n');
    process.kill(Number(postmaster), 'SIGKILL');
  }
  child.kill('SIGKILL');
  await Promise.all([exited, closed]);
  return acknowledged;
}

test('nothing acknowledged is lost', { timeout: 120_000 }, async () => {
  await using directory = await temporaryDirectory('crash');
  const dataDir = directory.path;
  const acknowledged = new Map<number, string>();
  for (let round = 0; round < 6; round += 1) {
    const found = await appendAndKill(dataDir, Math.random() * 250, round % 3 === 2);
    expect(found.size).toBeGreaterThan(0);
    for (const [index, request] of found) {
      expect(acknowledged.has(index), `index ${index} was given twice`).toBe(false);
      acknowledged.set(index, request);
    }
  }

  await using postgres = await startEmbeddedPostgres({ dataDir });
  await using database = await openDatabase(postgres.url);
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
});
