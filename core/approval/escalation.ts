// When a requirement has waited too long, further people count as its approvers. Judged by the database's clock and by
// the votes alone, so that it does not matter when, or whether, a worker has noticed it. Pure.
import type { ApprovalRequirement } from '../verdict.ts';
import { progressOf } from './requirement.ts';

/** What of a request tells whether it is escalated. */
export interface Escalating {
  readonly requirements: readonly ApprovalRequirement[];
  readonly votes: readonly {
    readonly person: string;
    readonly decision: 'approve' | 'deny';
    readonly meets: readonly number[];
    readonly at: Date;
    readonly revokedAt: Date | null;
  }[];
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

/** When the second group of a requirement comes in; null where there is none, or where the request runs out before. */
export function escalationTime(
  { escalate }: Pick<ApprovalRequirement, 'escalate'>,
  { createdAt, expiresAt }: Pick<Escalating, 'createdAt' | 'expiresAt'>,
): Date | null {
  if (escalate === undefined) return null;
  const at = new Date(createdAt.getTime() + escalate.after * 1_000);
  return at < expiresAt ? at : null;
}

/**
 * True where by this time the second group counts for the requirement at `index`: its time has come, and those who had
 * agreed before were too few. Who agrees later changes nothing about that; a vote that is revoked may.
 */
export function isEscalated(request: Escalating, index: number, now: Date): boolean {
  const requirement = request.requirements[index];
  const time = requirement === undefined ? null : escalationTime(requirement, request);
  if (time === null || now < time) return false;
  const inTime = request.votes.filter(
    ({ decision, revokedAt, at }) => decision === 'approve' && revokedAt === null && at < time,
  );
  return progressOf(request.requirements, inTime)[index]?.isMet === false;
}

/** Indexes of the requirements whose second group counts by this time. */
export function escalatedBy(request: Escalating, now: Date): readonly number[] {
  return request.requirements.flatMap((_requirement, index) =>
    isEscalated(request, index, now) ? [index] : [],
  );
}
