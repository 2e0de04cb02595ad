// Approvals as pure rules: the table of states, who may decide, and how people are counted.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { approvalProgress, votesInForce } from '../../core/approval.ts';
import { bindingDigest, findingsDigest } from '../../core/approval/binding.ts';
import {
  judgeBreakGlass,
  judgeCancellation,
  judgeReview,
  judgeRevocation,
  judgeVote,
  type Person,
} from '../../core/approval/judge.ts';
import { mergeRequirements, waitingSeconds } from '../../core/approval/requirement.ts';
import {
  type ApprovalState,
  approvalStates,
  isTerminal,
  mayMove,
  openStates,
  transitions,
} from '../../core/approval/state.ts';
import {
  approvalOf,
  bindingOf,
  heldAgent,
  heldNow,
  oidOf,
  person,
  type PersonOptions,
  requirementOf,
  voteOf,
} from '../support/held.ts';
import { finding } from './operations.ts';

const now = heldNow;

const somebody = (name: string, options: PersonOptions = {}): Person => person(name, options);

describe('the table of states', () => {
  test('is the one that is documented', () => {
    expect(transitions).toEqual({
      waiting: ['approved', 'denied', 'expired', 'superseded', 'cancelled'],
      approved: ['applying', 'waiting', 'denied', 'expired', 'superseded', 'cancelled'],
      applying: ['applied', 'failed', 'stale'],
      denied: [],
      expired: [],
      superseded: [],
      cancelled: [],
      applied: [],
      failed: [],
      stale: [],
    });
    expect(openStates).toEqual(['waiting', 'approved']);
  });

  test('ends every walk that is long enough, only in terminal states, and applies only what was approved', () => {
    const wish = fc.constantFrom(...approvalStates);
    fc.assert(
      fc.property(fc.array(wish, { maxLength: 60 }), (wishes) => {
        const walk: ApprovalState[] = ['waiting'];
        for (const next of wishes) {
          const at = walk.at(-1)!;
          if (isTerminal(at)) expect(mayMove(at, next)).toBe(false);
          if (mayMove(at, next)) walk.push(next);
        }
        expect(walk.filter((state) => isTerminal(state)).length).toBeLessThanOrEqual(1);
        expect(walk.filter((state) => state === 'applying').length).toBeLessThanOrEqual(1);
        const applying = walk.indexOf('applying');
        if (applying >= 0) expect(walk[applying - 1]).toBe('approved');
        if (walk.includes('applied')) expect(walk.at(-2)).toBe('applying');
      }),
    );
  });
});

describe('for all votes', () => {
  const names = ['bob', 'cy', 'dee', 'eve', 'ada', 'coder'] as const;
  const groups = fc.subarray(['reviewers', 'leads', 'staff']);
  const step = fc.record({
    name: fc.constantFrom(...names),
    groups,
    token: fc.nat(2),
    act: fc.constantFrom('approve', 'approve', 'approve', 'deny', 'revoke'),
  });

  test('people are counted once, the involved never, and one deny ends it', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), fc.integer({ min: 1, max: 3 }), (steps, count) => {
        const requirements = [requirementOf({ count }), requirementOf({ approvers: ['group:leads'] })];
        let approval = approvalOf({ requirements });
        for (const { name, groups: of, token, act } of steps) {
          const kind = name === 'coder' ? 'agent' : 'human';
          const who = somebody(name, { kind, groups: of, session: `tok-${name}-${token}` });
          const before = approval;
          if (act === 'revoke') {
            const judged = judgeRevocation(before, who, now);
            if (judged.kind === 'refused') continue;
            const votes = before.votes.map((vote) =>
              vote.person === who.principal.id && vote.revokedAt === null
                ? { ...vote, revokedAt: now }
                : vote,
            );
            approval = { ...before, votes, state: judged.next ?? before.state };
            continue;
          }
          const judged = judgeVote(before, who, act, null, now);
          if (judged.kind === 'refused') continue;
          expect(['ada', 'coder']).not.toContain(name);
          expect(before.state === 'denied').toBe(false);
          const votes = [...before.votes, { ...judged.vote, at: now, revokedAt: null }];
          approval = { ...before, votes, state: judged.next ?? before.state };
          expect(approval.state === 'denied').toBe(act === 'deny');
        }
        const inForce = votesInForce(approval.votes);
        expect(new Set(inForce.map((vote) => vote.person)).size).toBe(inForce.length);
        const isMet = approvalProgress(approval).every((each) => each.isMet);
        if (approval.state !== 'denied') expect(approval.state === 'approved').toBe(isMet);
        if (approval.state === 'approved') {
          expect(inForce.filter(({ meets }) => meets.includes(0)).length).toBeGreaterThanOrEqual(count);
          expect(inForce.some(({ meets }) => meets.includes(1))).toBe(true);
        }
      }),
    );
  });
});

