// Approvals on a real PostgreSQL with a real audit log: what people do, at once and in turn, and what is recorded of it.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Approval } from '../../core/approval.ts';
import type { AuditEvent } from '../../core/audit-event.ts';
import { GuardError } from '../../core/errors.ts';
import type { HeldRequest } from '../../core/services.ts';
import { glue } from '../scanners/values.ts';
import { type ApprovalBench, approvalBench } from '../support/approvals.ts';
import { draftOf, heldAgent, oidOf, person, requirementOf } from '../support/held.ts';

let scene: ApprovalBench;
beforeAll(async () => {
  scene = await approvalBench();
});
afterAll(async () => {
  await scene[Symbol.asyncDispose]();
});

const never = new AbortController().signal;
const bob = person('bob');
const cy = person('cy');
const why = 'nobody else is awake and the site is down';

async function open(...args: Parameters<typeof draftOf>): Promise<HeldRequest> {
  return scene.approvals.request(draftOf(...args));
}

async function refusal(work: Promise<unknown>): Promise<string> {
  const thrown = await work.then(
    () => 'accepted',
    (error: unknown) => (error instanceof GuardError ? error.code : String(error)),
  );
  return thrown;
}

/** What the log says of one request, in order. */
async function told(id: string): Promise<readonly AuditEvent[]> {
  return (await scene.entries()).filter(({ details }) => details['approval'] === id);
}

async function actions(id: string): Promise<readonly string[]> {
  return (await told(id)).map(({ action }) => action.replace('approval.', ''));
}

describe('a request', () => {
  test('waits, with everything that is bound in its first entry', async () => {
    const draft = draftOf();
    const held = await scene.approvals.request(draft);
    expect(held.id).toMatch(/^ap_[A-Za-z0-9_-]{24}$/);
    expect(held).toMatchObject({ url: `https://guard.example/ui/approvals/${held.id}`, isNew: true });
    const found = await scene.approvals.status(held.id);
    expect(found).toMatchObject({ ...draft, state: 'waiting', version: 1, votes: [], breakGlass: null });
    expect(found!.expiresAt).toEqual(held.expiresAt);
    expect(held.expiresAt.getTime() - found!.createdAt.getTime()).toBe(3_600_000);
    const [entry, ...rest] = await told(held.id);
    expect(rest).toEqual([]);
    expect(entry).toMatchObject({
      action: 'approval.requested',
      request: draft.request,
      actor: heldAgent.principal,
      repository: 'forge/acme/api',
      details: {
        approval: held.id,
        version: 1,
        binding: found!.bindingDigest,
        objectSetDigest: draft.binding.objectSetDigest,
        findingsDigest: draft.binding.findingsDigest,
        policyDigest: draft.binding.policyDigest,
        reason: draft.reason,
        holds: ['hold-main'],
      },
    });
  });

  test('that nobody knows is unknown', async () => {
    expect(await scene.approvals.status('ap_nobody-knows-this-one-at-all')).toBeUndefined();
    for (const work of [
      () => scene.approvals.vote('ap_x', bob, 'approve', null),
      () => scene.approvals.waitFor('ap_x', never),
      () => scene.approvals.cancel('ap_x', heldAgent, null),
    ])
      expect(await refusal(work())).toBe('approval/unknown');
  });

  test('keeps no value that somebody writes into a reason or a comment', async () => {
    const ssn = glue('536-22-', '1879');
    const held = await open({ reason: `for the patient with ssn: ${ssn}\u001b[31m` });
    const found = await scene.approvals.vote(held.id, bob, 'deny', `ssn: ${ssn} must not be here`);
    expect(found.reason).toContain('***');
    expect(found.votes[0]?.comment).toContain('***');
    expect(JSON.stringify([found, await told(held.id)])).not.toContain(ssn);
    expect(found.reason).not.toContain('\u001b');
  });

  test('that is not complete is not kept', async () => {
    for (const broken of [
      draftOf({ requirements: [] }),
      draftOf({ holds: [] }),
      draftOf({}, { refUpdates: [] }),
      draftOf({ held: '' }),
      draftOf({ details: { much: 'x'.repeat(40_000) } }),
    ])
      expect(await refusal(scene.approvals.request(broken))).toBe('internal');
  });
});

