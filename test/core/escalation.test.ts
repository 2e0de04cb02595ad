// Escalation as pure rules: who counts when, what requirements imply each other, and what an approval then covers.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Approval, approvalProgress, type Vote } from '../../core/approval.ts';
import { uncovered } from '../../core/approval/coverage.ts';
import { escalatedBy, escalationTime, isEscalated } from '../../core/approval/escalation.ts';
import { judgeRevocation, judgeVote } from '../../core/approval/judge.ts';
import { implies, mergeRequirements } from '../../core/approval/requirement.ts';
import type { ApprovalRequirement } from '../../core/verdict.ts';
import { approvalOf, person, requirementOf, voteOf } from '../support/held.ts';

const made = new Date('2026-11-21T08:00:00Z');
/** A time so many hours after the request was made. */
const at = (hours: number): Date => new Date(made.getTime() + hours * 3_600_000);
const hours = (count: number): number => count * 3_600;

const escalating = requirementOf({ escalate: { to: ['group:leads'], after: hours(4) } });

function waiting(more: Partial<Approval> = {}): Approval {
  return approvalOf({
    requirements: [escalating],
    createdAt: made,
    stateAt: made,
    expiresAt: at(24),
    ...more,
  });
}

const bob = person('bob');
const lead = person('lead', { groups: ['leads'] });
const other = person('other', { groups: ['leads'] });
const voteAt = (name: string, hour: number, more: Partial<Vote> = {}): Vote =>
  voteOf(name, { at: at(hour), ...more });

describe('the second group', () => {
  test('counts from its time on and not a moment before', () => {
    const late = new Date(at(4).getTime() - 1);
    expect(judgeVote(waiting(), lead, 'approve', null, late)).toMatchObject({
      kind: 'refused',
      code: 'approval/not-approver',
    });
    expect(judgeVote(waiting(), lead, 'approve', null, at(4))).toMatchObject({
      kind: 'accepted',
      next: 'approved',
      vote: { meets: [0] },
    });
  });

  test('may deny as well, and the first group goes on counting', () => {
    expect(judgeVote(waiting(), lead, 'deny', null, at(5))).toMatchObject({ next: 'denied' });
    expect(judgeVote(waiting(), bob, 'approve', null, at(5))).toMatchObject({ next: 'approved' });
  });

  test('is not asked where enough had agreed in time, and is once such a vote is revoked', () => {
    const both = waiting({
      requirements: [escalating, requirementOf({ rule: 'other', approvers: ['group:others'] })],
      votes: [voteAt('bob', 1)],
    });
    expect(escalatedBy(both, at(5))).toEqual([]);
    expect(judgeVote(both, lead, 'approve', null, at(5))).toMatchObject({ code: 'approval/not-approver' });
    expect(judgeRevocation(both, bob, at(5))).toMatchObject({ kind: 'accepted' });
    const revoked = { ...both, votes: [voteAt('bob', 1, { revokedAt: at(5) })] };
    expect(escalatedBy(revoked, at(5))).toEqual([0]);
  });

  test('stays asked although enough agree later', () => {
    const met = waiting({ state: 'approved', votes: [voteAt('lead', 5)] });
    expect(isEscalated(met, 0, at(6))).toBe(true);
    expect(judgeVote(met, other, 'deny', null, at(6))).toMatchObject({ next: 'denied' });
  });

  test('adds to those who agreed before: people are counted, each once', () => {
    const two = waiting({ requirements: [{ ...escalating, count: 2 }], votes: [voteAt('bob', 1)] });
    expect(judgeVote(two, lead, 'approve', null, at(5))).toMatchObject({ next: 'approved' });
    const none = { ...two, votes: [] };
    expect(judgeVote(none, lead, 'approve', null, at(5))).toMatchObject({ kind: 'accepted', next: null });
    const inBoth = person('both', { groups: ['reviewers', 'leads'] });
    expect(judgeVote(none, inBoth, 'approve', null, at(5))).toMatchObject({ next: null });
  });

  test('is not asked once the request has run out, nor at a time behind its end', () => {
    expect(judgeVote(waiting({ expiresAt: at(5) }), lead, 'approve', null, at(5))).toMatchObject({
      code: 'approval/decided',
    });
    const short = waiting({ expiresAt: at(4) });
    expect(escalationTime(escalating, short)).toBeNull();
    expect(escalatedBy(short, at(9))).toEqual([]);
  });

  test('never holds those whose request it is', () => {
    const ada = person('ada', { groups: ['leads'] });
    expect(judgeVote(waiting(), ada, 'approve', null, at(5))).toMatchObject({ code: 'approval/involved' });
  });

  test('is shown with its time, and by name once it was asked', () => {
    expect(approvalProgress(waiting())).toMatchObject([{ escalatesAt: at(4), escalatedTo: null }]);
    expect(approvalProgress(waiting({ escalated: [0] }))).toMatchObject([{ escalatedTo: ['group:leads'] }]);
    expect(approvalProgress(waiting({ requirements: [requirementOf()] }))).toMatchObject([
      { escalatesAt: null, escalatedTo: null },
    ]);
  });
});

