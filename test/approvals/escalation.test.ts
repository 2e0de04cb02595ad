// Escalation on a real PostgreSQL and through the queue: the second group counts by the database's clock, the log and the
// people are told of it once, and a queue that is late or comes twice changes nothing.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { approvalProgress } from '../../core/approval.ts';
import type { ApprovalNotice } from '../../core/services.ts';
import { Secret } from '../../server/config.ts';
import { findWork } from '../../server/approvals/work-store.ts';
import { type ApprovalBench, approvalBench } from '../support/approvals.ts';
import { draftOf, person, requirementOf } from '../support/held.ts';
import { testRedis } from '../support/redis.ts';
import { until } from '../support/until.ts';

let scene: ApprovalBench;
beforeAll(async () => {
  scene = await approvalBench();
});
afterAll(() => scene[Symbol.asyncDispose]());

const bob = person('bob');
const lead = person('lead', { groups: ['leads'] });
const escalate = { to: ['group:leads'], after: 600 };
const escalating = requirementOf({ escalate });

/** Makes it older by so many seconds, as the database's clock sees it. */
async function age(id: string, seconds: number): Promise<void> {
  await scene.database.query(
    `update approval set created_at = created_at - make_interval(secs => $2) where id = $1`,
    [id, seconds],
  );
  await scene.database.query(
    `update approval_vote set at = at - make_interval(secs => $2) where approval = $1`,
    [id, seconds],
  );
}

async function actions(id: string): Promise<readonly string[]> {
  const entries = await scene.entries();
  return entries.filter(({ details }) => details['approval'] === id).map(({ action }) => action.slice(9));
}

const workOf = async (id: string) =>
  (await findWork(scene.database, { approvals: [id], limit: 50 })).filter(({ kind }) => kind === 'escalate');

describe('a request that nobody has decided in time', () => {
  test('may be approved by the second group, and the log says first that it was escalated', async () => {
    const { id } = await scene.approvals.request(draftOf({ requirements: [escalating] }));
    await expect(scene.approvals.vote(id, lead, 'approve', null)).rejects.toMatchObject({
      code: 'approval/not-approver',
    });
    expect(await actions(id)).toEqual(['requested']);
    await age(id, 601);
    expect(await scene.approvals.vote(id, lead, 'approve', null)).toMatchObject({ state: 'approved' });
    expect(await actions(id)).toEqual(['requested', 'escalated', 'voted', 'approved']);
    const entry = (await scene.entries()).findLast(({ action }) => action === 'approval.escalated');
    expect(entry).toMatchObject({
      actor: null,
      details: { approval: id, version: 2, requirements: [{ rule: 'hold-main', ...escalate }] },
    });
    const requested = (await scene.entries()).findLast(({ action }) => action === 'approval.requested');
    expect(requested?.details['requirements']).toMatchObject([{ escalate }]);
  });

  test('is escalated once, whoever looks and however often', async () => {
    const { id } = await scene.approvals.request(draftOf({ requirements: [escalating] }));
    await age(id, 601);
    await Promise.all([
      ...Array.from({ length: 5 }, () => scene.approvals.change(id, () => undefined)),
      ...Array.from({ length: 5 }, () => scene.approvals.status(id)),
    ]);
    expect(await actions(id)).toEqual(['requested', 'escalated']);
    const seen = await scene.approvals.status(id);
    expect(seen).toMatchObject({ version: 2, escalated: [0], state: 'waiting' });
    expect(approvalProgress(seen!)).toMatchObject([{ escalatedTo: ['group:leads'], isMet: false }]);
    const [listed] = await scene.approvals.list({ limit: 1 });
    expect(listed).toMatchObject({ id, escalated: [0] });
    expect(await workOf(id)).toEqual([]);
  });

  test('is not escalated while the log cannot be written, and nothing takes effect', async () => {
    const { id } = await scene.approvals.request(draftOf({ requirements: [escalating] }));
    await age(id, 601);
    scene.auditWorks = false;
    await expect(scene.approvals.status(id)).rejects.toMatchObject({ code: 'audit/unavailable' });
    scene.auditWorks = true;
    expect(await scene.approvals.status(id)).toMatchObject({ escalated: [0] });
    expect(await actions(id)).toEqual(['requested', 'escalated']);
  });
});

