// The audit entries of people.
import { randomBytes } from 'node:crypto';
import type { AuditAction, AuditEvent } from '../../core/audit-event.ts';
import type { Principal } from '../../core/principal.ts';

/** The directory that manages people by SCIM, as a principal. */
export const scimPrincipal: Principal = {
  kind: 'workload',
  id: 'workload:scim',
  issuer: 'guard',
  subject: 'scim',
  groups: [],
  onBehalfOf: [],
  session: 'scim',
  proof: 'guard-token',
};

/** An event about people; `actor` is who made it so, null where the guard did by itself. */
export function personEvent(
  action: Extract<AuditAction, `person.${string}` | `group.${string}`>,
  actor: Principal | null,
  details: AuditEvent['details'],
): AuditEvent {
  return { action, request: randomBytes(8).toString('hex'), actor, repository: null, details };
}
