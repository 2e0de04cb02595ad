// Random policies, as the data that a file would hold.
/* oxlint-disable unicorn/no-thenable -- `then` is a key of the policy's format */
import fc from 'fast-check';
import { stringify } from 'yaml';
import { operations, refUpdateKinds } from '../../core/operation.ts';
import { parsePolicy, type Policy } from '../../core/policy.ts';
import { severities } from '../../scanners/finding.ts';

function some<T>(values: readonly T[]): fc.Arbitrary<T[]> {
  return fc.subarray([...values], { minLength: 1 });
}

const subject = {
  operation: some(operations),
  actor: some(['agent', 'human'] as const).map((kind) => ({ kind })),
  repository: some(['github/**', '*/x/y']),
  ref: some(['main', 'release/**', 'refs/tags/*', 'default-branch', '**']),
  refUpdate: some(refUpdateKinds),
  paths: some(['**/*.sql', '.github/**', 'Dockerfile']),
  findings: fc.record(
    {
      category: some(['phi', 'secret', 'policy'] as const),
      severity: fc.constantFrom(...severities),
      confidence: fc.constantFrom(0.5, 0.85),
      rule: some(['phi/*', 'secret/**']),
    },
    { requiredKeys: [] },
  ),
};

const when = fc
  .record(
    {
      ...subject,
      size: fc.record({ bytes: fc.nat(200) }),
      authorMismatch: fc.boolean(),
      not: fc.record(subject, { requiredKeys: [] }),
    },
    { requiredKeys: [] },
  )
  .filter((value) => value.not?.findings === undefined || value.findings !== undefined);

const then = fc.oneof(
  fc.constantFrom('allow', 'redact', 'deny', 'hold'),
  fc.record({
    hold: fc.record({
      approvers: some(['group:a', 'group:b', 'human:ada']),
      count: fc.constant(1),
      expires: fc.constantFrom('1h', '2h'),
    }),
  }),
);

export interface RuleData {
  readonly id: string;
  readonly when: object;
  readonly then: unknown;
  readonly monitor: boolean;
}

export const randomRules: fc.Arbitrary<RuleData[]> = fc.uniqueArray(
  fc.record({ id: fc.stringMatching(/^[a-z]{1,6}$/), when, then, monitor: fc.boolean() }),
  { selector: ({ id }) => id, maxLength: 6 },
);

export const randomExceptions = fc.uniqueArray(
  fc
    .record({
      id: fc.stringMatching(/^[a-z]{1,6}$/),
      by: fc.constantFrom<object>(
        { path: 'data/**' },
        { fingerprint: 'a'.repeat(32) },
        { path: '**', rule: 'policy/*' },
        { path: 'fixtures/*', repository: 'gitea/**' },
      ),
      expires: fc.constantFrom('2020-01-01', '2030-01-01'),
    })
    .map(({ id, by, expires }) => ({ id, ...by, expires, reason: 'synthetic', owner: 'ada' })),
  { selector: ({ id }) => id, maxLength: 4 },
);

/** Reads rules and exceptions as if they had stood in a file. */
export function policyOf(rules: readonly object[], exceptions: readonly object[] = []): Policy {
  return parsePolicy(stringify({ rules, exceptions }, { aliasDuplicateObjects: false }), 'policy.yaml');
}
