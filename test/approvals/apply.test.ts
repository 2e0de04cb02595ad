// Applying on a real PostgreSQL: once, by one worker, never what is not recorded, and settled where a worker was lost.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Approval } from '../../core/approval.ts';
import type { ApplyOutcome, ApprovalApplier, ApprovalNotice, ApprovalNotifier } from '../../core/services.ts';
import { applyApproval, type ApplyOptions } from '../../server/approvals/apply.ts';
import { tellNotice } from '../../server/approvals/tell.ts';
import { type ApprovalBench, approvalBench } from '../support/approvals.ts';
import { draftOf, person } from '../support/held.ts';

let scene: ApprovalBench;
beforeAll(async () => {
  scene = await approvalBench();
});
afterAll(() => scene[Symbol.asyncDispose]());

const running = new AbortController().signal;
/** What landed, by approval: how often. */
const landed = new Map<string, number>();
let calls: string[] = [];
let failures: unknown[] = [];
let next: (approval: Approval, signal: AbortSignal) => Promise<ApplyOutcome>;

const land = async ({ id }: Approval): Promise<ApplyOutcome> => {
  landed.set(id, (landed.get(id) ?? 0) + 1);
  return { kind: 'applied', note: null };
};

const applier: ApprovalApplier = {
  apply: async (approval, signal) => {
    calls.push('apply');
    return next(approval, signal);
  },
  settle: async ({ id }) => {
    calls.push('settle');
    return landed.has(id) ? { kind: 'applied', note: 'it had landed' } : { kind: 'untouched' };
  },
  discard: async () => undefined,
};

beforeEach(() => {
  calls = [];
  failures = [];
  next = land;
  scene.auditWorks = true;
});

function options(more: Partial<ApplyOptions> = {}): ApplyOptions {
  return {
    database: scene.database,
    approvals: scene.approvals,
    applier,
    claimant: 'test/1',
    onFailure: (_id, error) => failures.push(error),
    ...more,
  };
}

async function approved(): Promise<string> {
  const { id } = await scene.approvals.request(draftOf());
  await scene.approvals.vote(id, person('bob'), 'approve', null);
  return id;
}

async function leaseOver(id: string): Promise<void> {
  await scene.database.query(
    `update approval set lease_until = clock_timestamp() where id = $1 and state = 'applying'`,
    [id],
  );
}

describe('what was approved', () => {
  test('is applied once, however many workers come at once, and its claim is recorded first', async () => {
    const id = await approved();
    next = async (approval) => {
      const entries = await scene.entries();
      expect(entries.at(-1)).toMatchObject({
        action: 'approval.applying',
        details: { approval: id, attempt: 1 },
      });
      expect(approval).toMatchObject({ id, state: 'applying' });
      return land(approval);
    };
    await Promise.all(Array.from({ length: 8 }, () => applyApproval(options(), id, running)));
    expect(landed.get(id)).toBe(1);
    expect(await scene.approvals.status(id)).toMatchObject({ state: 'applied', version: 5 });
    await applyApproval(options(), id, running);
    expect(calls).toEqual(['apply']);
  });

  test.each(['stale', 'failed'] as const)('may end %s, with the reason', async (kind) => {
    const id = await approved();
    next = async () => ({ kind, note: 'main has moved' });
    await applyApproval(options(), id, running);
    expect(await scene.approvals.status(id)).toMatchObject({ state: kind, note: 'main has moved' });
    expect((await scene.entries()).at(-1)).toMatchObject({
      action: `approval.${kind}`,
      details: { approval: id, note: 'main has moved' },
    });
  });

  test('is not applied while its approval is not recorded', async () => {
    const { id } = await scene.approvals.request(draftOf());
    scene.auditWorks = false;
    await scene.approvals.vote(id, person('bob'), 'approve', null).catch(() => undefined);
    await applyApproval(options(), id, running).catch(() => undefined);
    expect(calls).toEqual([]);
    scene.auditWorks = true;
    await applyApproval(options(), id, running);
    await applyApproval(options(), id, running);
    expect(landed.get(id)).toBe(1);
  });

  test('is not applied where the claim cannot be recorded, until it can', async () => {
    const id = await approved();
    scene.auditWorks = false;
    await expect(applyApproval(options(), id, running)).rejects.toMatchObject({ code: 'audit/unavailable' });
    expect(calls).toEqual([]);
    scene.auditWorks = true;
    await scene.record(id);
    await leaseOver(id);
    await applyApproval(options(), id, running);
    expect(landed.get(id)).toBe(1);
  });

  test('is not applied once it has expired', async () => {
    const id = await approved();
    await scene.expireIn(id, -0.001);
    await applyApproval(options(), id, running);
    expect(calls).toEqual([]);
    expect(await scene.approvals.status(id)).toMatchObject({ state: 'expired' });
  });

  test.each(['waiting', 'denied'])('is not applied while it is %s', async (state) => {
    const { id } = await scene.approvals.request(draftOf());
    if (state === 'denied') await scene.approvals.vote(id, person('bob'), 'deny', null);
    await applyApproval(options(), id, running);
    expect(calls).toEqual([]);
    expect(await scene.approvals.status(id)).toMatchObject({ state });
  });
});

