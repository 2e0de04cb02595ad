// The decision: pure, the same for the same policy, operation and time. All rules that match apply, the strongest
// action wins, and every reason is told.
import type { Operation } from './operation.ts';
import type { Policy, PolicyException, PolicyRule } from './policy.ts';
import { compileExceptions } from './policy/exceptions.ts';
import type { ExceptionMatcher, Excuses } from './policy/exceptions.ts';
import { compileWhen } from './policy/match.ts';
import type { BareOperation, Blame, RuleMatcher } from './policy/match.ts';
import { actions } from './verdict.ts';
import type { Action, ApprovalRequirement, Reason, Verdict } from './verdict.ts';

export interface CompiledPolicy {
  readonly digest: string;
  readonly rules: readonly { readonly rule: PolicyRule; readonly matcher: RuleMatcher }[];
  readonly excuses: ExceptionMatcher;
}

/** Compiles the patterns of a policy once; rules are put in the order of their ids, so their place in the file is free. */
export function compilePolicy(policy: Policy): CompiledPolicy {
  return {
    digest: policy.digest,
    rules: policy.rules
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
      .map((rule) => ({ rule, matcher: compileWhen(rule.when) })),
    excuses: compileExceptions(policy.exceptions),
  };
}

/** Decides about an operation at the time `now`, which only the expiry of exceptions depends on. */
export function decide(policy: CompiledPolicy, operation: Operation, now: Date): Verdict {
  const excuses = policy.excuses(operation, now);
  const matches = matchRules(policy, operation, excuses);
  const enforced = matches.filter(({ rule }) => !rule.monitor);
  const kind = strongest(enforced.map(({ rule }) => rule.then.kind));
  return {
    kind,
    reasons: tellReasons(enforced, excuses),
    monitored: tellReasons(
      matches.filter(({ rule }) => rule.monitor),
      excuses,
    ),
    approvals: kind === 'hold' ? collectApprovals(enforced.map(({ rule }) => rule)) : [],
    excused: [...excuses.inForce].map(([finding, exception]) => ({ finding, exception })),
    policyDigest: policy.digest,
  };
}

/** True where some rule that could match the operation, enforced or monitored, asks about changed paths. */
export function asksAboutPaths(policy: CompiledPolicy, operation: BareOperation): boolean {
  return policy.rules.some(({ matcher }) => matcher.asksAboutPaths(operation));
}

/** Indexes of the ref updates about whose signatures some rule asks that could match; none where no rule does. */
export function asksAboutSignatures(policy: CompiledPolicy, operation: BareOperation): readonly number[] {
  return [...new Set(policy.rules.flatMap(({ matcher }) => matcher.asksAboutSignatures(operation)))];
}

interface Match {
  readonly rule: PolicyRule;
  readonly blame: Blame;
}

function matchRules(policy: CompiledPolicy, operation: Operation, excuses: Excuses): readonly Match[] {
  const isExcused = (finding: number): boolean => excuses.inForce.has(finding);
  return policy.rules.flatMap(({ rule, matcher }) => {
    const blame = matcher.match(operation, isExcused);
    return blame === undefined ? [] : [{ rule, blame }];
  });
}

function strength(action: Action): number {
  return actions.indexOf(action);
}

function strongest(kinds: readonly Action[]): Action {
  return kinds.reduce(
    (best, kind) => (strength(kind) > strength(best) ? kind : best),
    'allow' satisfies Action,
  );
}

/** Strongest first, and within one strength by the id of the rule. */
function tellReasons(matches: readonly Match[], excuses: Excuses): readonly Reason[] {
  return matches
    .filter(({ rule }) => rule.then.kind !== 'allow')
    .toSorted((a, b) => strength(b.rule.then.kind) - strength(a.rule.then.kind))
    .map(({ rule, blame }) => ({
      rule: rule.id,
      action: rule.then.kind,
      message: [rule.message ?? defaultMessages[rule.then.kind], ...tellExpired(blame, excuses)].join(' '),
      ...blame,
    }));
}

const defaultMessages: Readonly<Record<Action, string>> = {
  allow: 'The policy allows this.',
  redact: 'The policy replaces the values that were found.',
  hold: 'The policy asks for a human approval of this.',
  deny: 'The policy does not allow this.',
};

function tellExpired(blame: Blame, excuses: Excuses): readonly string[] {
  const exceptions = new Set<PolicyException>(
    blame.findings.flatMap((index) => excuses.expired.get(index) ?? []),
  );
  return [...exceptions].map(
    ({ id, owner, expires }) =>
      `The exception \`${id}\` of ${owner} expired at ${expires.toISOString().slice(0, 16)}Z and no longer excuses this.`,
  );
}

/** Equal requirements of several rules are one; the shortest expiry holds. */
function collectApprovals(rules: readonly PolicyRule[]): readonly ApprovalRequirement[] {
  const collected = new Map<string, ApprovalRequirement>();
  for (const { id, then } of rules) {
    if (then.kind !== 'hold') continue;
    const approvers = namesOf(then.approvers);
    const escalate =
      then.escalate === undefined ? undefined : { to: namesOf(then.escalate.to), after: then.escalate.after };
    const key = JSON.stringify([approvers, then.count, escalate]);
    const known = collected.get(key);
    collected.set(key, {
      rule: known?.rule ?? id,
      approvers,
      count: then.count,
      expiresAfter: Math.min(known?.expiresAfter ?? Infinity, then.expires),
      ...(escalate === undefined ? {} : { escalate }),
    });
  }
  return [...collected.values()];
}

function namesOf(list: readonly string[]): readonly string[] {
  return [...new Set(list)].toSorted();
}
