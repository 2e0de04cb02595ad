// Deployments before the policy: environments, approved merges, and what the default policy makes of production.
/* oxlint-disable unicorn/no-thenable -- `then` is a key of the policy's format */
import { describe, expect, test } from 'vitest';
import { compilePolicy, decide } from '../../core/decide.ts';
import { defaultPolicy } from '../../core/default-policy.ts';
import type { Operation } from '../../core/operation.ts';
import { explainRule } from '../../core/policy/explain.ts';
import { agent, human, push, refUpdate } from './operations.ts';
import { policyOf } from './policy-random.ts';

const now = new Date('2026-11-21T12:00:00Z');

const deploy = (environment: string, more: Partial<Operation> = {}): Operation => ({
  ...push({ refUpdates: [refUpdate('refs/heads/main')] }),
  kind: 'deploy',
  environment,
  mergeApproved: false,
  ...more,
});

const kindOf = (when: object, operation: Operation): string =>
  decide(compilePolicy(policyOf([{ id: 'r', when, then: 'deny' }])), operation, now).kind;

describe('a rule about environments', () => {
  test.each([
    ['prod*', 'production', 'deny'],
    ['prod*', 'PROD-eu', 'deny'],
    ['Prod*', 'production', 'deny'],
    ['prod*', 'eu/production', 'allow'],
    ['**/prod*', 'eu/production', 'deny'],
    ['prod*', 'staging', 'allow'],
  ])('%s and %s: %s', (environment, name, kind) => {
    expect(kindOf({ environment }, deploy(name))).toBe(kind);
  });

  test('does not match what is no deployment', () => {
    expect(kindOf({ environment: '**' }, push())).toBe('allow');
    expect(kindOf({ mergeApproved: false }, push())).toBe('allow');
  });

  test('may take environments away', () => {
    const when = { operation: 'deploy', not: { environment: 'staging' } };
    expect([kindOf(when, deploy('staging')), kindOf(when, deploy('live'))]).toEqual(['allow', 'deny']);
  });

  test('may ask whether the merge was approved', () => {
    const when = { mergeApproved: false };
    expect(kindOf(when, deploy('live'))).toBe('deny');
    expect(kindOf(when, deploy('live', { mergeApproved: true }))).toBe('allow');
  });

  test('is told in a sentence', () => {
    const [rule] = policyOf([
      { id: 'r', when: { environment: 'live', mergeApproved: false }, then: 'deny' },
    ]).rules;
    expect(rule && explainRule(rule)).toBe(
      'denies where the environment matches live, and the merge of its commit was not approved.',
    );
  });
});

describe('the default policy', () => {
  const compiled = compilePolicy(defaultPolicy());
  test.each([
    ['production', 'hold'],
    ['prod', 'hold'],
    ['eu/prod-2', 'hold'],
    ['live', 'hold'],
    ['release', 'hold'],
    ['staging', 'allow'],
    ['olive', 'allow'],
    ['github-pages', 'allow'],
  ])('of an agent that deploys to %s: %s', (environment, kind) => {
    expect(decide(compiled, deploy(environment, { actor: agent }), now).kind).toBe(kind);
    expect(decide(compiled, deploy(environment, { actor: human }), now).kind).toBe('allow');
  });
});
