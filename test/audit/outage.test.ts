// The database stops answering, loses connections or goes away under the log: callers are refused in time, nothing
// that was acknowledged is lost, nothing is written twice, and the log goes on by itself.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { parseEntry } from '../../core/audit-entry.ts';
import type { AuditReceipt } from '../../core/services.ts';
import { createAuditLog, type DurableAuditLog } from '../../server/audit/log.ts';
import { readEntries } from '../../server/audit/store.ts';
import { verifyLog } from '../../server/audit/verify.ts';
import { parseVerifierKey } from '../../core/checkpoint.ts';
import { type Database, openDatabase } from '../../server/db.ts';
import { startEmbeddedPostgres } from '../../server/embedded-postgres.ts';
import { auditBench, auditEvent } from '../support/audit.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const deadlineMs = 1_200;
const clock = { now: () => new Date() };

interface Outcome {
  readonly request: string;
  readonly receipt: AuditReceipt | undefined;
  readonly error: unknown;
  readonly ms: number;
}

async function tryAppend(log: DurableAuditLog, request: string): Promise<Outcome> {
  const started = performance.now();
  const settle = (part: Pick<Outcome, 'receipt' | 'error'>): Outcome => ({
    request,
    ...part,
    ms: performance.now() - started,
  });
  return log.append(auditEvent(request)).then(
    (receipt) => settle({ receipt, error: undefined }),
    (error: unknown) => settle({ receipt: undefined, error }),
  );
}

/** The process that serves the session which holds the writer's lock. */
async function writerBackend(database: Database): Promise<number> {
  const [row] = await database.query<{ pid: number }>(
    `select pid from pg_locks where locktype = 'advisory' and granted`,
  );
  return row?.pid ?? 0;
}

async function expectSound(
  database: Database,
  log: DurableAuditLog,
  outcomes: readonly Outcome[],
): Promise<void> {
  // The end of an outage is an entry of its own that nobody waits for.
  await log.ready();
  const rows = await readEntries(database, 0, 1_000_000);
  const requests = rows.map(({ body }) => parseEntry(body)?.request);
  expect(new Set(requests).size, 'an entry was written twice').toBe(requests.length);
  for (const { request, receipt } of outcomes) {
    if (receipt !== undefined) expect(requests[receipt.index]).toBe(request);
  }
  const key = parseVerifierKey(log.verifierKey);
  if (key === undefined) throw new Error('no key');
  const verified = await verifyLog(database, { key, kept: [log.head.note] });
  expect(verified).toMatchObject({ ok: true, problems: [] });
  expect(verified.size).toBeGreaterThanOrEqual(rows.length);
}

function expectRefusedInTime({ error, ms }: Outcome): void {
  expect(error).toMatchObject({ code: 'audit/unavailable' });
  expect(ms).toBeLessThan(deadlineMs + 10_000);
}

test('a backend that is frozen while it commits', async () => {
  await using directory = await temporaryDirectory('outage');
  await using postgres = await startEmbeddedPostgres({ dataDir: directory.path });
  await using database = await openDatabase(postgres.url);
  await using log = await createAuditLog({
    database,
    dataDir: directory.path,
    clock,
    writeDeadlineMs: deadlineMs,
  });
  const outcomes = [await tryAppend(log, 'before')];

  const frozen = await writerBackend(database);
  process.kill(frozen, 'SIGSTOP');
  try {
    const during = await Promise.all(['during-0', 'during-1'].map((request) => tryAppend(log, request)));
    during.forEach(expectRefusedInTime);
    // The frozen backend holds the writer's lock: nobody else may write, whatever becomes of its statement.
    const later = await tryAppend(log, 'during-2');
    expectRefusedInTime(later);
    outcomes.push(...during, later);
  } finally {
    process.kill(frozen, 'SIGCONT');
  }
  await expect
    .poll(
      async () => (outcomes.push(await tryAppend(log, `after-${outcomes.length}`)), outcomes.at(-1)?.receipt),
    )
    .toBeDefined();
  await expectSound(database, log, outcomes);
});

test('a whole server that is frozen', async () => {
  await using directory = await temporaryDirectory('outage');
  await using postgres = await startEmbeddedPostgres({ dataDir: directory.path });
  await using database = await openDatabase(postgres.url);
  await using log = await createAuditLog({
    database,
    dataDir: directory.path,
    clock,
    writeDeadlineMs: deadlineMs,
  });
  const outcomes = [await tryAppend(log, 'before')];
  const [pid] = (await readFile(join(directory.path, 'postgres/data/postmaster.pid'), 'utf8')).split('\n');
  const processes = [Number(pid), await writerBackend(database)];
  for (const frozen of processes) process.kill(frozen, 'SIGSTOP');
  try {
    for (let count = 0; count < 3; count += 1) {
      const outcome = await tryAppend(log, `during-${count}`);
      expectRefusedInTime(outcome);
      outcomes.push(outcome);
    }
  } finally {
    for (const frozen of processes) process.kill(frozen, 'SIGCONT');
  }
  await expect
    .poll(
      async () => (outcomes.push(await tryAppend(log, `after-${outcomes.length}`)), outcomes.at(-1)?.receipt),
    )
    .toBeDefined();
  await expectSound(database, log, outcomes);
});

