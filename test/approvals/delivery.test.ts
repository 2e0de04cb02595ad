// Delivery through the queue, the same tests on Redis and on PostgreSQL: told, reminded, run out, applied once, by one
// guard or several, after a restart with a thousand requests, and while everything works nobody is asked.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Approval } from '../../core/approval.ts';
import type { ApprovalApplier, ApprovalNotice, ApprovalNotifier } from '../../core/services.ts';
import type { ApprovalsOptions, ApprovalsPart } from '../../server/approvals/part.ts';
import { findWork } from '../../server/approvals/work-store.ts';
import { Secret } from '../../server/config.ts';
import { type ApprovalBench, approvalBench } from '../support/approvals.ts';
import { draftOf, person, requirementOf } from '../support/held.ts';
import { testRedis, type TestRedis } from '../support/redis.ts';
import { until } from '../support/until.ts';

const bob = person('bob');
const soon = () => AbortSignal.timeout(20_000);

describe.each(['redis', 'postgresql'] as const)('on %s', (backend) => {
  let scene: ApprovalBench;
  let redis: TestRedis;
  beforeAll(async () => {
    scene = await approvalBench();
    redis = await testRedis({ started: backend === 'redis' });
  });
  afterAll(async () => {
    await scene[Symbol.asyncDispose]();
    await redis[Symbol.asyncDispose]();
  });

  const notices: ApprovalNotice[] = [];
  const landed = new Map<string, number>();
  const released: string[] = [];
  let receives = true;
  const notifier: ApprovalNotifier = {
    notify: async (notice) => {
      if (!receives) throw new Error('the receiver is down');
      notices.push(notice);
    },
  };
  const applier: ApprovalApplier = {
    apply: async ({ id }) => {
      await sleep(5);
      landed.set(id, (landed.get(id) ?? 0) + 1);
      return { kind: 'applied', note: null };
    },
    settle: async ({ id }) => (landed.has(id) ? { kind: 'applied', note: null } : { kind: 'untouched' }),
    discard: async ({ id }) => void released.push(id),
  };

  async function start(options: Partial<ApprovalsOptions> = {}): Promise<ApprovalsPart> {
    const redisUrl = backend === 'redis' ? new Secret(redis.url) : undefined;
    const part = scene.part({ redisUrl, reconcileEveryMs: 500, ...options });
    await part.start({ push: applier }, notifier);
    await until('the queue is up', () => part.queue?.isUp === true);
    expect(part.queue).toEqual({ backend, isUp: true, note: null });
    return part;
  }

  const told = (id: string) => notices.filter(({ approval }) => approval.id === id).map(({ topic }) => topic);

  test('a request is told, approved, applied, told again and let go, without anybody asking', async () => {
    await using part = await start({ reconcileEveryMs: 60_000 });
    const { id } = await part.service.request(draftOf());
    await until('it is told', () => told(id).length === 1);
    const begun = performance.now();
    await part.service.vote(id, bob, 'approve', 'go on');
    expect(await part.service.waitFor(id, soon())).toMatchObject({ state: 'applied' });
    expect(performance.now() - begun).toBeLessThan(5_000);
    expect(landed.get(id)).toBe(1);
    await until('all is told', () => told(id).length === 4);
    expect(told(id).toSorted()).toEqual(['applied', 'applying', 'approved', 'requested']);
    await until('it is let go', () => released.includes(id));
    await until(
      'nothing is left to do',
      async () => (await findWork(scene.database, { approvals: [id], limit: 9 })).length === 0,
    );
  });

  test('a request runs out by itself, and people are reminded before', async () => {
    await using part = await start({ remindAfter: 1 });
    const { id } = await part.service.request(
      draftOf({ requirements: [requirementOf({ expiresAfter: 3 })] }),
    );
    expect(await part.service.waitFor(id, soon())).toMatchObject({ state: 'expired' });
    await until('it is told', () => told(id).includes('expired'));
    expect(told(id)).toContain('reminder');
    expect(told(id).filter((topic) => topic === 'expired')).toHaveLength(1);
  });

  test('what could not be told is told later', async () => {
    await using part = await start();
    receives = false;
    const { id } = await part.service.request(draftOf());
    const triesOf = async () =>
      (
        await scene.database.query<{ tries: number }>(
          'select tries from approval_outbox where approval = $1',
          [id],
        )
      )[0]?.tries ?? 0;
    await until('it was tried', async () => (await triesOf()) >= 1);
    receives = true;
    await scene.database.query('update approval_outbox set due_at = now() where approval = $1', [id]);
    await until('it is told', () => told(id).length === 1);
    await until('that is noted', async () => (await triesOf()) >= 2);
  });

  test('two guards apply each of a hundred requests once', async () => {
    await using one = await start();
    await using other = await start();
    const opened = await Promise.all(Array.from({ length: 100 }, () => one.service.request(draftOf())));
    await Promise.all(
      opened.map(({ id }, n) => (n % 2 === 0 ? one : other).service.vote(id, bob, 'approve', null)),
    );
    const ended = await Promise.all(opened.map(({ id }) => other.service.waitFor(id, soon())));
    expect(new Set(ended.map(({ state }: Approval) => state))).toEqual(new Set(['applied']));
    expect(opened.map(({ id }) => landed.get(id))).toEqual(opened.map(() => 1));
  });

  test('a thousand waiting requests at a restart are all looked after', { timeout: 120_000 }, async () => {
    const ids: string[] = [];
    {
      await using before = await start();
      for (let n = 0; n < 20; n += 1) {
        const some = await Promise.all(Array.from({ length: 50 }, () => before.service.request(draftOf())));
        ids.push(...some.map(({ id }) => id));
      }
    }
    const begun = performance.now();
    await using after = await start();
    const untold = () =>
      scene.database.query<{ left: number }>(
        `select count(*)::int as left from approval_outbox where told_at is null and approval = any ($1)`,
        [ids],
      );
    await until('all are told', async () => (await untold())[0]?.left === 0, 60_000);
    expect(performance.now() - begun).toBeLessThan(60_000);
    const chosen = ids.filter((_id, n) => n % 100 === 0);
    await Promise.all(chosen.map((id) => after.service.vote(id, bob, 'approve', null)));
    await Promise.all(chosen.map((id) => after.service.waitFor(id, soon())));
    expect(chosen.map((id) => landed.get(id))).toEqual(chosen.map(() => 1));
    const once = new Map<string, number>();
    for (const notice of notices) once.set(notice.id, (once.get(notice.id) ?? 0) + 1);
    expect(Math.max(...once.values())).toBe(1);
  });

  test('a guard that stops while it applies leaves it to the next one', async () => {
    const { promise: entered, resolve: enter } = Promise.withResolvers<void>();
    const slow: ApprovalApplier = {
      ...applier,
      apply: (_approval, signal) =>
        new Promise((_resolve, reject) => {
          enter();
          signal.addEventListener('abort', () => reject(new Error('stopped')));
        }),
    };
    const first = scene.part({ redisUrl: backend === 'redis' ? new Secret(redis.url) : undefined });
    await first.start({ push: slow }, notifier);
    const { id } = await first.service.request(draftOf());
    await first.service.vote(id, bob, 'approve', null);
    await entered;
    await first[Symbol.asyncDispose]();
    expect(landed.has(id)).toBe(false);
    await using next = await start();
    expect(await next.service.waitFor(id, soon())).toMatchObject({ state: 'applied' });
    expect(landed.get(id)).toBe(1);
  });

  test('a database that drops every connection is used again', async () => {
    await using part = await start();
    const before = await part.service.request(draftOf());
    await scene.database.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    );
    const decide = async (): Promise<boolean> => {
      const done = await part.service.vote(before.id, bob, 'approve', null).catch(() => undefined);
      return (
        done !== undefined ||
        (await part.service.status(before.id).catch(() => undefined))?.votes.length === 1
      );
    };
    await until('it can be decided', decide);
    expect(await part.service.waitFor(before.id, soon())).toMatchObject({ state: 'applied' });
    const { id } = await part.service.request(draftOf());
    await part.service.vote(id, bob, 'approve', null);
    expect(await part.service.waitFor(id, soon())).toMatchObject({ state: 'applied' });
    expect([landed.get(before.id), landed.get(id)]).toEqual([1, 1]);
  });

  test('an operation that nobody can carry out fails and says so', async () => {
    await using part = await start();
    const { id } = await part.service.request(draftOf({}, { kind: 'publish' }));
    await part.service.vote(id, bob, 'approve', null);
    expect(await part.service.waitFor(id, soon())).toMatchObject({
      state: 'failed',
      note: 'this guard cannot carry out a held publish',
    });
  });

  test('jobs hold ids and nothing else', async () => {
    await using part = await start();
    const secret = 'a reason that must not stand in the queue';
    const { id } = await part.service.request(draftOf({ reason: secret }));
    await until('it is told', () => told(id).length === 1);
    const stored =
      backend === 'redis'
        ? await Promise.all(
            ((await redis.send('keys', '*-ap_*')) as string[]).map((key) => redis.send('hgetall', key)),
          )
        : await scene.database.query('select to_jsonb(j) as job from bullmq.job j');
    expect(stored.length).toBeGreaterThan(0);
    expect(JSON.stringify(stored)).toContain(id);
    for (const word of [secret, 'agent:coder', 'forge/acme', 'refs/heads'])
      expect(JSON.stringify(stored)).not.toContain(word);
  });
});