describe('a vote', () => {
  const code = (judged: { readonly kind: string; readonly code?: string }): string =>
    judged.code ?? judged.kind;

  test.each<[string, Person, string]>([
    ['a reviewer', somebody('bob'), 'accepted'],
    ['somebody outside the groups', somebody('bob', { groups: ['staff'] }), 'approval/not-approver'],
    ['the agent', { principal: heldAgent.principal, owner: 'human:ada' }, 'approval/not-human'],
    ['another agent', somebody('helper', { kind: 'agent' }), 'approval/not-human'],
    ['a workload', somebody('build', { kind: 'workload' }), 'approval/not-human'],
    ['a person who acts for another', somebody('bob', { onBehalfOf: ['human:cy'] }), 'approval/not-human'],
    ['the person the agent acts for', somebody('ada'), 'approval/involved'],
    ['the same person in other letters', somebody('Ada'), 'approval/involved'],
    ['another token of the owner', somebody('bob', { owner: 'human:ada' }), 'approval/involved'],
    ['the very token of the agent', somebody('bob', { session: 'tok-coder' }), 'approval/involved'],
  ])('by %s', (_title, who, expected) => {
    expect(code(judgeVote(approvalOf(), who, 'approve', null, now))).toBe(expected);
    expect(code(judgeVote(approvalOf(), who, 'deny', null, now))).toBe(expected);
  });

  test('by the owner of a token that names nobody it acts for', () => {
    const actor = { ...heldAgent.principal, onBehalfOf: [] };
    const approval = approvalOf({ binding: bindingOf({ actor, owner: 'human:cy' }) });
    expect(code(judgeVote(approval, somebody('cy'), 'approve', null, now))).toBe('approval/involved');
    expect(code(judgeVote(approval, somebody('ada'), 'approve', null, now))).toBe('accepted');
  });

  test('counts nobody twice, by whatever token', () => {
    const approval = approvalOf({ requirements: [requirementOf({ count: 2 })], votes: [voteOf('bob')] });
    expect(code(judgeVote(approval, somebody('bob'), 'approve', null, now))).toBe('approval/voted');
    const other = somebody('bob', { session: 'tok-2' });
    expect(code(judgeVote(approval, other, 'approve', null, now))).toBe('approval/voted');
    const sameOwner = somebody('cy', { owner: 'human:bob' });
    expect(code(judgeVote(approval, sameOwner, 'approve', null, now))).toBe('approval/voted');
    expect(judgeVote(approval, somebody('cy'), 'approve', null, now)).toMatchObject({ next: 'approved' });
  });

  test('of a person in two groups counts once for each requirement and may meet both', () => {
    const both = somebody('bob', { groups: ['reviewers', 'leads'] });
    const two = requirementOf({ approvers: ['group:reviewers', 'group:leads'], count: 2 });
    expect(judgeVote(approvalOf({ requirements: [two] }), both, 'approve', null, now)).toMatchObject({
      vote: { meets: [0] },
      next: null,
    });
    const each = [requirementOf(), requirementOf({ approvers: ['group:leads'] })];
    expect(judgeVote(approvalOf({ requirements: each }), both, 'approve', null, now)).toMatchObject({
      vote: { meets: [0, 1] },
      next: 'approved',
    });
  });

  test('that denies wins over approvals, also over enough of them', () => {
    const approval = approvalOf({ state: 'approved', votes: [voteOf('bob')] });
    expect(judgeVote(approval, somebody('cy'), 'deny', 'no', now)).toMatchObject({ next: 'denied' });
  });

  test('that approves is kept while it is applied, one that denies comes too late', () => {
    for (const state of ['applying', 'applied'] as const) {
      const approval = approvalOf({ state, votes: [voteOf('bob')] });
      expect(judgeVote(approval, somebody('cy'), 'approve', null, now)).toMatchObject({ next: null });
      expect(code(judgeVote(approval, somebody('cy'), 'deny', null, now))).toBe('approval/decided');
    }
  });

  test.each(['denied', 'expired', 'superseded', 'cancelled', 'failed', 'stale'] as const)(
    'is refused once the request is %s',
    (state) => {
      const judged = judgeVote(approvalOf({ state }), somebody('bob'), 'approve', null, now);
      expect(judged).toMatchObject({ code: 'approval/decided', message: `the request is ${state} already` });
    },
  );

  test('is refused from the very moment at which the request runs out', () => {
    const approval = approvalOf();
    const late = judgeVote(approval, somebody('bob'), 'approve', null, approval.expiresAt);
    expect(late).toMatchObject({ code: 'approval/decided', message: 'the request has expired' });
    const justBefore = new Date(approval.expiresAt.getTime() - 1);
    expect(judgeVote(approval, somebody('bob'), 'approve', null, justBefore)).toMatchObject({
      next: 'approved',
    });
  });

  test('can be revoked until it is applied, and given again', () => {
    const approved = approvalOf({ state: 'approved', votes: [voteOf('bob')] });
    expect(judgeRevocation(approved, somebody('bob'), now)).toEqual({ kind: 'accepted', next: 'waiting' });
    expect(code(judgeRevocation(approved, somebody('cy'), now))).toBe('approval/not-voted');
    const enough = approvalOf({ state: 'approved', votes: [voteOf('bob'), voteOf('cy')] });
    expect(judgeRevocation(enough, somebody('bob'), now)).toEqual({ kind: 'accepted', next: null });
    const applying = approvalOf({ state: 'applying', votes: [voteOf('bob')] });
    expect(code(judgeRevocation(applying, somebody('bob'), now))).toBe('approval/decided');
    const revoked = approvalOf({ votes: [voteOf('bob', { revokedAt: now })] });
    expect(judgeVote(revoked, somebody('bob'), 'approve', null, now)).toMatchObject({ next: 'approved' });
  });
});