describe('a newer push', () => {
  const ref = 'refs/heads/shared';
  const update = (digit: string) => [{ ref, oldOid: oidOf('a'), newOid: oidOf(digit) }];

  test('of the ref supersedes what waits or is approved, elsewhere nothing', async () => {
    const repository = 'forge/acme/newer';
    const first = await open({}, { repository, refUpdates: update('b') });
    const other = await open(
      {},
      { repository, refUpdates: [{ ...update('b')[0]!, ref: 'refs/heads/else' }] },
    );
    const elsewhere = await open({}, { repository: 'forge/acme/else', refUpdates: update('b') });
    await scene.approvals.vote(first.id, bob, 'approve', null);
    const second = await open({}, { repository, refUpdates: update('c') });
    expect(second.isNew).toBe(true);
    expect(await scene.approvals.status(first.id)).toMatchObject({
      state: 'superseded',
      supersededBy: second.id,
      version: 4,
    });
    expect(await scene.approvals.status(other.id)).toMatchObject({ state: 'waiting' });
    expect(await scene.approvals.status(elsewhere.id)).toMatchObject({ state: 'waiting' });
    expect(await actions(first.id)).toEqual(['requested', 'voted', 'approved', 'superseded']);
    expect((await told(second.id))[0]?.details['supersedes']).toEqual([first.id]);
    expect(await refusal(scene.approvals.vote(first.id, cy, 'approve', null))).toBe('approval/decided');
  });

  test('of the very same operation goes on with the request that waits, and keeps its votes', async () => {
    const repository = 'forge/acme/same';
    const requirements = [requirementOf({ count: 2 })];
    const first = await open({ requirements }, { repository, refUpdates: update('b') });
    await scene.approvals.vote(first.id, bob, 'approve', null);
    const renewed = { ...heldAgent.principal, session: 'tok-renewed' };
    const again = await open({ requirements }, { repository, refUpdates: update('b'), actor: renewed });
    expect(again).toMatchObject({ id: first.id, isNew: false, expiresAt: first.expiresAt });
    expect((await scene.approvals.status(first.id))?.votes).toHaveLength(1);
    const underOther = await open(
      { requirements },
      { repository, refUpdates: update('b'), policyDigest: '8'.repeat(64) },
    );
    expect(underOther.isNew).toBe(true);
    expect(await scene.approvals.status(first.id)).toMatchObject({ state: 'superseded' });
  });

  test('at the same instant leaves one request open', async () => {
    const repository = 'forge/acme/race';
    const digits = ['0', '1', '2', '3', '4', '5', '6', '7'];
    const opened = await Promise.all(
      digits.map((digit) => open({}, { repository, refUpdates: update(digit) })),
    );
    const found = await scene.approvals.list({ repository, limit: 100 });
    expect(found).toHaveLength(digits.length);
    const waiting = found.filter(({ state }) => state === 'waiting');
    expect(waiting).toHaveLength(1);
    expect(found.filter(({ state }) => state === 'superseded')).toHaveLength(digits.length - 1);
    expect(opened.map(({ id }) => id)).toContain(waiting[0]?.id);
  });
});

