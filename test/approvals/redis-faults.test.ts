// A Redis that is late, stopped, emptied or full, at the start and in the middle: people can always ask and decide, nobody
// waits for it, nothing is lost, and nothing is done twice.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ApprovalApplier, ApprovalNotifier } from '../../core/services.ts';
import type { ApprovalsPart } from '../../server/approvals/part.ts';
import { Secret } from '../../server/config.ts';
import { type ApprovalBench, approvalBench } from '../support/approvals.ts';
import { draftOf, person, requirementOf } from '../support/held.ts';
import { testRedis, type TestRedis } from '../support/redis.ts';
import { until } from '../support/until.ts';

let scene: ApprovalBench;
beforeAll(async () => {
  scene = await approvalBench();
});
afterAll(() => scene[Symbol.asyncDispose]());

// How long the queue waits for a connection, and for what it is offered; asking and voting are two offers.
const [connectMs, offerMs] = [5_000, 2_000];
const bob = person('bob');
const soon = () => AbortSignal.timeout(30_000);
const landed = new Map<string, number>();
const told = new Map<string, number>();
const applier: ApprovalApplier = {
  apply: async ({ id }) => {
    landed.set(id, (landed.get(id) ?? 0) + 1);
    return { kind: 'applied', note: null };
  },
  settle: async ({ id }) => (landed.has(id) ? { kind: 'applied', note: null } : { kind: 'untouched' }),
  discard: async () => undefined,
};
const notifier: ApprovalNotifier = {
  notify: async ({ id }) => void told.set(id, (told.get(id) ?? 0) + 1),
};

async function start(redis: TestRedis): Promise<ApprovalsPart> {
  const part = scene.part({ redisUrl: new Secret(redis.url), reconcileEveryMs: 500 });
  const begun = performance.now();
  await part.start({ push: applier }, notifier);
  expect(performance.now() - begun, 'the start waits for nobody').toBeLessThan(connectMs);
  return part;
}

/** A request is made and approved, each without waiting for the queue; returns its id. */
async function decide(part: ApprovalsPart): Promise<string> {
  const begun = performance.now();
  const { id } = await part.service.request(draftOf());
  await part.service.vote(id, bob, 'approve', null);
  expect(performance.now() - begun, 'nobody waits for the queue').toBeLessThan(2 * offerMs);
  return id;
}

async function landsOnce(part: ApprovalsPart, ids: readonly string[]): Promise<void> {
  const ended = await Promise.all(ids.map((id) => part.service.waitFor(id, soon())));
  expect(ended.map(({ state }) => state)).toEqual(ids.map(() => 'applied'));
  expect(ids.map((id) => landed.get(id))).toEqual(ids.map(() => 1));
  const untold = () =>
    scene.database.query('select from approval_outbox where told_at is null and approval = any ($1)', [ids]);
  await until('all is told', async () => (await untold()).length === 0);
  const notices = [...told].filter(([notice]) => ids.some((id) => notice.startsWith(id)));
  expect(notices.map(([, times]) => times)).toEqual(notices.map(() => 1));
}

