// The guard as a process with a Redis that comes late: it starts, says how its queue is, takes pushes, and stops.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { startGuard } from '../support/guard.ts';
import { testRedis } from '../support/redis.ts';
import { until } from '../support/until.ts';

async function readiness(url: string): Promise<unknown> {
  const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(5_000) });
  expect(answer.status).toBe(200);
  return answer.json();
}

test('a guard without Redis has its queue in PostgreSQL', async () => {
  await using guard = await startGuard();
  expect(await readiness(guard.url)).toMatchObject({
    status: 'ready',
    queue: { backend: 'postgresql', isUp: true, note: null },
  });
  expect(await guard.stop()).toBe(0);
});

test('a guard starts and serves without the Redis that it was given, and uses it once it is there', async () => {
  await using redis = await testRedis({ started: false });
  await using guard = await startGuard({ env: { REDIS_URL: redis.url } });
  expect(await readiness(guard.url)).toMatchObject({
    status: 'ready',
    queue: { backend: 'redis', isUp: false, note: 'it cannot be reached' },
  });
  await sleep(1_500);
  expect(guard.logs().match(/Redis cannot be reached/g)).toHaveLength(1);
  await redis.start();
  await expect
    .poll(() => readiness(guard.url))
    .toMatchObject({ status: 'ready', queue: { backend: 'redis', isUp: true, note: null } });
  await redis.stop();
  const down = async () => JSON.stringify(await readiness(guard.url)).includes('"isUp":false');
  await until('its loss is noticed', down);
  expect(await guard.stop()).toBe(0);
});