describe('people', () => {
  test('two who press at the same instant are both kept, and it is approved once', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { id } = await open();
      const both = await Promise.all([bob, cy].map((who) => scene.approvals.vote(id, who, 'approve', null)));
      expect(both.map(({ state }) => state)).toEqual(['approved', 'approved']);
      const found = await scene.approvals.status(id);
      expect(found?.votes.map((vote) => vote.person).toSorted()).toEqual(['human:bob', 'human:cy']);
      const said = await actions(id);
      expect(said.toSorted()).toEqual(['approved', 'requested', 'voted', 'voted']);
      expect((await told(id)).map(({ details }) => details['version'])).toEqual([1, 2, 3, 4]);
    }
  });

  test('twenty at once are twenty people, and the count is met once', async () => {
    const { id } = await open({ requirements: [requirementOf({ count: 15 })] });
    const crowd = Array.from({ length: 20 }, (_, n) => person(`p${n}`));
    await Promise.all(crowd.map((who) => scene.approvals.vote(id, who, 'approve', null)));
    const found = await scene.approvals.status(id);
    expect(found).toMatchObject({ state: 'approved', version: 22 });
    expect(new Set(found?.votes.map((vote) => vote.person)).size).toBe(20);
    expect((await actions(id)).filter((action) => action === 'approved')).toHaveLength(1);
  });

  test('the same person pressing twice at once counts once', async () => {
    const { id } = await open({ requirements: [requirementOf({ count: 2 })] });
    const results = await Promise.all(
      ['a', 'b', 'c'].map((token) =>
        refusal(scene.approvals.vote(id, person('bob', { session: token }), 'approve', null)),
      ),
    );
    expect(results.filter((each) => each === 'approval/voted')).toHaveLength(2);
    expect(await scene.approvals.status(id)).toMatchObject({ state: 'waiting', version: 2 });
  });

  test('approve and deny at the same instant end denied', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { id } = await open();
      const [, denied] = await Promise.all([
        refusal(scene.approvals.vote(id, bob, 'approve', null)),
        refusal(scene.approvals.vote(id, cy, 'deny', 'not like this')),
      ]);
      expect(denied).toBe('accepted');
      const found = (await scene.approvals.status(id)) as Approval;
      expect(found.state).toBe('denied');
    }
  });

  test('need the verb for the repository', async () => {
    const { id } = await open();
    const elsewhere = person('bob', { repository: 'forge/other/*' });
    expect(await refusal(scene.approvals.vote(id, elsewhere, 'approve', null))).toBe('identity/forbidden');
    const reader = person('bob', { verbs: ['fetch'] });
    expect(await refusal(scene.approvals.vote(id, reader, 'approve', null))).toBe('identity/forbidden');
    expect(await refusal(scene.approvals.breakGlass(id, bob, why))).toBe('identity/forbidden');
    expect(await actions(id)).toEqual(['requested']);
  });

  test('cannot be the agent, its person, or the owner by another token', async () => {
    const { id } = await open();
    for (const who of [
      person('ada'),
      person('ada', { session: 'another' }),
      person('zed', { owner: 'human:ada' }),
      person('bob', { session: heldAgent.principal.session }),
    ])
      expect(await refusal(scene.approvals.vote(id, who, 'approve', null))).toBe('approval/involved');
    const agent = { ...heldAgent, scopes: bob.scopes };
    expect(await refusal(scene.approvals.vote(id, agent, 'approve', null))).toBe('approval/not-human');
  });

  test('may revoke before it is applied, and decide again', async () => {
    const { id } = await open();
    expect((await scene.approvals.vote(id, bob, 'approve', null)).state).toBe('approved');
    expect((await scene.approvals.revokeVote(id, bob)).state).toBe('waiting');
    expect((await scene.approvals.vote(id, bob, 'deny', 'on second thoughts')).state).toBe('denied');
    expect(await actions(id)).toEqual([
      'requested',
      'voted',
      'approved',
      'vote-revoked',
      'reopened',
      'voted',
      'denied',
    ]);
  });

  test('who made the request may cancel it, others not', async () => {
    const { id } = await open();
    expect(await refusal(scene.approvals.cancel(id, bob, null))).toBe('approval/not-yours');
    expect(await scene.approvals.cancel(id, heldAgent, 'no longer needed')).toMatchObject({
      state: 'cancelled',
      note: 'no longer needed',
    });
  });

  test('may break the glass, which somebody else reviews', async () => {
    const { id } = await open();
    const on = person('oncall', { groups: [], verbs: ['break-glass'] });
    expect(await refusal(scene.approvals.breakGlass(id, on, 'too short'))).toBe('input/invalid');
    expect(await scene.approvals.breakGlass(id, on, why)).toMatchObject({
      state: 'approved',
      breakGlass: { person: 'human:oncall', reason: why, review: null },
    });
    const openReviews = () => scene.approvals.list({ openReview: true, limit: 10 });
    expect((await openReviews()).map((each) => each.id)).toContain(id);
    const same = person('oncall', { verbs: ['approve'] });
    expect(await refusal(scene.approvals.closeReview(id, same, 'fine'))).toBe('approval/involved');
    const closed = await scene.approvals.closeReview(id, cy, 'it was right');
    expect(closed.breakGlass?.review).toMatchObject({ person: 'human:cy', comment: 'it was right' });
    expect((await openReviews()).map((each) => each.id)).not.toContain(id);
    expect(await actions(id)).toEqual(['requested', 'glass-broken', 'approved', 'glass-reviewed']);
  });
});

