// Whose a piece of work is: a guard that was away for longer than its lease leaves it to the one that took it over.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { claimWork, extendWork, finishWork, postponeWork, upsertWork } from '../../github-app/store.ts';
import { createLease } from '../../github-app/work-lease.ts';
import { pullWork } from '../../github-app/work.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';

let fresh: TestDatabase;
beforeAll(async () => (fresh = await freshDatabase()));
afterAll(() => fresh[Symbol.asyncDispose]());

test('work that another guard has taken over is neither kept, nor put off, nor ended by the first', async () => {
  const { database } = fresh;
  const [first, second] = [randomUUID(), randomUUID()];
  const { id } = await upsertWork(database, { forge: 'hub', ...pullWork('acme/one', 1, false) });
  expect(await claimWork(database, id, first, 60)).toMatchObject({ attempts: 1 });
  expect(await claimWork(database, id, second, 60)).toBeUndefined();
  expect(await extendWork(database, id, first, 60)).toBe(true);
  await database.query(`update github_work set lease_until = clock_timestamp() - interval '1 second'`);
  expect(await claimWork(database, id, second, 60)).toMatchObject({ attempts: 2 });

  expect(await extendWork(database, id, first, 60)).toBe(false);
  await postponeWork(database, id, first, 1, 600);
  expect(await finishWork(database, id, first, 1)).toBe(true);
  expect(await extendWork(database, id, second, 60)).toBe(true);

  await upsertWork(database, { forge: 'hub', ...pullWork('acme/one', 1, false) });
  expect(await finishWork(database, id, second, 1)).toBe(false);
  expect(await claimWork(database, id, first, 60)).toMatchObject({ generation: 2 });
  expect(await finishWork(database, id, first, 2)).toBe(true);
  expect(await claimWork(database, id, second, 60)).toBeUndefined();
});

test('a hold that the database has not confirmed for long is given up before another may take the work', async () => {
  vi.useFakeTimers();
  try {
    let answers: readonly object[] | undefined = [{ id: '1' }];
    const lease = createLease(
      {
        query: async <Row extends object>() => {
          if (answers === undefined) throw new Error('the database is away');
          return answers as readonly Row[];
        },
      },
      '1',
      () => Date.now(),
    );
    lease.keep();
    await vi.advanceTimersByTimeAsync(600_000);
    expect(lease.lost.aborted).toBe(false);
    answers = undefined;
    await vi.advanceTimersByTimeAsync(30_000);
    expect(lease.lost.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(29_000);
    expect(lease.lost.aborted).toBe(true);
    lease.end();
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});
