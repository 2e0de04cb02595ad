// Who must agree. The requirements of all rules that held an operation stand side by side: each must be met by itself.
import type { Principal } from '../principal.ts';
import type { ApprovalRequirement } from '../verdict.ts';

const groupPrefix = 'group:';

/** True where whatever meets `strict` meets `asked` as well, at whatever time. */
export function implies(strict: ApprovalRequirement, asked: ApprovalRequirement): boolean {
  const second = strict.escalate;
  const askedSecond = asked.escalate;
  return (
    strict.count >= asked.count &&
    strict.approvers.every((approver) => asked.approvers.includes(approver)) &&
    (second?.to ?? []).every(
      (name) =>
        asked.approvers.includes(name) ||
        (askedSecond !== undefined &&
          askedSecond.to.includes(name) &&
          (second?.after ?? 0) >= askedSecond.after),
    )
  );
}

/** The requirements without those that a stricter one of the same approvers implies. */
export function mergeRequirements(
  requirements: readonly ApprovalRequirement[],
): readonly ApprovalRequirement[] {
  const groups = Map.groupBy(requirements.map(inOrder), ({ approvers }) => JSON.stringify(approvers));
  return [...groups.values()].flatMap(strictestOf);
}

/** The same with each name once, in a fixed order. */
function inOrder({ escalate, ...requirement }: ApprovalRequirement): ApprovalRequirement {
  const names = (list: readonly string[]): readonly string[] => [...new Set(list)].toSorted();
  return {
    ...requirement,
    approvers: names(requirement.approvers),
    ...(escalate === undefined ? {} : { escalate: { to: names(escalate.to), after: escalate.after } }),
  };
}

/** Of requirements of the same approvers those that no other implies; the shortest time holds for each. */
function strictestOf(group: readonly ApprovalRequirement[]): readonly ApprovalRequirement[] {
  const kept = group.reduce<readonly ApprovalRequirement[]>(
    (strict, next) =>
      strict.some((other) => implies(other, next))
        ? strict
        : [...strict.filter((other) => !implies(next, other)), next],
    [],
  );
  return kept.map((requirement) => ({ ...requirement, expiresAfter: waitingSeconds(group) }));
}

/** Seconds that a request may wait: the shortest of all. */
export function waitingSeconds(requirements: readonly ApprovalRequirement[]): number {
  return Math.min(...requirements.map(({ expiresAfter }) => expiresAfter));
}

/** Indexes of the requirements among whose approvers the person is, by name or by a group. */
export function requirementsOf(
  requirements: readonly ApprovalRequirement[],
  person: Pick<Principal, 'id' | 'groups'>,
  /** Indexes of the requirements whose second group counts, too. */
  escalated: readonly number[],
): readonly number[] {
  const names = new Set([person.id, ...person.groups.map((group) => `${groupPrefix}${group}`)]);
  return requirements.flatMap((requirement, index) =>
    approversNow(requirement, escalated.includes(index)).some((approver) => names.has(approver))
      ? [index]
      : [],
  );
}

/** Everybody who counts for a requirement, before its escalation or after. */
export function approversNow(
  { approvers, escalate }: Pick<ApprovalRequirement, 'approvers' | 'escalate'>,
  hasEscalated: boolean,
): readonly string[] {
  return hasEscalated ? [...new Set([...approvers, ...(escalate?.to ?? [])])] : approvers;
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