describe('Redis', () => {
  test('that is started late is used from then on', async () => {
    await using redis = await testRedis({ started: false });
    await using part = await start(redis);
    expect(part.queue).toEqual({ backend: 'redis', isUp: false, note: 'it cannot be reached' });
    const ids = [await decide(part), await decide(part)];
    await sleep(1_500);
    expect(ids.map((id) => landed.has(id))).toEqual([false, false]);
    expect(scene.problems).toContain('Redis cannot be reached');
    await redis.start();
    await landsOnce(part, ids);
    await until('it is up', () => part.queue?.isUp === true);
  });

  test('that is stopped in the middle, and comes back, with its jobs or without', async () => {
    await using redis = await testRedis();
    await using part = await start(redis);
    for (const isEmptied of [false, true]) {
      const before = await decide(part);
      await redis.stop();
      await until('it is noticed', () => part.queue?.isUp === false);
      const during = await decide(part);
      const { id: waiting } = await part.service.request(draftOf());
      await redis.start();
      if (isEmptied) await redis.send('flushall');
      await landsOnce(part, [before, during]);
      await part.service.vote(waiting, bob, 'approve', null);
      await landsOnce(part, [waiting]);
    }
  });

  test('that is emptied holds everything again soon', async () => {
    await using redis = await testRedis();
    await using part = await start(redis);
    const requirements = [requirementOf({ expiresAfter: 86_400 })];
    const opened = await Promise.all(
      Array.from({ length: 60 }, () => part.service.request(draftOf({ requirements }))),
    );
    const jobsOf = async (kind: string): Promise<number> => {
      const keys = (await redis.send('keys', `*:${kind}-ap_*`)) as string[];
      return opened.filter(({ id }) => keys.some((key) => key.includes(id))).length;
    };
    for (const kind of ['expire', 'remind'])
      await until(`all ${kind} jobs are there`, async () => (await jobsOf(kind)) === opened.length);
    // Emptied and looked at in one step: afterwards it fills up at once.
    expect(await redis.send('eval', "redis.call('flushall') return redis.call('dbsize')", 0)).toBe(0);
    for (const kind of ['expire', 'remind'])
      await until(`all ${kind} jobs are there again`, async () => (await jobsOf(kind)) === opened.length);
    const [first, second] = opened;
    for (const { id } of [first!, second!]) await part.service.vote(id, bob, 'approve', null);
    await landsOnce(part, [first!.id, second!.id]);
  });

  test('that is full takes no jobs for a while, and has them all afterwards', async () => {
    await using redis = await testRedis();
    await using part = await start(redis);
    await until('it is up', () => part.queue?.isUp === true);
    await redis.send('config', 'set', 'maxmemory', '1');
    const ids = [await decide(part), await decide(part), await decide(part)];
    await until('it is noticed', () => part.queue?.isUp === false);
    await sleep(1_000);
    await redis.send('config', 'set', 'maxmemory', '0');
    await landsOnce(part, ids);
    await until('it is up again', () => part.queue?.isUp === true);
  });

  test('that was full at the start', async () => {
    await using redis = await testRedis();
    await redis.send('config', 'set', 'maxmemory', '1');
    await using part = await start(redis);
    const ids = [await decide(part)];
    await sleep(1_500);
    await redis.send('config', 'set', 'maxmemory', '0');
    await landsOnce(part, ids);
  });

  test('that may drop jobs is warned of', async () => {
    await using redis = await testRedis({ policy: 'allkeys-lru' });
    await using part = await start(redis);
    const advice = 'Redis may drop jobs: set maxmemory-policy to noeviction, it is allkeys-lru';
    await until('it is told', () => part.queue?.note === advice);
    expect(part.queue?.isUp).toBe(true);
    expect(scene.problems).toContain(advice);
  });

  test('that is away does not keep a guard from stopping', async () => {
    const redis = await testRedis();
    const part = await start(redis);
    await until('it is up', () => part.queue?.isUp === true);
    await redis.stop();
    await until('it is noticed', () => part.queue?.isUp === false);
    const begun = performance.now();
    await part[Symbol.asyncDispose]();
    expect(performance.now() - begun).toBeLessThan(20_000);
    await redis[Symbol.asyncDispose]();
  });

  test('that is shared by guards with different databases keeps them apart', async () => {
    await using redis = await testRedis();
    await using other = await approvalBench();
    await using one = await start(redis);
    await using two = other.part({ redisUrl: new Secret(redis.url), reconcileEveryMs: 500 });
    await two.start({ push: applier }, notifier);
    const before = scene.problems.length;
    const ids = await Promise.all(Array.from({ length: 10 }, () => decide(one)));
    await landsOnce(one, ids);
    expect(scene.problems.slice(before)).toEqual([]);
    expect(other.problems).toEqual([]);
  });
});