describe('breaking the glass', () => {
  const reason = 'the site is down and nobody else is awake';
  const broken = { person: 'human:bob', owner: 'human:bob', reason, at: now, review: null };

  test('needs a reason of 20 characters, a person, and one who is not involved', () => {
    expect(judgeBreakGlass(approvalOf(), somebody('bob', { groups: [] }), reason, now).kind).toBe('accepted');
    expect(judgeBreakGlass(approvalOf(), somebody('bob'), 'x'.repeat(20), now).kind).toBe('accepted');
    for (const [who, why, refusal] of [
      [somebody('bob'), 'x'.repeat(19), 'input/invalid'],
      [somebody('bob'), `${' '.repeat(20)}short`, 'input/invalid'],
      [somebody('ada'), reason, 'approval/involved'],
      [{ principal: heldAgent.principal, owner: null }, reason, 'approval/not-human'],
    ] as const) {
      expect(judgeBreakGlass(approvalOf(), who, why, now)).toMatchObject({ code: refusal });
    }
    expect(judgeBreakGlass(approvalOf({ state: 'denied' }), somebody('bob'), reason, now)).toMatchObject({
      code: 'approval/decided',
    });
  });

  test('is reviewed by somebody else, once, with a comment', () => {
    const approval = approvalOf({ state: 'applied', breakGlass: broken });
    expect(judgeReview(approval, somebody('cy'), 'was right').kind).toBe('accepted');
    for (const [who, comment, refusal] of [
      [somebody('bob'), 'was right', 'approval/involved'],
      [somebody('cy', { owner: 'human:bob' }), 'was right', 'approval/involved'],
      [somebody('ada'), 'was right', 'approval/involved'],
      [{ principal: heldAgent.principal, owner: null }, 'was right', 'approval/not-human'],
      [somebody('cy'), ' ', 'input/invalid'],
    ] as const) {
      expect(judgeReview(approval, who, comment)).toMatchObject({ code: refusal });
    }
    const review = { person: 'human:cy', comment: 'was right', at: now };
    const closed = approvalOf({ breakGlass: { ...broken, review } });
    expect(judgeReview(closed, somebody('dee'), 'again')).toMatchObject({ code: 'approval/no-review' });
    expect(judgeReview(approvalOf(), somebody('dee'), 'x')).toMatchObject({ code: 'approval/no-review' });
  });

  test('does not rest on votes, so revoking one changes nothing', () => {
    const approval = approvalOf({ state: 'approved', breakGlass: broken, votes: [voteOf('cy')] });
    expect(judgeRevocation(approval, somebody('cy'), now)).toEqual({ kind: 'accepted', next: null });
  });
});

