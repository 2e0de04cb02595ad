// What is allowed in a policy and still probably not meant.
import { compilePolicy, decide } from '../decide.ts';
import { plural } from '../duration.ts';
import type { Policy } from '../policy.ts';
import { parseOperation } from './operation-text.ts';

const day = 86_400_000;

const probes = [
  { category: 'phi', what: 'protected health information' },
  { category: 'secret', what: 'credentials' },
  { category: 'policy', what: 'content that could not be checked' },
] as const;

/** Sentences about what the operator should look at; none where nothing is strange. */
export function adviseOn(policy: Policy, now: Date): readonly string[] {
  return [...adviseOnRules(policy, now), ...adviseOnExceptions(policy, now)];
}

function adviseOnRules(policy: Policy, now: Date): readonly string[] {
  const compiled = compilePolicy(policy);
  return probes.flatMap(({ category, what }) => {
    const operation = parseOperation(
      JSON.stringify({ kind: 'push', findings: [{ category, severity: 'critical', confidence: 1 }] }),
      'probe',
    );
    const { kind } = decide(compiled, operation, now);
    return kind === 'allow' ? [`a push with ${what} is allowed`] : [];
  });
}

function adviseOnExceptions(policy: Policy, now: Date): readonly string[] {
  return policy.exceptions.flatMap(({ id, owner, expires }) => {
    const days = Math.floor((expires.getTime() - now.getTime()) / day);
    if (days < 0) return [`the exception ${id} has expired; remove it or ask ${owner} to renew it`];
    if (days < 14) return [`the exception ${id} of ${owner} expires in ${plural(days, 'day')}`];
    return days > 366 ? [`the exception ${id} of ${owner} holds for more than a year`] : [];
  });
}
