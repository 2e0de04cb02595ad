// The decision: what holds for all policies and operations, then what each condition means.
/* oxlint-disable unicorn/no-thenable -- `then` is a key of the policy's format */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { asksAboutPaths, compilePolicy, decide } from '../../core/decide.ts';
import type { Operation } from '../../core/operation.ts';
import { actions, type Verdict } from '../../core/verdict.ts';
import { agent, changed, finding, human, push, randomOperation, refUpdate } from './operations.ts';
import { policyOf, randomExceptions, randomRules } from './policy-random.ts';

const now = new Date('2026-11-21T12:00:00Z');

function judge(operation: Operation, rules: readonly object[], exceptions: readonly object[] = []): Verdict {
  return decide(compilePolicy(policyOf(rules, exceptions)), operation, now);
}

function strength(verdict: Verdict): number {
  return actions.indexOf(verdict.kind);
}

describe('for all policies', () => {
  test('a further rule never weakens the verdict', () => {
    fc.assert(
      fc.property(randomRules, randomOperation, fc.nat(5), (rules, operation, count) => {
        const fewer = judge(operation, rules.slice(0, count));
        expect(strength(judge(operation, rules))).toBeGreaterThanOrEqual(strength(fewer));
      }),
      { numRuns: 150 },
    );
  });

  test('the order of rules and exceptions changes nothing', () => {
    fc.assert(
      fc.property(randomRules, randomExceptions, randomOperation, (rules, exceptions, operation) => {
        const { policyDigest: _one, ...verdict } = judge(operation, rules, exceptions);
        const { policyDigest: _other, ...turned } = judge(
          operation,
          rules.toReversed(),
          exceptions.toReversed(),
        );
        expect(turned).toEqual(verdict);
      }),
      { numRuns: 150 },
    );
  });

  test('an exception excuses what it names and nothing else', () => {
    fc.assert(
      fc.property(randomRules, randomExceptions, randomOperation, (rules, exceptions, operation) => {
        const verdict = judge(operation, rules, exceptions);
        const excused = new Set(verdict.excused.map((each) => each.finding));
        const without = judge(
          { ...operation, findings: operation.findings.filter((_, index) => !excused.has(index)) },
          rules,
        );
        expect(verdict.kind).toBe(without.kind);
        expect(verdict.reasons.map(({ rule }) => rule)).toEqual(without.reasons.map(({ rule }) => rule));
        for (const reason of [...verdict.reasons, ...verdict.monitored]) {
          expect(reason.findings.filter((index) => excused.has(index))).toEqual([]);
        }
      }),
      { numRuns: 150 },
    );
  });

  test('monitored rules do not change the verdict', () => {
    fc.assert(
      fc.property(randomRules, randomOperation, (rules, operation) => {
        const enforced = judge(
          operation,
          rules.filter(({ monitor }) => !monitor),
        );
        expect(judge(operation, rules).kind).toBe(enforced.kind);
        expect(
          judge(
            operation,
            rules.map((rule) => ({ ...rule, monitor: true })),
          ).kind,
        ).toBe('allow');
      }),
      { numRuns: 100 },
    );
  });

  test('paths are asked about wherever they could matter', () => {
    fc.assert(
      fc.property(randomRules, randomOperation, (rules, operation) => {
        const compiled = compilePolicy(policyOf(rules));
        fc.pre(!asksAboutPaths(compiled, operation));
        expect(decide(compiled, { ...operation, paths: [] }, now)).toEqual(decide(compiled, operation, now));
      }),
      { numRuns: 300 },
    );
  });

  test('the verdict is the strongest reason, and needs approvals only where it is a hold', () => {
    fc.assert(
      fc.property(randomRules, randomOperation, (rules, operation) => {
        const verdict = judge(operation, rules);
        expect(verdict.kind).toBe(verdict.reasons[0]?.action ?? 'allow');
        expect(verdict.approvals.length > 0).toBe(verdict.kind === 'hold');
      }),
      { numRuns: 100 },
    );
  });
});

const deny = (when: object): object[] => [{ id: 'r', when, then: 'deny' }];
const isDenied = (when: object, operation: Operation): boolean =>
  judge(operation, deny(when)).kind === 'deny';

describe('a condition on refs', () => {
  const two = push({
    refUpdates: [refUpdate('refs/heads/main', 'update', true), refUpdate('refs/heads/topic', 'force')],
  });

  test('holds for one and the same ref update', () => {
    expect(isDenied({ ref: 'main', refUpdate: 'force' }, two)).toBe(false);
    expect(isDenied({ ref: 'topic', refUpdate: 'force' }, two)).toBe(true);
    expect(judge(two, deny({ refUpdate: 'force' })).reasons[0]?.refUpdates).toEqual([1]);
  });

  test.each([
    ['default-branch', true],
    ['main', true],
    ['refs/heads/main', true],
    ['mai', false],
    ['refs/tags/**', false],
    ['*', true],
    ['**', true],
    ['{main,release/*}', true],
  ])('%s', (ref, expected) => {
    expect(isDenied({ ref }, push({ refUpdates: [refUpdate('refs/heads/main', 'update', true)] }))).toBe(
      expected,
    );
  });

  test('"**" means every ref, tags and notes too', () => {
    expect(isDenied({ ref: '**' }, push({ refUpdates: [refUpdate('refs/notes/x')] }))).toBe(true);
    expect(isDenied({ ref: '**' }, push({ refUpdates: [] }))).toBe(false);
  });

  test('can be taken away', () => {
    expect(isDenied({ not: { ref: 'topic' } }, push())).toBe(false);
    expect(isDenied({ not: { ref: 'topic' } }, two)).toBe(true);
    expect(
      isDenied({ operation: 'publish', not: { ref: 'topic' } }, push({ kind: 'publish', refUpdates: [] })),
    ).toBe(true);
  });
});

