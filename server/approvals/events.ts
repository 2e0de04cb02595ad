// What the audit log keeps of a request: each version of it is an entry that bears the id of the request that was held.
import type { Approval } from '../../core/approval.ts';
import type { ApprovalState } from '../../core/approval/state.ts';
import type { AuditAction, AuditEvent, Json } from '../../core/audit-event.ts';
import type { Principal } from '../../core/principal.ts';

export type ApprovalAction = Extract<AuditAction, `approval.${string}`>;

/** The action that records the move into a state. Only a request that was approved goes back to `waiting`. */
export const actionInto: Readonly<Record<ApprovalState, ApprovalAction>> = {
  waiting: 'approval.reopened',
  approved: 'approval.approved',
  denied: 'approval.denied',
  expired: 'approval.expired',
  superseded: 'approval.superseded',
  cancelled: 'approval.cancelled',
  applying: 'approval.applying',
  applied: 'approval.applied',
  failed: 'approval.failed',
  stale: 'approval.stale',
};

const maxRefs = 200;

type Recorded = Pick<Approval, 'id' | 'request' | 'binding' | 'bindingDigest'>;

/** The entry of one version. `actor` is null where the guard itself moved it, by the clock or as its worker. */
export function approvalEvent(
  approval: Recorded,
  action: ApprovalAction,
  version: number,
  actor: Principal | null,
  details: Readonly<Record<string, Json>>,
): AuditEvent {
  return {
    action,
    request: approval.request,
    actor,
    repository: approval.binding.repository,
    details: { approval: approval.id, version, binding: approval.bindingDigest, ...details },
  };
}

/** Everything that is bound, and what is asked of whom; the first entry of a request. */
export function requestedDetails(
  approval: Pick<Approval, 'binding' | 'requirements' | 'holds' | 'reason' | 'expiresAt'>,
): Readonly<Record<string, Json>> {
  const { binding } = approval;
  return {
    operation: binding.kind,
    refUpdates: binding.refUpdates
      .slice(0, maxRefs)
      .map(({ ref, oldOid, newOid }) => ({ ref, old: oldOid, new: newOid })),
    refUpdateCount: binding.refUpdates.length,
    objectSetDigest: binding.objectSetDigest,
    findingsDigest: binding.findingsDigest,
    policyDigest: binding.policyDigest,
    catalogDigest: binding.catalogDigest,
    owner: binding.owner,
    requirements: approval.requirements.map(({ rule, approvers, count, escalate }) => ({
      rule,
      approvers,
      count,
      ...(escalate === undefined ? {} : { escalate: { to: escalate.to, after: escalate.after } }),
    })),
    holds: approval.holds.map(({ rule }) => rule),
    reason: approval.reason,
    expiresAt: approval.expiresAt.toISOString(),
  };
}
