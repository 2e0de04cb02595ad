// Escalates what has waited too long for its first approvers: an entry of the audit log and a notice. That the second
// group counts does not depend on it; whoever touches the request after that time records it.
import type { Approval } from '../../core/approval.ts';
import { escalatedBy } from '../../core/approval/escalation.ts';
import type { Queryable } from '../db.ts';
import type { StoredApproval } from './row.ts';
import type { Step } from './step.ts';
import { markEscalated } from './store.ts';

/** Indexes of the requirements whose second group is to be asked by this time and was not. */
export function unaskedEscalations(approval: Approval, now: Date): readonly number[] {
  if (approval.state !== 'waiting') return [];
  return escalatedBy(approval, now).filter((index) => !approval.escalated.includes(index));
}

/** Marks what is due in a request that is locked, and returns the step that records and tells it. */
export async function escalate(
  client: Queryable,
  { approval, now }: StoredApproval,
): Promise<readonly Step[]> {
  const due = unaskedEscalations(approval, now);
  if (due.length === 0) return [];
  await markEscalated(client, approval.id, due);
  const requirements = due.flatMap((index) => {
    const { rule, escalate: second } = approval.requirements[index] ?? {};
    return rule === undefined || second === undefined ? [] : [{ rule, to: second.to, after: second.after }];
  });
  return [
    {
      kind: 'note',
      action: 'approval.escalated',
      topic: 'escalated',
      actor: null,
      details: { requirements },
    },
  ];
}