describe('a condition on paths', () => {
  const operation = push({
    refUpdates: [refUpdate('refs/heads/main'), refUpdate('refs/heads/topic')],
    paths: [changed('ci.yml'), changed('lib', { mode: '160000', change: 'add' })],
  });

  test('is tied to the ref that the rule is about', () => {
    expect(isDenied({ ref: 'main', paths: 'ci.yml' }, operation)).toBe(false);
    expect(isDenied({ ref: 'topic', paths: 'ci.yml' }, operation)).toBe(true);
    expect(judge(operation, deny({ paths: 'ci.yml' })).reasons[0]).toMatchObject({
      refUpdates: [1],
      paths: [0],
    });
  });

  test('knows changes and modes', () => {
    expect(isDenied({ paths: { mode: 'submodule', change: 'add' } }, operation)).toBe(true);
    expect(isDenied({ paths: { mode: 'submodule', change: 'delete' } }, operation)).toBe(false);
    expect(isDenied({ paths: { path: 'ci.yml', mode: 'symlink' } }, operation)).toBe(false);
    expect(isDenied({ paths: ['nothing', { mode: 'submodule' }] }, operation)).toBe(true);
  });

  test('`count` asks for many of them', () => {
    const gone = (count: number) =>
      push({
        paths: Array.from({ length: count }, (_, index) => changed(`old/${index}.md`, { change: 'delete' })),
      });
    const many = { paths: { change: 'delete', count: 3 } };
    expect(isDenied(many, gone(2))).toBe(false);
    expect(isDenied(many, gone(3))).toBe(true);
    expect(isDenied({ ...many, not: { paths: 'old/1.md' } }, gone(3))).toBe(false);
    expect(isDenied({ paths: [{ path: 'old/0.md' }, { count: 3 }] }, gone(2))).toBe(true);
    expect(judge(gone(4), deny(many)).reasons[0]).toMatchObject({ paths: [0, 1, 2, 3] });
    const otherRef = push({
      paths: [...gone(2).paths, changed('x', { change: 'delete', ref: 'refs/heads/b' })],
    });
    expect(isDenied({ ...many, ref: 'main' }, otherRef)).toBe(false);
  });

  test('can be taken away: what is left counts', () => {
    const docs = push({ paths: [changed('docs/a.md')] });
    expect(isDenied({ not: { paths: 'docs/**' } }, docs)).toBe(false);
    expect(
      isDenied({ not: { paths: 'docs/**' } }, push({ paths: [changed('docs/a.md'), changed('src/a.ts')] })),
    ).toBe(true);
  });

  test('is asked about only where it could match', () => {
    const compiled = compilePolicy(policyOf(deny({ operation: 'push', ref: 'main', paths: 'ci.yml' })));
    expect(asksAboutPaths(compiled, push({ refUpdates: [refUpdate('refs/heads/main')] }))).toBe(true);
    expect(asksAboutPaths(compiled, push())).toBe(false);
    expect(asksAboutPaths(compiled, push({ kind: 'log', refUpdates: [refUpdate('refs/heads/main')] }))).toBe(
      false,
    );
  });
});

describe('a condition on findings', () => {
  const operation = push({
    findings: [
      finding({ severity: 'low' }),
      finding({ rule: 'phi/ssn', identifier: 'ssn', confidence: 0.7 }),
    ],
  });

  test.each([
    [{ category: 'phi' }, [0, 1]],
    [{ severity: 'medium' }, [1]],
    [{ confidence: 0.85 }, [0]],
    [{ identifier: ['ssn', 'mrn'] }, [1]],
    [{ rule: 'phi/s*' }, [1]],
    [{ path: 'data/**' }, [0, 1]],
    [
      [{ severity: 'medium' }, { confidence: 0.85 }],
      [0, 1],
    ],
  ])('%j blames %j', (findings, blamed) => {
    expect(judge(operation, deny({ findings })).reasons[0]?.findings).toEqual(blamed);
  });

  test.each([{ category: 'secret' }, { severity: 'critical' }, { severity: 'medium', confidence: 0.85 }])(
    '%j does not match',
    (findings) => {
      expect(isDenied({ findings }, operation)).toBe(false);
    },
  );

  test('can have some taken away', () => {
    const band = { findings: { category: 'phi' }, not: { findings: { confidence: 0.85 } } };
    expect(judge(operation, deny(band)).reasons[0]?.findings).toEqual([1]);
    expect(isDenied(band, push({ findings: [finding()] }))).toBe(false);
    expect(isDenied(band, push())).toBe(false);
  });
});

