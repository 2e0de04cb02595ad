// Several guards write one log: without a gap, without a fork, each entry once; and one that dies, hangs or is restored
// beside the others stops nobody for long and forks nothing.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { parseEntry } from '../../core/audit-entry.ts';
import type { DurableAuditLog } from '../../server/audit/log.ts';
import { databaseCheckpointStore } from '../../server/audit/shared-checkpoint/store.ts';
import { readEntries } from '../../server/audit/store.ts';
import { freshDatabase } from '../support/database.ts';
import { until } from '../support/until.ts';
import { auditBench, type AuditBench, auditEvent } from '../support/audit.ts';

async function requestsOf(bench: AuditBench): Promise<readonly (string | undefined)[]> {
  return (await readEntries(bench.database, 0, 1_000_000)).map(({ body }) => parseEntry(body)?.request);
}

/** Appends one after the other from several callers; every receipt must name the place of the very entry. */
async function appendOn(
  log: DurableAuditLog,
  name: string,
  callers: number,
  each: number,
): Promise<ReadonlyMap<number, string>> {
  const receipts = new Map<number, string>();
  const one = async (caller: number): Promise<void> => {
    for (let count = 0; count < each; count += 1) {
      const request = `${name}-${caller}-${count}`;
      receipts.set((await log.append(auditEvent(request))).index, request);
    }
  };
  await Promise.all(Array.from({ length: callers }, (_, caller) => one(caller)));
  return receipts;
}

test('two guards at once, with one caller and with many', async () => {
  await using bench = await auditBench();
  await using first = await bench.open();
  await first.append(auditEvent('first'));
  await using second = await bench.open({ dataDir: await bench.anotherDataDir() });
  for (const callers of [1, 16]) {
    const receipts = await Promise.all([
      appendOn(first, `a${callers}`, callers, 40),
      appendOn(second, `b${callers}`, callers, 40),
    ]);
    const requests = await requestsOf(bench);
    for (const [index, request] of receipts.flatMap((map) => [...map])) expect(requests[index]).toBe(request);
    expect(new Set(requests).size).toBe(requests.length);
  }
  expect((await requestsOf(bench)).length).toBe(1 + 2 * 40 + 2 * 16 * 40);
  expect(await bench.verify([first.head.note, second.head.note])).toMatchObject({ ok: true, problems: [] });
});

test('neither starves the other', async () => {
  await using bench = await auditBench();
  await using first = await bench.open();
  await first.append(auditEvent('first'));
  await using second = await bench.open({ dataDir: await bench.anotherDataDir() });
  let isOver = false;
  const busy = (async () => {
    for (let count = 0; !isOver; count += 1)
      await Promise.all(
        Array.from({ length: 100 }, (_, at) => first.append(auditEvent(`busy-${count}-${at}`))),
      );
  })();
  const waits: number[] = [];
  for (let count = 0; count < 20; count += 1) {
    const started = performance.now();
    await second.append(auditEvent(`calm-${count}`));
    waits.push(performance.now() - started);
  }
  isOver = true;
  await busy;
  expect(waits.toSorted((a, b) => a - b)[10]).toBeLessThan(250);
});

test('each guard knows what the other has written, and keeps its checkpoint', async () => {
  await using bench = await auditBench();
  await using first = await bench.open({ followEveryMs: 50 });
  await first.append(auditEvent('first'));
  const dataDir = await bench.anotherDataDir();
  await using second = await bench.open({ dataDir, followEveryMs: 50 });
  for (let count = 0; count < 5; count += 1) await first.append(auditEvent(`request-${count}`));
  await expect.poll(() => second.head.size).toBe(6);
  const kept = () => readFile(join(dataDir, 'audit-checkpoint'), 'utf8');
  await expect.poll(kept).toBe(first.head.note);
});

describe('a database that was set back', () => {
  test('is noticed by a guard that had only looked on, and nothing is written any more', async () => {
    await using bench = await auditBench();
    await using first = await bench.open();
    for (let count = 0; count < 5; count += 1) await first.append(auditEvent(`request-${count}`));
    await using second = await bench.open({ dataDir: await bench.anotherDataDir(), followEveryMs: 50 });
    await first.append(auditEvent('last'));
    await expect.poll(() => second.head.size).toBe(6);
    await first[Symbol.asyncDispose]();
    await bench.tamper('delete from audit_entry where index >= 3');
    await bench.tamper('delete from audit_checkpoint where size > 3');
    const problem = { code: 'audit/inconsistent' };
    await expect.poll(() => second.ready().catch((error: unknown) => error)).toMatchObject(problem);
    await expect(second.append(auditEvent('more'))).rejects.toMatchObject(problem);
    expect(await requestsOf(bench)).toEqual(['request-0', 'request-1', 'request-2']);
  });
});

const hanging = fileURLToPath(new URL('append-once-and-hang.ts', import.meta.url));