describe('a worker that is lost', () => {
  test('after it landed: the next one finds that out, and does nothing twice', async () => {
    const id = await approved();
    next = async (approval) => {
      await land(approval);
      throw new Error('the connection broke');
    };
    await applyApproval(options(), id, running);
    expect(failures).toHaveLength(1);
    await applyApproval(options(), id, running);
    expect(calls, 'its lease is not over').toEqual(['apply']);
    await leaseOver(id);
    next = land;
    await applyApproval(options(), id, running);
    expect(calls).toEqual(['apply', 'settle']);
    expect(landed.get(id)).toBe(1);
    expect(await scene.approvals.status(id)).toMatchObject({ state: 'applied', note: 'it had landed' });
  });

  test('before it landed: the next one applies it', async () => {
    const id = await approved();
    next = () => Promise.reject(new Error('the process was killed'));
    await applyApproval(options(), id, running);
    await leaseOver(id);
    next = land;
    await applyApproval(options(), id, running);
    expect(calls).toEqual(['apply', 'settle', 'apply']);
    expect(landed.get(id)).toBe(1);
  });

  test('cannot end what another has taken over, and is told to stop', async () => {
    const id = await approved();
    const { promise: gate, resolve: open } = Promise.withResolvers<void>();
    let wasStopped = false;
    next = async (_approval, signal) => {
      await gate;
      wasStopped = signal.aborted;
      return { kind: 'failed', note: 'too late' };
    };
    const slow = applyApproval(options({ leaseSeconds: 0.3 }), id, running);
    while (calls.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    next = land;
    // Another worker takes the claim: its epoch is no longer the slow one's.
    await leaseOver(id);
    await applyApproval(options(), id, running);
    await new Promise((resolve) => setTimeout(resolve, 400));
    open();
    await slow;
    expect(wasStopped).toBe(true);
    expect(await scene.approvals.status(id)).toMatchObject({ state: 'applied' });
    expect(landed.get(id)).toBe(1);
  });

  test('that is only slow keeps its claim', async () => {
    const id = await approved();
    next = async (approval) => {
      await new Promise((resolve) => setTimeout(resolve, 900));
      return land(approval);
    };
    const slow = applyApproval(options({ leaseSeconds: 0.3 }), id, running);
    for (let n = 0; n < 8; n += 1) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      await applyApproval(options(), id, running);
    }
    await slow;
    expect(calls).toEqual(['apply']);
    expect(landed.get(id)).toBe(1);
  });
});

test('what cannot be done now is done later, and fails when the request runs out', async () => {
  const id = await approved();
  next = async () => ({ kind: 'later', note: 'the upstream is down' });
  await applyApproval(options(), id, running);
  expect(await scene.approvals.status(id)).toMatchObject({ state: 'applying' });
  await leaseOver(id);
  await scene.expireIn(id, -0.001);
  await applyApproval(options(), id, running);
  expect(await scene.approvals.status(id)).toMatchObject({ state: 'failed', note: 'the upstream is down' });
});

describe('people', () => {
  const notices: ApprovalNotice[] = [];
  let receives = true;
  const notifier: ApprovalNotifier = {
    notify: async (notice) => {
      if (!receives) throw new Error('the receiver is down');
      notices.push(notice);
    },
  };
  const telling = () => ({
    database: scene.database,
    notifier,
    urlOf: scene.approvals.urlOf,
    onFailure: (_id: string, error: unknown) => failures.push(error),
  });
  const rowsOf = (id: string) =>
    scene.database.query<{ seq: number; topic: string; tries: number; told: boolean }>(
      `select seq::int as seq, topic, tries, told_at is not null as told from approval_outbox
       where approval = $1 order by seq`,
      [id],
    );

  test('are told once of each row, of votes not, and again where the receiver was down', async () => {
    const id = await approved();
    const rows = await rowsOf(id);
    expect(rows.map(({ topic, told }) => [topic, told])).toEqual([
      ['requested', false],
      ['voted', true],
      ['approved', false],
    ]);
    receives = false;
    for (const { seq } of rows) await tellNotice(telling(), seq, running);
    expect(failures).toHaveLength(2);
    expect((await rowsOf(id)).map(({ tries }) => tries)).toEqual([1, 0, 1]);
    receives = true;
    for (let round = 0; round < 2; round += 1)
      for (const { seq } of rows) await tellNotice(telling(), seq, running);
    expect(notices.map(({ topic, url }) => [topic, url])).toEqual([
      ['requested', scene.approvals.urlOf(id)],
      ['approved', scene.approvals.urlOf(id)],
    ]);
    expect(new Set(notices.map((notice) => notice.id)).size).toBe(2);
  });

  test('are told of nothing that is not recorded', async () => {
    const { id } = await scene.approvals.request(draftOf());
    scene.auditWorks = false;
    await scene.approvals.vote(id, person('bob'), 'deny', null).catch(() => undefined);
    const before = notices.length;
    for (const { seq } of (await rowsOf(id)).slice(1)) await tellNotice(telling(), seq, running);
    expect(notices.length).toBe(before);
    scene.auditWorks = true;
    await scene.record(id);
    for (const { seq } of (await rowsOf(id)).slice(1)) await tellNotice(telling(), seq, running);
    expect(notices.at(-1)).toMatchObject({ topic: 'denied', approval: { id, state: 'denied' } });
  });
});