describe('a condition on the whole operation', () => {
  test.each([
    [{ actor: { kind: 'agent' } }, true],
    [{ actor: { kind: 'human' } }, false],
    [{ actor: { id: 'agent:c*', groups: ['x', 'bots'] } }, true],
    [{ actor: { onBehalfOf: 'human:ada' } }, true],
    [{ actor: [{ kind: 'human' }, { groups: 'bots' }] }, true],
    [{ not: { actor: { kind: 'agent', groups: 'staff' } } }, true],
    [{ not: { actor: { kind: 'agent', groups: 'bots' } } }, false],
    [{ operation: ['merge', 'push'] }, true],
    [{ not: { operation: 'push' } }, false],
    [{ repository: 'GitHub/ACME/*' }, true],
    [{ repository: 'gitea/**' }, false],
    [{ size: { bytes: 99 } }, true],
    [{ size: { bytes: 100 } }, false],
    [{ size: { bytes: 50, commits: 1 } }, false],
    [{ size: [{ bytes: '1KiB' }, { objects: 2 }] }, true],
    [{ authorMismatch: true }, false],
    [{ authorMismatch: false }, true],
    [{}, true],
  ])('%j: %s', (when, expected) => {
    expect(isDenied(when, push())).toBe(expected);
  });

  test('tells people from agents', () => {
    expect(isDenied({ actor: { kind: 'agent' } }, push({ actor: human }))).toBe(false);
    expect(
      isDenied({ not: { actor: { onBehalfOf: '**' } } }, push({ actor: { ...agent, onBehalfOf: [] } })),
    ).toBe(true);
  });
});

describe('the verdict', () => {
  const rules = [
    { id: 'b', when: {}, then: { hold: { approvers: ['group:x', 'human:ada'], count: 2, expires: '2h' } } },
    { id: 'a', when: {}, then: { hold: { approvers: ['human:ada', 'group:x'], count: 2, expires: '1h' } } },
    { id: 'c', when: {}, then: 'hold' },
    { id: 'd', when: {}, then: 'redact', message: 'Replaced.' },
  ];

  test('collects different approvals once', () => {
    expect(judge(push(), rules).approvals).toEqual([
      { rule: 'a', approvers: ['group:x', 'human:ada'], count: 2, expiresAfter: 3_600 },
      { rule: 'c', approvers: ['group:reviewers'], count: 1, expiresAfter: 86_400 },
    ]);
  });

  test('carries the second group, and keeps apart what escalates otherwise', () => {
    const hold = { approvers: 'group:x', expires: '2h' };
    const to = ['group:z', 'group:y', 'group:z'];
    const escalating = [
      { id: 'a', when: {}, then: { hold: { ...hold, escalate: { to, after: '1h' } } } },
      { id: 'b', when: {}, then: { hold: { ...hold, escalate: { to: to.toReversed(), after: '1h' } } } },
      { id: 'c', when: {}, then: { hold: { ...hold, escalate: { to, after: '30m' } } } },
      { id: 'd', when: {}, then: { hold } },
    ];
    expect(judge(push(), escalating).approvals.map(({ rule, escalate }) => [rule, escalate])).toEqual([
      ['a', { to: ['group:y', 'group:z'], after: 3_600 }],
      ['c', { to: ['group:y', 'group:z'], after: 1_800 }],
      ['d', undefined],
    ]);
  });

  test('tells all reasons, strongest first', () => {
    const verdict = judge(push(), [...rules, { id: 'z', when: {}, then: 'deny' }]);
    expect(verdict.reasons.map(({ rule }) => rule)).toEqual(['z', 'a', 'b', 'c', 'd']);
    expect(verdict.reasons.at(-1)?.message).toBe('Replaced.');
    expect(verdict.approvals).toEqual([]);
  });

  test('names an expired exception in the reason', () => {
    const exception = { id: 'x', path: 'data/**', reason: 'r', owner: 'ada', expires: '2026-11-20' };
    const operation = push({ findings: [finding()] });
    const [reason] = judge(operation, deny({ findings: {} }), [exception]).reasons;
    expect(reason?.message).toBe(
      'The policy does not allow this. The exception `x` of ada expired at 2026-11-21T00:00Z and no longer excuses this.',
    );
    expect(judge(operation, deny({ findings: {} }), [{ ...exception, expires: '2026-11-21' }])).toMatchObject(
      {
        kind: 'allow',
        excused: [{ finding: 0, exception: 'x' }],
      },
    );
  });

  test('excuses unscannable content only where the rule is named', () => {
    const operation = push({ findings: [finding({ category: 'policy', rule: 'policy/unscannable' })] });
    const exception = { id: 'x', path: '**', reason: 'r', owner: 'ada', expires: '2030-01-01' };
    expect(judge(operation, deny({ findings: {} }), [exception]).kind).toBe('deny');
    expect(
      judge(operation, deny({ findings: {} }), [{ ...exception, rule: 'policy/unscannable' }]).kind,
    ).toBe('allow');
  });
});
