// A guard is killed before and after everything that is durable on the way of a request. The next guard brings it to its
// end: recorded in order, applied once, never before the log said so.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parseEntry } from '../../core/audit-entry.ts';
import { readEntries } from '../../server/audit/store.ts';
import type { Database } from '../../server/db.ts';
import { createLandings, openApprovalGuard } from '../support/approval-guard.ts';
import { auditBench } from '../support/audit.ts';
import { person } from '../support/held.ts';
import { until } from '../support/until.ts';

const program = fileURLToPath(new URL('decide-until-killed.ts', import.meta.url));
const actions = ['requested', 'voted', 'approved', 'applying', 'applied'].map((name) => `approval.${name}`);
const points = [...actions, 'land'].flatMap((what) => [`before ${what}`, `after ${what}`]);

async function runUntilKilled(url: string, dataDir: string, point: string): Promise<void> {
  const child = spawn(process.execPath, [program, url, dataDir, point], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  expect(signal).toBe('SIGKILL');
}

/** What the log holds, as action and version. */
async function entriesOf(database: Database): Promise<readonly (readonly [string, unknown])[]> {
  const stored = await readEntries(database, 0, 1_000);
  return stored.flatMap(({ body }) => {
    const entry = parseEntry(body);
    return entry === undefined ? [] : [[entry.action, entry.details['version']] as const];
  });
}

test.each(points)('killed %s', { timeout: 120_000 }, async (point) => {
  await using bench = await auditBench();
  const { database, url, dataDir } = bench;
  await createLandings(database);
  await runUntilKilled(url, dataDir, point);
  {
    await using guard = await openApprovalGuard({ database, url, dataDir });
    const { service } = guard.part;
    const [found] = await service.list({ limit: 10 });
    if (found?.state === 'waiting') await service.vote(found.id, person('bob'), 'approve', null);
    const ended = await service.waitFor(found!.id, AbortSignal.timeout(30_000));
    expect(ended).toMatchObject({ state: 'applied' });
    const left = () => database.query('select from approval_outbox where recorded_at is null');
    await until('all is recorded', async () => (await left()).length === 0);
  }
  expect(await database.query('select was_recorded as "wasRecorded" from landing')).toEqual([
    { wasRecorded: true },
  ]);
  const entries = await entriesOf(database);
  // An entry may be there twice, with the same version; each comes the first time in its turn.
  const versions = [...new Set(entries.map(([, version]) => Number(version)))];
  expect(versions, 'in order and without a gap').toEqual(versions.map((_version, n) => n + 1));
  const first = (action: string) => entries.findIndex(([name]) => name === action);
  expect(actions.map(first), 'each of them').toEqual(actions.map(first).toSorted((a, b) => a - b));
  expect(actions.map(first)).not.toContain(-1);
  expect(await bench.verify()).toMatchObject({ ok: true, problems: [] });
});