describe('a guard that', () => {
  async function startOther(bench: AuditBench): Promise<{ readonly pid: number; kill(): Promise<void> }> {
    const dataDir = await bench.anotherDataDir();
    const child = spawn(process.execPath, [hanging, bench.url, dataDir], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    return {
      pid: child.pid ?? 0,
      kill: async () => {
        child.kill('SIGKILL');
        if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      },
    };
  }

  test('is killed while it is its turn holds up nobody', async () => {
    await using bench = await auditBench();
    await using first = await bench.open();
    await first.append(auditEvent('first'));
    await (await startOther(bench)).kill();
    expect(await first.append(auditEvent('after'))).toEqual({ index: 2 });
  });

  test('hangs while it is its turn is thrown out, and goes on where the others are', async () => {
    await using bench = await auditBench();
    await using first = await bench.open();
    await first.append(auditEvent('first'));
    const other = await startOther(bench);
    process.kill(other.pid, 'SIGSTOP');
    try {
      const started = performance.now();
      expect(await first.append(auditEvent('after'))).toEqual({ index: 2 });
      expect(performance.now() - started).toBeLessThan(15_000);
    } finally {
      process.kill(other.pid, 'SIGCONT');
    }
    // It goes on appending every so often once it runs again.
    await expect
      .poll(async () => (await requestsOf(bench)).filter((request) => request === 'other').length)
      .toBeGreaterThan(1);
    await other.kill();
    expect(await bench.verify()).toMatchObject({ ok: true });
  });

  test('has gone leaves its open attempts to the next that starts; of one that runs they are its own', async () => {
    await using bench = await auditBench();
    await using first = await bench.open();
    await first.append(auditEvent('first'));
    const other = await startOther(bench);
    const open = async () => (await first.openAttempts()).map(({ request }) => request);
    expect(await open()).toEqual(['first']);
    await other.kill();
    await sleep(100);
    expect(await open()).toEqual(['first', 'other']);
  });
});

test('without a copy of the signing key a further guard does not start', async () => {
  await using bench = await auditBench();
  await bench.write([auditEvent('first')]);
  const dataDir = await bench.anotherDataDir();
  const { dataDir: own } = bench;
  await copyFile(join(own, 'audit-checkpoint'), join(dataDir, 'audit-signing-key'));
  await expect(bench.open({ dataDir })).rejects.toMatchObject({ code: 'audit/inconsistent' });
});

test('a store that they share shows a restored database to a guard that has seen nothing', async () => {
  await using bench = await auditBench();
  await using other = await freshDatabase({ migrate: false });
  const checkpointStore = databaseCheckpointStore(other.database);
  const empty = await (async () => {
    await using log = await bench.open({ checkpointStore });
    await log.append(auditEvent('first'));
    return await bench.anotherDataDir();
  })();
  await bench.write([]);
  {
    await using log = await bench.open({ checkpointStore });
    for (let number = 0; number < 3; number += 1) await log.append(auditEvent(`more-${number}`));
  }
  const rows = await other.database.query('select size::int from forgeguard_last_checkpoint');
  expect(rows).toEqual([{ size: 4 }]);
  // An older guard's place does not set it back, and its log goes on.
  {
    await using log = await bench.open({ dataDir: empty, checkpointStore });
    expect(log.head.size).toBe(4);
  }
  for (const table of [
    'audit_entry where index',
    'audit_checkpoint where size - 1',
    'audit_node where index',
  ])
    await bench.tamper(`delete from ${table} >= 1`);
  const behind = await bench.anotherDataDir();
  await writeFile(join(behind, 'audit-checkpoint'), (await noteOf(bench)) ?? '');
  await expect(bench.open({ dataDir: behind, checkpointStore })).rejects.toMatchObject({
    code: 'audit/inconsistent',
    message:
      'the database holds 1 audit entries, but 4 have been written: it was restored from a backup, or another database is in use',
  });
  // Without the store nothing would have been noticed.
  await using unaware = await bench.open({ dataDir: behind });
  expect(unaware.head.size).toBe(1);
});

test('a store that is gone delays nobody, and is on record, as is its return', async () => {
  await using bench = await auditBench();
  await using other = await freshDatabase({ migrate: false });
  await using log = await bench.open({ checkpointStore: databaseCheckpointStore(other.database) });
  await other.database.query('alter table forgeguard_last_checkpoint rename to away');
  const actions = async () =>
    (await readEntries(bench.database, 0, 100)).map(({ body }) => parseEntry(body)?.action);
  await log.append(auditEvent('first'));
  await until('the entry', async () => (await actions()).includes('audit.checkpoint-store-failed'));
  await log.append(auditEvent('second'));
  await other.database.query('alter table away rename to forgeguard_last_checkpoint');
  await until('the entry', async () => (await actions()).includes('audit.checkpoint-store-resumed'));
  expect(await actions()).toEqual([
    'push.received',
    'audit.checkpoint-store-failed',
    'push.received',
    'audit.checkpoint-store-resumed',
  ]);
});

async function noteOf(bench: AuditBench): Promise<string | undefined> {
  const [row] = await bench.database.query<{ note: string }>(
    'select note from audit_checkpoint order by size desc limit 1',
  );
  return row?.note;
}