test('connections that are cut again and again under load', async () => {
  await using directory = await temporaryDirectory('outage');
  await using postgres = await startEmbeddedPostgres({ dataDir: directory.path });
  await using database = await openDatabase(postgres.url);
  await using log = await createAuditLog({
    database,
    dataDir: directory.path,
    clock,
    writeDeadlineMs: 5_000,
  });
  const outcomes: Outcome[] = [];
  let isOver = false;
  const appendOn = async (caller: number): Promise<void> => {
    for (let count = 0; !isOver; count += 1) outcomes.push(await tryAppend(log, `${caller}-${count}`));
  };
  const callers = Promise.all(Array.from({ length: 8 }, (_, caller) => appendOn(caller)));
  for (let cut = 0; cut < 12; cut += 1) {
    await sleep(Math.random() * 60);
    await database.query('select pg_terminate_backend($1)', [await writerBackend(database)]);
  }
  await sleep(300);
  isOver = true;
  await callers;
  // The fate of each batch is found out on the new connection, so that nobody has to be refused.
  expect(outcomes.filter(({ error }) => error !== undefined)).toEqual([]);
  await expectSound(database, log, outcomes);
  expect((await readEntries(database, 0, 1_000_000)).length).toBe(outcomes.length);
});

test('a server that is down for a while', async () => {
  await using directory = await temporaryDirectory('outage');
  const dataDir = directory.path;
  const first = await startEmbeddedPostgres({ dataDir });
  await using database = await openDatabase(first.url);
  await using log = await createAuditLog({ database, dataDir, clock, writeDeadlineMs: deadlineMs });
  const outcomes = [await tryAppend(log, 'before')];
  await first.stop();
  const during = await tryAppend(log, 'during');
  expectRefusedInTime(during);
  await expect(log.openAttempts()).rejects.toMatchObject({ code: 'database/unavailable' });
  await using second = await startEmbeddedPostgres({ dataDir });
  expect(second.url).toBe(first.url);
  const after = await tryAppend(log, 'after');
  expect(after.receipt).toEqual({ index: 1 });
  const told = async () => (await readEntries(database, 2, 10)).map(({ body }) => parseEntry(body));
  await expect.poll(told).toMatchObject([{ action: 'audit.resumed', details: { refused: 1 } }]);
  await expectSound(database, log, [...outcomes, during, after]);
});

test('a log without callers is not ready during an outage, and afterwards by itself', async () => {
  await using directory = await temporaryDirectory('outage');
  const dataDir = directory.path;
  const first = await startEmbeddedPostgres({ dataDir });
  await using database = await openDatabase(first.url);
  await using log = await createAuditLog({ database, dataDir, clock, writeDeadlineMs: deadlineMs });
  await log.ready();
  await first.stop();
  expectRefusedInTime(await tryAppend(log, 'during'));
  for (let count = 0; count < 3; count += 1) {
    await expect(log.ready()).rejects.toMatchObject({ code: 'audit/unavailable' });
  }
  await using second = await startEmbeddedPostgres({ dataDir });
  expect(second.url).toBe(first.url);
  await expect
    .poll(() =>
      log.ready().then(
        () => 'ready',
        () => 'not',
      ),
    )
    .toBe('ready');
  const entries = (await readEntries(database, 0, 10)).map(({ body }) => parseEntry(body));
  expect(entries).toMatchObject([{ action: 'audit.resumed', details: { refused: 1 } }]);
});

test.each([
  ['no room on its disk', '53100'],
  ['no memory', '53200'],
  ['become a standby', '25006'],
])('a server that has %s', async (_name, state) => {
  await using bench = await auditBench();
  const { database } = bench;
  await using log = await bench.open({ writeDeadlineMs: deadlineMs });
  const outcomes = [await tryAppend(log, 'before')];
  // The server answers the append with the very state that it has for this.
  await database.query(
    `create function answer() returns trigger language plpgsql as
       $$ begin raise exception 'cannot' using errcode = '${state}'; end $$`,
  );
  await database.query(
    'create trigger answer before insert on audit_entry for each statement execute function answer()',
  );
  const during = await Promise.all(['during-0', 'during-1'].map((request) => tryAppend(log, request)));
  during.forEach(expectRefusedInTime);
  await expect(log.ready()).rejects.toMatchObject({ code: 'audit/unavailable' });
  await database.query('drop trigger answer on audit_entry');
  await expect
    .poll(() =>
      log.ready().then(
        () => true,
        () => false,
      ),
    )
    .toBe(true);
  const after = await tryAppend(log, 'after');
  // On a busy machine an append may be late besides, and be refused: what was acknowledged is there.
  expect(after.receipt?.index).toBeGreaterThanOrEqual(2);
  const actions = (await readEntries(database, 0, 10)).map(({ body }) => parseEntry(body)?.action);
  expect(actions).toContain('audit.resumed');
  await expectSound(database, log, [...outcomes, ...during, after]);
});
