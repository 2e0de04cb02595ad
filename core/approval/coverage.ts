// Does what was approved still cover what would be done? Asked right before it is done, of a fresh decision. Pure.
import type { Approval } from '../approval.ts';
import type { ApprovalRequirement, Verdict } from '../verdict.ts';
import { isEscalated } from './escalation.ts';
import { implies, mergeRequirements } from './requirement.ts';

/** What a fresh look at the held operation gave. */
export interface FreshLook {
  readonly verdict: Pick<Verdict, 'kind' | 'reasons' | 'approvals'>;
  /** As `findingsDigest` makes it. */
  readonly findingsDigest: string;
  readonly objectSetDigest: string;
}

/** Undefined where the approval covers it; otherwise a sentence that says why it does not. */
export function uncovered(
  approval: Met & Pick<Approval, 'binding' | 'breakGlass'>,
  { verdict, findingsDigest, objectSetDigest }: FreshLook,
): string | undefined {
  const { binding, breakGlass } = approval;
  if (objectSetDigest !== binding.objectSetDigest) return 'What is held is not what was approved.';
  if (verdict.kind === 'deny' || verdict.kind === 'redact')
    return `The policy does not allow it any more: ${verdict.reasons.map(({ rule }) => rule).join(', ')}.`;
  if (findingsDigest !== binding.findingsDigest)
    return 'The scanner finds something else in it than what was approved; its rules have changed.';
  if (verdict.kind === 'hold' && breakGlass === null && !isMetBy(approval, verdict))
    return 'The policy asks for other approvals now.';
  return undefined;
}

type Met = Pick<Approval, 'requirements' | 'votes' | 'createdAt' | 'expiresAt'>;

/** True where each requirement of today is implied by one of those that were met. */
function isMetBy(approval: Met, verdict: Pick<Verdict, 'approvals'>): boolean {
  const met = approval.requirements.map((requirement, index) => asMet(approval, requirement, index));
  return mergeRequirements(verdict.approvals).every((asked) => met.some((each) => implies(each, asked)));
}

/** A requirement that was met before its second group came in was met without it. */
function asMet(approval: Met, requirement: ApprovalRequirement, index: number): ApprovalRequirement {
  return isEscalated(approval, index, approval.expiresAt)
    ? requirement
    : { ...requirement, escalate: undefined };
}