const names = ['human:a', 'human:b', 'human:c'];
const requirement = fc
  .record({
    approvers: fc.uniqueArray(fc.constantFrom(...names), { minLength: 1 }),
    count: fc.integer({ min: 1, max: 2 }),
    escalate: fc.option(
      fc.record({
        to: fc.uniqueArray(fc.constantFrom(...names), { minLength: 1 }),
        after: fc.constantFrom(hours(2), hours(4)),
      }),
      { nil: undefined },
    ),
  })
  .map((more): ApprovalRequirement => requirementOf(more));

/** Who agrees, and in which hour; nobody twice. */
const agreement = fc.uniqueArray(
  fc.record({ name: fc.constantFrom('a', 'b', 'c'), hour: fc.constantFrom(1, 3, 5) }),
  { selector: ({ name }) => name },
);
type Agreement = readonly { readonly name: string; readonly hour: number }[];

/** Whether these people meet all of these, played through the judge. */
function meetsAll(requirements: readonly ApprovalRequirement[], people: Agreement): boolean {
  let approval = waiting({ requirements });
  for (const { name, hour } of people.toSorted((left, right) => left.hour - right.hour)) {
    const judged = judgeVote(approval, person(name, { groups: [] }), 'approve', null, at(hour));
    if (judged.kind !== 'accepted') continue;
    approval = {
      ...approval,
      votes: [...approval.votes, { ...judged.vote, at: at(hour), revokedAt: null }],
    };
  }
  return approvalProgress(approval).every(({ isMet }) => isMet);
}

describe('requirements with a second group', () => {
  test('that imply another are never met without it', () => {
    fc.assert(
      fc.property(requirement, requirement, agreement, (strict, asked, people) => {
        fc.pre(implies(strict, asked) && meetsAll([strict], people));
        expect(meetsAll([asked], people)).toBe(true);
      }),
    );
  });

  test('that are merged ask for the same as before', () => {
    fc.assert(
      fc.property(fc.array(requirement, { minLength: 1, maxLength: 3 }), agreement, (all, people) => {
        expect(meetsAll(mergeRequirements(all), people)).toBe(meetsAll(all, people));
      }),
    );
  });

  test('are merged into the one that escalates last, and into one that never does', () => {
    const soon = requirementOf({ rule: 'soon', escalate: { to: ['group:leads'], after: hours(1) } });
    const plain = requirementOf({ rule: 'plain', expiresAfter: 60 });
    expect(mergeRequirements([soon, escalating])).toEqual([escalating]);
    expect(mergeRequirements([soon, plain, escalating])).toEqual([plain]);
    const elsewhere = requirementOf({ escalate: { to: ['group:owners'], after: hours(4) } });
    expect(mergeRequirements([escalating, elsewhere])).toHaveLength(2);
    expect(mergeRequirements([{ ...escalating, count: 2 }, plain])).toHaveLength(2);
  });
});

describe('the policy of the day', () => {
  const plain = requirementOf();
  const look = (approval: Approval, asked: ApprovalRequirement) =>
    uncovered(approval, {
      verdict: { kind: 'hold', reasons: [], approvals: [asked] },
      findingsDigest: approval.binding.findingsDigest,
      objectSetDigest: approval.binding.objectSetDigest,
    });
  const early = waiting({ state: 'applying', votes: [voteAt('bob', 1)] });
  const late = waiting({ state: 'applying', votes: [voteAt('lead', 5)] });

  test('is met by an escalation that it names itself, as soon or sooner', () => {
    expect(look(late, escalating)).toBeUndefined();
    expect(look(late, requirementOf({ escalate: { to: ['group:leads'], after: hours(1) } }))).toBeUndefined();
    expect(look(late, requirementOf({ approvers: ['group:leads', 'group:reviewers'] }))).toBeUndefined();
  });

  test('is not met by the second group where it does not name it, or later', () => {
    const told = 'The policy asks for other approvals now.';
    expect(look(late, plain)).toBe(told);
    expect(look(late, requirementOf({ escalate: { to: ['group:leads'], after: hours(8) } }))).toBe(told);
  });

  test('is met by what the first group agreed to in time, whatever became of the second', () => {
    expect(look(early, plain)).toBeUndefined();
    expect(look(early, requirementOf({ escalate: { to: ['group:x'], after: hours(8) } }))).toBeUndefined();
    expect(look(early, requirementOf({ count: 2 }))).toBeDefined();
  });
});