test('only what is not met is escalated; a vote that is taken back makes it due', async () => {
  const other = requirementOf({ rule: 'other', approvers: ['group:others'] });
  const { id } = await scene.approvals.request(draftOf({ requirements: [escalating, other] }));
  expect(await workOf(id)).toMatchObject([{ subject: id, turn: '0' }]);
  await scene.approvals.vote(id, bob, 'approve', null);
  expect(await workOf(id), 'it is met').toEqual([]);
  await age(id, 601);
  expect(await scene.approvals.status(id)).toMatchObject({ escalated: [] });
  await scene.approvals.revokeVote(id, bob);
  expect(await workOf(id)).toMatchObject([{ delayMs: 0 }]);
  expect(await scene.approvals.status(id)).toMatchObject({ escalated: [0] });
  expect(await actions(id)).toEqual(['requested', 'voted', 'vote-revoked', 'escalated']);
});

test('a request that has run out or ended is not escalated', async () => {
  const [late, denied] = [draftOf({ requirements: [escalating] }), draftOf({ requirements: [escalating] })];
  const { id: expired } = await scene.approvals.request(late);
  await scene.database.query(
    `update approval set created_at = created_at - interval '1 hour', expires_at = clock_timestamp()
     where id = $1`,
    [expired],
  );
  expect(await scene.approvals.status(expired)).toMatchObject({ state: 'expired', escalated: [] });
  const { id } = await scene.approvals.request(denied);
  await scene.approvals.vote(id, bob, 'deny', null);
  await age(id, 601);
  expect(await scene.approvals.status(id)).toMatchObject({ state: 'denied', escalated: [] });
  expect([await workOf(expired), await workOf(id)]).toEqual([[], []]);
});

test('requests of before this could be are read as they were', async () => {
  const { id } = await scene.approvals.request(draftOf());
  expect(await scene.approvals.status(id)).toMatchObject({ escalated: [] });
  expect((await scene.approvals.status(id))?.requirements[0]).not.toHaveProperty('escalate');
});

describe.each(['redis', 'postgresql'] as const)('on %s', (backend) => {
  test('people are told once when it is time, whether the queue knew of it or not', async () => {
    await using redis = await testRedis({ started: backend === 'redis' });
    const redisUrl = backend === 'redis' ? new Secret(redis.url) : undefined;
    const notices: ApprovalNotice[] = [];
    const told = (id: string) =>
      notices.filter(({ approval, topic }) => approval.id === id && topic === 'escalated').length;
    const notifier = { notify: async (notice: ApprovalNotice) => void notices.push(notice) };
    await using one = scene.part({ redisUrl, reconcileEveryMs: 300 });
    await using other = scene.part({ redisUrl, reconcileEveryMs: 300 });
    await Promise.all([one.start({}, notifier), other.start({}, notifier)]);
    await until('both are up', () => one.queue?.isUp === true && other.queue?.isUp === true);
    const soon = requirementOf({ escalate: { ...escalate, after: 2 } });
    const { id } = await one.service.request(draftOf({ requirements: [soon] }));
    // This one the queue never hears of.
    const { id: silent } = await scene.approvals.request(draftOf({ requirements: [soon] }));
    await until('both are told', () => told(id) > 0 && told(silent) > 0);
    await until(
      'nothing more is due',
      async () => (await workOf(id)).length + (await workOf(silent)).length === 0,
    );
    await scene.approvals.change(id, () => undefined);
    expect(notices.find(({ topic }) => topic === 'escalated')?.approval.escalated).toEqual([0]);
    expect(await other.service.vote(id, lead, 'deny', null)).toMatchObject({ state: 'denied' });
    await until('the end is told', () => notices.some(({ topic }) => topic === 'denied'));
    expect([told(id), told(silent)]).toEqual([1, 1]);
    expect((await actions(id)).filter((action) => action === 'escalated')).toHaveLength(1);
  });
});

test('what was recorded verifies', async () => {
  expect(await scene.bench.verify()).toMatchObject({ ok: true, problems: [] });
});
