// Whose turn it is to apply: a guard that stops hands on what it was at, one that starts again takes up what its own dead
// processes left, and nobody takes what another guard may still be at. And how much one agent may have waiting.
import { setTimeout as sleep } from 'node:timers/promises';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ApprovalApplier } from '../../core/services.ts';
import { Secret } from '../../server/config.ts';
import { openGuardInstance } from '../../server/guard-instance.ts';
import { type ApprovalBench, approvalBench } from '../support/approvals.ts';
import { draftOf, heldAgent, oidOf, person } from '../support/held.ts';
import { testRedis } from '../support/redis.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { until } from '../support/until.ts';

let scene: ApprovalBench;
beforeAll(async () => {
  scene = await approvalBench();
});
afterAll(() => scene[Symbol.asyncDispose]());

const bob = person('bob');
const soon = () => AbortSignal.timeout(20_000);
const silent = { notify: async () => undefined };

/** Lands at once, and keeps which of these did what to which request. */
function lander(calls: string[]): ApprovalApplier {
  return {
    apply: async ({ id }) => {
      calls.push(`apply ${id}`);
      return { kind: 'applied', note: null };
    },
    settle: async ({ id }) => {
      calls.push(`settle ${id}`);
      return { kind: 'untouched' };
    },
    discard: async () => undefined,
  };
}

/** A request that the process `claimant` has claimed for an hour and was then heard of no more. */
async function abandoned(claimant: string): Promise<string> {
  const { id } = await scene.approvals.request(draftOf());
  await scene.approvals.vote(id, bob, 'approve', null);
  await scene.approvals.change(id, () => [
    { kind: 'move', to: 'applying', actor: null, leaseSeconds: 3_600, claimant },
  ]);
  return id;
}

describe('a guard that starts', () => {
  test('takes up at once what its own earlier processes left, asking first what became of it', async () => {
    const id = await abandoned('one/1');
    const calls: string[] = [];
    await using part = scene.part({ claimant: { name: 'one/2', predecessors: 'one/' } });
    await part.start({ push: lander(calls) }, silent);
    expect(await part.service.waitFor(id, soon())).toMatchObject({ state: 'applied' });
    expect(calls).toEqual([`settle ${id}`, `apply ${id}`]);
  });

  test.each([
    ['another guard', { name: 'two/1', predecessors: 'two/' }],
    ['a guard whose id begins alike', { name: 'on/1', predecessors: 'on/' }],
    ['one that cannot tell whether it is alone', { name: 'one/3', predecessors: undefined }],
    ['the claimant itself', { name: 'one/1', predecessors: 'one/' }],
  ])('leaves it alone where it is %s', async (_who, claimant) => {
    const id = await abandoned('one/1');
    const calls: string[] = [];
    await using part = scene.part({ claimant, reconcileEveryMs: 200 });
    await part.start({ push: lander(calls) }, silent);
    await sleep(1_000);
    expect(calls).toEqual([]);
    expect(await part.service.status(id)).toMatchObject({ state: 'applying' });
    await scene.database.query('update approval set lease_until = clock_timestamp() where id = $1', [id]);
    expect(await part.service.waitFor(id, soon())).toMatchObject({ state: 'applied' });
  });
});

describe.each(['redis', 'postgresql'] as const)('on %s', (backend) => {
  test('a guard that stops while it applies hands it on to another, at once', async () => {
    await using redis = await testRedis({ started: backend === 'redis' });
    const redisUrl = backend === 'redis' ? new Secret(redis.url) : undefined;
    const entered = Promise.withResolvers<void>();
    const slow: ApprovalApplier = {
      ...lander([]),
      apply: (_approval, signal) =>
        new Promise((_resolve, reject) => {
          entered.resolve();
          signal.addEventListener('abort', () => reject(new Error('stopped')));
        }),
    };
    const calls: string[] = [];
    const more = { redisUrl, reconcileEveryMs: 600_000 };
    const first = scene.part({ ...more, claimant: { name: 'first/1', predecessors: 'first/' } });
    await first.start({ push: slow }, silent);
    await until('the first is up', () => first.queue?.isUp === true);
    const { id } = await first.service.request(draftOf());
    await first.service.vote(id, bob, 'approve', null);
    await entered.promise;
    await using second = scene.part({ ...more, claimant: { name: 'second/1', predecessors: 'second/' } });
    await second.start({ push: lander(calls) }, silent);
    await until('the second is up', () => second.queue?.isUp === true);
    await sleep(500);
    const begun = performance.now();
    await first[Symbol.asyncDispose]();
    expect(await second.service.waitFor(id, soon())).toMatchObject({ state: 'applied' });
    expect(performance.now() - begun).toBeLessThan(5_000);
    expect(calls).toEqual([`settle ${id}`, `apply ${id}`]);
  });
});