describe('the clock of the database', () => {
  test('ends a request, whoever looks first, and no vote comes after', async () => {
    const looked = await open();
    await scene.expireIn(looked.id, -0.001);
    expect(await scene.approvals.status(looked.id)).toMatchObject({ state: 'expired' });
    const pressed = await open();
    await scene.expireIn(pressed.id, -0.001);
    expect(await refusal(scene.approvals.vote(pressed.id, bob, 'approve', null))).toBe('approval/decided');
    expect(await actions(pressed.id)).toEqual(['requested', 'expired']);
    const approved = await open();
    await scene.approvals.vote(approved.id, bob, 'approve', null);
    await scene.expireIn(approved.id, -0.001);
    expect(await scene.approvals.status(approved.id)).toMatchObject({ state: 'expired' });
  });

  test('ends it in lists too', async () => {
    const repository = 'forge/acme/lists';
    const { id } = await open({}, { repository });
    await scene.expireIn(id, -0.001);
    expect(await scene.approvals.list({ states: ['waiting'], repository, limit: 10 })).toEqual([]);
    expect(await scene.approvals.list({ states: ['expired'], repository, limit: 10 })).toHaveLength(1);
  });
});

describe('what waits for the end', () => {
  test('is told of a denial at once', async () => {
    const { id } = await open();
    const waiting = scene.approvals.waitFor(id, never);
    await scene.approvals.vote(id, bob, 'deny', 'no');
    expect(await waiting).toMatchObject({ state: 'denied' });
  });

  test('is told of what another guard did, and of the end by the clock', async () => {
    const { id } = await open();
    const waiting = scene.approvals.waitFor(id, never);
    await sleep(50);
    await scene.expireIn(id, 0.5);
    expect(await waiting).toMatchObject({ state: 'expired' });
  });

  test('can be given up, and the request goes on', async () => {
    const { id } = await open();
    const hangup = new AbortController();
    const waiting = scene.approvals.waitFor(id, hangup.signal);
    hangup.abort(new GuardError('request/cancelled', 'gone'));
    expect(await refusal(waiting)).toBe('request/cancelled');
    expect(await scene.approvals.status(id)).toMatchObject({ state: 'waiting' });
  });
});

describe('while the audit log cannot be written', () => {
  test('nothing is answered for and nothing takes effect, and it is recorded once it can', async () => {
    const { id } = await open();
    scene.auditWorks = false;
    const before = scene.recorded.length;
    expect(await refusal(scene.approvals.vote(id, bob, 'approve', null))).toBe('audit/unavailable');
    expect(await refusal(scene.approvals.status(id))).toBe('audit/unavailable');
    expect(await refusal(open())).toBe('audit/unavailable');
    expect(scene.recorded.length).toBe(before);
    scene.auditWorks = true;
    expect(await scene.approvals.status(id)).toMatchObject({ state: 'approved' });
    expect(await actions(id)).toEqual(['requested', 'voted', 'approved']);
  });

  test('one who waits goes on waiting', async () => {
    const { id } = await open();
    const waiting = scene.approvals.waitFor(id, never);
    scene.auditWorks = false;
    expect(await refusal(scene.approvals.vote(id, bob, 'deny', null))).toBe('audit/unavailable');
    await sleep(1_500);
    scene.auditWorks = true;
    expect(await waiting).toMatchObject({ state: 'denied' });
  });
});

test('a list is told newest first, page by page, and by agent', async () => {
  const repository = 'forge/acme/pages';
  const opened: string[] = [];
  for (let n = 0; n < 5; n += 1) opened.push((await open({}, { repository })).id);
  const seen: string[] = [];
  for (let before: string | undefined; ;) {
    const page = await scene.approvals.list({
      repository,
      limit: 2,
      ...(before === undefined ? {} : { before }),
    });
    if (page.length === 0) break;
    seen.push(...page.map(({ id }) => id));
    before = page.at(-1)?.id;
  }
  expect(seen).toEqual(opened.toReversed());
  expect(await scene.approvals.list({ repository, actor: 'agent:other', limit: 10 })).toEqual([]);
  expect(await scene.approvals.list({ repository, actor: 'agent:coder', limit: 10 })).toHaveLength(5);
});

test('what is held is in use until the request has ended', async () => {
  const [kept, ended] = [draftOf(), draftOf()];
  await scene.approvals.request(kept);
  const { id } = await scene.approvals.request(ended);
  await scene.approvals.vote(id, bob, 'deny', null);
  expect(await scene.approvals.heldInUse([kept.held, ended.held, 'nobody-knows'])).toEqual(
    new Set([kept.held]),
  );
});

test('what was recorded verifies', async () => {
  expect(await scene.bench.verify()).toMatchObject({ ok: true, problems: [] });
});
