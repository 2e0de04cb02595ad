// Who must agree. The requirements of all rules that held an operation stand side by side: each must be met by itself.
import type { Principal } from '../principal.ts';
import type { ApprovalRequirement } from '../verdict.ts';

const groupPrefix = 'group:';

/** The requirements without those that a stricter one of the same approvers implies. */
export function mergeRequirements(
  requirements: readonly ApprovalRequirement[],
): readonly ApprovalRequirement[] {
  const merged = new Map<string, ApprovalRequirement>();
  for (const requirement of requirements) {
    const approvers = [...new Set(requirement.approvers)].toSorted();
    const key = JSON.stringify(approvers);
    const known = merged.get(key);
    const strictest = known === undefined || requirement.count > known.count ? requirement : known;
    merged.set(key, {
      rule: strictest.rule,
      approvers,
      count: strictest.count,
      expiresAfter: Math.min(requirement.expiresAfter, known?.expiresAfter ?? Infinity),
    });
  }
  return [...merged.values()];
}

/** Seconds that a request may wait: the shortest of all. */
export function waitingSeconds(requirements: readonly ApprovalRequirement[]): number {
  return Math.min(...requirements.map(({ expiresAfter }) => expiresAfter));
}

/** Indexes of the requirements among whose approvers the person is, by name or by a group. */
export function requirementsOf(
  requirements: readonly ApprovalRequirement[],
  person: Pick<Principal, 'id' | 'groups'>,
): readonly number[] {
  const names = new Set([person.id, ...person.groups.map((group) => `${groupPrefix}${group}`)]);
  return requirements.flatMap(({ approvers }, index) =>
    approvers.some((approver) => names.has(approver)) ? [index] : [],
  );
}

/** Of one requirement: how many different people have agreed. */
export interface RequirementProgress extends ApprovalRequirement {
  readonly agreed: number;
  readonly isMet: boolean;
}

/** Counts people, never votes or groups: `meets` of one vote counts once in each requirement that it names. */
export function progressOf(
  requirements: readonly ApprovalRequirement[],
  votes: readonly { readonly person: string; readonly meets: readonly number[] }[],
): readonly RequirementProgress[] {
  return requirements.map((requirement, index) => {
    const agreed = new Set(votes.filter(({ meets }) => meets.includes(index)).map(({ person }) => person))
      .size;
    return { ...requirement, agreed, isMet: agreed >= requirement.count };
  });
}
