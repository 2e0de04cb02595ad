// An approval: what is held, who must agree, who has said what, and where it stands. Data only; the row in the database
// is the truth, and every change of it is a new version.
import type { ApprovalBinding } from './approval/binding.ts';
import { escalationTime } from './approval/escalation.ts';
import { progressOf, type RequirementProgress } from './approval/requirement.ts';
import type { ApprovalState } from './approval/state.ts';
import type { Json } from './audit-event.ts';
import type { ApprovalRequirement } from './verdict.ts';

/** Why the policy holds the operation. */
export interface HoldReason {
  /** Id of the policy rule. */
  readonly rule: string;
  /** A sentence for the reviewer. */
  readonly message: string;
}

export const voteDecisions = ['approve', 'deny'] as const;
export type VoteDecision = (typeof voteDecisions)[number];

/** What one person has said; one that was revoked counts for nothing and is kept. */
export interface Vote {
  /** Principal id of the person. */
  readonly person: string;
  /** Who answers for the credential that was shown; null where nobody is named. */
  readonly owner: string | null;
  /** Id of the session or token that was shown. */
  readonly session: string;
  readonly decision: VoteDecision;
  readonly comment: string | null;
  /** Indexes of the requirements for which it counts, fixed when it was given. */
  readonly meets: readonly number[];
  readonly at: Date;
  readonly revokedAt: Date | null;
}

/** The rules were broken for this one; the review stays open until somebody else closes it. */
export interface BreakGlass {
  readonly person: string;
  readonly owner: string | null;
  readonly reason: string;
  readonly at: Date;
  readonly review: { readonly person: string; readonly comment: string; readonly at: Date } | null;
}

export interface Approval {
  /** Random and unguessable; letters, digits, `_` and `-`. */
  readonly id: string;
  /** Id of the request that was held; ties the entries of the audit log together. */
  readonly request: string;
  readonly binding: ApprovalBinding;
  /** SHA-256 of the binding, hex. */
  readonly bindingDigest: string;
  /** What the one who applies it finds the held bytes by; means nothing to anybody else. */
  readonly held: string;
  /** What the agent gave as its reason. */
  readonly reason: string | null;
  readonly holds: readonly HoldReason[];
  /** More that a reviewer is shown, such as counts and masked findings. */
  readonly details: { readonly [key: string]: Json };
  readonly requirements: readonly ApprovalRequirement[];
  /** In the order in which they were given, the revoked ones included. */
  readonly votes: readonly Vote[];
  readonly breakGlass: BreakGlass | null;
  /** Indexes of the requirements whose second group was asked, as far as it is recorded. */
  readonly escalated: readonly number[];
  readonly state: ApprovalState;
  /** Grows by one with every change. */
  readonly version: number;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  /** When the state was reached. */
  readonly stateAt: Date;
  /** Id of the newer request that took its place; null in any other state than `superseded`. */
  readonly supersededBy: string | null;
  /** A sentence about how it came to the state, such as why it failed; null where there is nothing to add. */
  readonly note: string | null;
}

/** The votes that count. */
export function votesInForce(votes: readonly Vote[]): readonly Vote[] {
  return votes.filter(({ revokedAt }) => revokedAt === null);
}

/** How far a requirement is met, and who may meet it. */
export interface Progress extends RequirementProgress {
  /** When its second group comes, or came, in; null where there is none in time. */
  readonly escalatesAt: Date | null;
  /** The second group, once it was asked. */
  readonly escalatedTo: readonly string[] | null;
}

/** How far each requirement is met. */
export function approvalProgress(
  approval: Pick<Approval, 'requirements' | 'votes' | 'escalated' | 'createdAt' | 'expiresAt'>,
): readonly Progress[] {
  const agreeing = votesInForce(approval.votes).filter(({ decision }) => decision === 'approve');
  return progressOf(approval.requirements, agreeing).map((requirement, index) => ({
    ...requirement,
    escalatesAt: escalationTime(requirement, approval),
    escalatedTo: approval.escalated.includes(index) ? (requirement.escalate?.to ?? null) : null,
  }));
}
