// The entry about texts that were destroyed comes first: a guard that ends before it has destroyed them does so later.
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseEntry, prepareEvent } from '../../core/audit-entry.ts';
import { createSealing } from '../../server/audit/sealing/sealing.ts';
import { createShredding, type Shredding } from '../../server/audit/sealing/shredding.ts';
import { approveShred, readDataKeyOf } from '../../server/audit/sealing/store.ts';
import { readEntries } from '../../server/audit/store.ts';
import { auditBench, type AuditBench, auditEvent } from '../support/audit.ts';
import { human } from '../support/human.ts';
import { run } from '../support/run.ts';

const program = fileURLToPath(new URL('shred-and-die.ts', import.meta.url));
const repository = 'hub/clinic/portal';
const month = '2026-03';
const wish = { repository, month, reason: 'a patient has asked for it' };

let bench: AuditBench;
beforeAll(async () => {
  bench = await auditBench();
  const sealing = createSealing({ id: '0'.repeat(16), key: randomBytes(32) });
  const at = new Date('2026-03-10T08:00:00.000Z');
  const event = { ...auditEvent('old', 'push.received', 'a note'), repository };
  await sealing.seal(bench.database, [prepareEvent(event, at, true)]);
  bench.now = new Date('2026-04-10T08:00:00.000Z');
});
afterAll(() => bench[Symbol.asyncDispose]());

async function withShredding<T>(work: (shredding: Shredding) => Promise<T>): Promise<T> {
  await using log = await bench.open();
  const clock = { now: () => bench.now };
  return await work(createShredding({ database: bench.database, audit: log, clock, derived: [] }));
}
const isDestroyed = async (): Promise<boolean> =>
  (await readDataKeyOf(bench.database, repository, month))?.wrapped === null;
const toldOf = async (): Promise<readonly number[]> =>
  (await readEntries(bench.database, 0, 100)).flatMap(({ index, body }) =>
    parseEntry(body)?.action === 'audit.shredded' ? [index] : [],
  );

test('what was on record when the guard was killed is done at its next start, once', async () => {
  const { id } = await withShredding((shredding) => shredding.request(human('ada'), 'asking', wish));

  // Killed before the log had word of it: nothing was approved.
  await approveShred(bench.database, id, 'human:grace');
  expect(await withShredding((shredding) => shredding.finish())).toBe(0);
  expect(await isDestroyed()).toBe(false);

  const child = await run(
    process.execPath,
    [program, bench.url, bench.dataDir, id, bench.now.toISOString()],
    { env: {} },
  );
  expect(child).toMatchObject({ signal: 'SIGKILL' });
  expect(await isDestroyed()).toBe(false);
  const [entry] = await toldOf();
  expect(entry).toBeDefined();

  expect(await withShredding((shredding) => shredding.finish())).toBe(1);
  expect(await isDestroyed()).toBe(true);
  expect(await readDataKeyOf(bench.database, repository, month)).toMatchObject({ destroyedBy: entry });
  expect(await withShredding((shredding) => shredding.finish())).toBe(0);
  expect(await toldOf()).toEqual([entry]);
  expect(await bench.verify()).toMatchObject({ ok: true, problems: [] });
});

test('an approval that the log has no word of does not count, and is taken back', async () => {
  const april = { ...wish, month: '2026-04' };
  bench.now = new Date('2026-04-10T08:00:00.000Z');
  const sealing = createSealing({ id: '0'.repeat(16), key: randomBytes(32) });
  const event = { ...auditEvent('april', 'push.received', 'a note'), repository };
  await sealing.seal(bench.database, [prepareEvent(event, bench.now, true)]);
  bench.now = new Date('2026-05-10T08:00:00.000Z');
  const { id } = await withShredding((shredding) => shredding.request(human('ada'), 'asking', april));
  await approveShred(bench.database, id, 'human:grace');
  const approver = async (): Promise<string | null | undefined> => {
    const text = 'select approved_by as by from audit_shred where id = $1';
    return (await bench.database.query<{ by: string | null }>(text, [id]))[0]?.by;
  };
  // Another guard may be about to append the entry.
  expect(await withShredding((shredding) => shredding.finish())).toBe(0);
  expect(await approver()).toBe('human:grace');
  await bench.database.query(`update audit_shred set approved_at = approved_at - interval '2 hours'`);
  expect(await withShredding((shredding) => shredding.finish())).toBe(0);
  expect(await approver()).toBeNull();
  expect(await withShredding((shredding) => shredding.approve(human('grace'), 'r', id))).toMatchObject({
    state: 'destroyed',
  });
});