test('those whose request it is can cancel it, nobody else, and not once it is applied', () => {
  const own = { principal: heldAgent.principal, owner: 'human:ada' };
  for (const who of [own, somebody('ada'), somebody('zed', { owner: 'human:ada' })])
    expect(judgeCancellation(approvalOf(), who).kind).toBe('accepted');
  expect(judgeCancellation(approvalOf(), somebody('bob'))).toMatchObject({ code: 'approval/not-yours' });
  expect(judgeCancellation(approvalOf({ state: 'applying' }), own)).toMatchObject({
    code: 'approval/decided',
  });
});

describe('requirements', () => {
  test('stand side by side, and of the same approvers the strictest holds', () => {
    const merged = mergeRequirements([
      requirementOf({ rule: 'a', approvers: ['group:x', 'group:y'], count: 1, expiresAfter: 60 }),
      requirementOf({ rule: 'b', approvers: ['group:y', 'group:x', 'group:x'], count: 2, expiresAfter: 90 }),
      requirementOf({ rule: 'c', approvers: ['human:bob'], count: 1, expiresAfter: 30 }),
    ]);
    expect(merged).toEqual([
      { rule: 'b', approvers: ['group:x', 'group:y'], count: 2, expiresAfter: 60 },
      { rule: 'c', approvers: ['human:bob'], count: 1, expiresAfter: 30 },
    ]);
    expect(waitingSeconds(merged)).toBe(30);
  });
});

describe('the digest of what is bound', () => {
  const base = bindingDigest(bindingOf());

  test.each([
    ['another repository', { repository: 'forge/acme/web' }],
    ['another ref', { refUpdates: [{ ref: 'refs/heads/prod', oldOid: oidOf('a'), newOid: oidOf('b') }] }],
    ['another old id', { refUpdates: [{ ref: 'refs/heads/main', oldOid: oidOf('c'), newOid: oidOf('b') }] }],
    ['another new id', { refUpdates: [{ ref: 'refs/heads/main', oldOid: oidOf('a'), newOid: oidOf('c') }] }],
    ['other objects', { objectSetDigest: '9'.repeat(64) }],
    ['other findings', { findingsDigest: '9'.repeat(64) }],
    ['another policy', { policyDigest: '9'.repeat(64) }],
    ['another catalogue', { catalogDigest: '9'.repeat(64) }],
    ['another kind', { kind: 'publish' }],
    ['another agent', { actor: { ...heldAgent.principal, id: 'agent:other' } }],
    ['another person behind it', { actor: { ...heldAgent.principal, onBehalfOf: ['human:cy'] } }],
    ['another owner', { owner: 'human:cy' }],
  ] as const)('differs for %s', (_title, more) => {
    expect(bindingDigest(bindingOf(more))).not.toBe(base);
  });

  test('is the same for the refs in another order and for a renewed token', () => {
    const two = [
      { ref: 'refs/heads/a', oldOid: oidOf('a'), newOid: oidOf('b') },
      { ref: 'refs/heads/b', oldOid: oidOf('c'), newOid: oidOf('d') },
    ];
    expect(bindingDigest(bindingOf({ refUpdates: two }))).toBe(
      bindingDigest(bindingOf({ refUpdates: two.toReversed() })),
    );
    expect(bindingDigest(bindingOf({ actor: { ...heldAgent.principal, session: 'tok-new' } }))).toBe(base);
  });

  test('of findings knows neither their order nor their words', () => {
    const [one, other] = [finding(), finding({ path: 'b.csv' })];
    expect(findingsDigest([one, other])).toBe(findingsDigest([other, one]));
    expect(findingsDigest([one])).not.toBe(findingsDigest([other]));
    expect(findingsDigest([one])).not.toBe(findingsDigest([one, one]));
    expect(findingsDigest([{ ...one, message: 'said otherwise' }])).toBe(findingsDigest([one]));
  });
});
