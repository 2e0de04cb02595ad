// A held push with the queue on Redis: held, approved, landed; and the same with Redis stopped in the middle and started
// again, emptied or not, when nobody pushes or decides a second time.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cloneSeeded, type PushForge, type PushRepository, startPushForge } from '../support/push-forge.ts';
import { readRefusal } from '../support/refusal.ts';
import { testRedis, type TestRedis } from '../support/redis.ts';
import { createReviewer, type Reviewer } from '../support/reviewers.ts';
import { until } from '../support/until.ts';

let redis: TestRedis;
let forge: PushForge;
let ada: Reviewer;

beforeAll(async () => {
  redis = await testRedis();
  forge = await startPushForge({ env: { REDIS_URL: redis.url } });
  ada = await createReviewer(forge.database, forge.guard.url, 'ada@example.org');
});
afterAll(async () => {
  await forge?.[Symbol.asyncDispose]();
  await redis?.[Symbol.asyncDispose]();
});

async function isUp(): Promise<boolean> {
  const answer = await fetch(`${forge.guard.url}/readyz`);
  expect(answer.status).toBe(200);
  return JSON.stringify(await answer.json()).includes('"backend":"redis","isUp":true');
}

interface Held {
  readonly repo: PushRepository;
  readonly id: string;
  readonly oid: string;
}

async function held(): Promise<Held> {
  const { repo, work } = await cloneSeeded(forge, { 'README.md': 'one\n' });
  const oid = await work.commit('Change', { 'README.md': 'two\n' });
  const pushed = await work.push('HEAD:refs/heads/main', { options: ['forgeguard.format=json'] });
  expect(pushed.code, pushed.stderr).toBe(1);
  return { repo, oid, id: readRefusal(pushed.stderr).approval?.id ?? '' };
}

async function expectLandedOnce({ repo, id, oid }: Held): Promise<void> {
  await ada.until(id, 'applied');
  expect((await repo.upstream.refs())['refs/heads/main']).toBe(oid);
  const forwarded = (await repo.attempts()).flatMap(({ actions }) =>
    actions.filter((action) => action === 'push.forwarded'),
  );
  expect(forwarded).toHaveLength(1);
}

test('held, approved, landed', async () => {
  await until('the queue is up', isUp);
  const push = await held();
  await ada.decide(push.id, 'approve');
  await expectLandedOnce(push);
});

test.each([false, true])('Redis stopped in the middle and started again, emptied: %s', async (isEmptied) => {
  await until('the queue is up', isUp);
  const before = await held();
  await redis.stop();
  await until('its loss is noticed', async () => !(await isUp()));
  const during = await held();
  for (const { id } of [before, during]) {
    expect(await ada.decide(id, 'approve')).toMatchObject({ status: 200 });
    expect(await ada.see(id)).toMatchObject({ state: 'approved' });
  }
  await redis.start();
  if (isEmptied) await redis.send('flushall');
  await Promise.all([before, during].map(expectLandedOnce));
});

test('the log of all this verifies', async () => {
  expect(await forge.guard.command(['audit', 'verify'])).toMatchObject({ code: 0 });
});