describe('a data directory', () => {
  test('gives each process a name of its own, and tells who was here before', async () => {
    await using directory = await temporaryDirectory('guard-instance');
    const first = await openGuardInstance(directory.path);
    const beside = await openGuardInstance(directory.path);
    expect(first.name.startsWith(first.predecessors ?? '-')).toBe(true);
    expect(beside.predecessors).toBeUndefined();
    expect(beside.name.startsWith(first.predecessors ?? '')).toBe(false);
    first[Symbol.dispose]();
    using next = await openGuardInstance(directory.path);
    expect(next.predecessors).toBe(first.predecessors);
    expect(next.name).not.toBe(first.name);
  });

  test('is free again once its process was killed', async () => {
    await using directory = await temporaryDirectory('guard-killed');
    const source = `import { openGuardInstance } from ${JSON.stringify(new URL('../../server/guard-instance.ts', import.meta.url).href)};
      const instance = await openGuardInstance(${JSON.stringify(directory.path)});
      process.stdout.write(instance.predecessors ?? 'none');
      setInterval(() => instance, 1_000);`;
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', source], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [said] = (await once(child.stdout, 'data')) as [Buffer];
    expect((await openGuardInstance(directory.path)).predecessors).toBeUndefined();
    child.kill('SIGKILL');
    await once(child, 'exit');
    using next = await openGuardInstance(directory.path);
    expect(next.predecessors).toBe(said.toString());
  });
});

describe('requests of one agent', () => {
  const waiting = (name: string) => ({
    binding: { actor: { ...heldAgent.principal, id: `agent:${name}` } },
  });

  test('are refused beyond the limit, also when they come at once, until some have ended', async () => {
    await using part = scene.part({ mostWaiting: 3 });
    const { service } = part;
    const { binding } = waiting('runaway');
    const asked = await Promise.allSettled(
      Array.from({ length: 6 }, (_, n) =>
        service.request(draftOf({}, { ...binding, repository: `forge/acme/r${n}` })),
      ),
    );
    const opened = asked.flatMap((each) => (each.status === 'fulfilled' ? [each.value.id] : []));
    const refused = asked.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []));
    expect(opened).toHaveLength(3);
    expect(refused).toHaveLength(3);
    expect(refused[0]).toMatchObject({
      code: 'approval/too-many',
      message: 'agent:runaway has as many requests that wait for people as may wait at once, which is 3',
    });
    await service.request(draftOf({}, waiting('other').binding));
    await service.vote(opened[0] ?? '', bob, 'deny', null);
    await service.request(draftOf({}, binding));
    await expect(service.request(draftOf({}, binding))).rejects.toMatchObject({ code: 'approval/too-many' });
    await scene.expireIn(opened[1] ?? '', -1);
    await service.request(draftOf({}, binding));
  });

  test('may take the place of one another, and the same one may come again', async () => {
    await using part = scene.part({ mostWaiting: 1 });
    const { binding } = waiting('steady');
    const first = draftOf({}, binding);
    const { id } = await part.service.request(first);
    const same = { ...draftOf({}, binding), binding: first.binding };
    expect(await part.service.request(same)).toMatchObject({ id, isNew: false });
    const [update] = first.binding.refUpdates;
    const newer = { ...first.binding, refUpdates: [{ ...update!, newOid: oidOf('c') }] };
    expect(await part.service.request({ ...draftOf({}, binding), binding: newer })).toMatchObject({
      isNew: true,
    });
    expect(await part.service.status(id)).toMatchObject({ state: 'superseded' });
  });
});

test('what was recorded verifies', async () => {
  expect(await scene.bench.verify()).toMatchObject({ ok: true, problems: [] });
});
