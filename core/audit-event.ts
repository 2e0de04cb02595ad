// What is written to the audit log. Values never: only places, masked forms and keyed fingerprints.
import type { Principal } from './principal.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * `*.received` opens an attempt, `*.decided` states the verdict, and exactly one outcome closes it: `forwarded` (the
 * upstream confirmed), `refused` (nothing reached the upstream), `held` (nothing has, and people are asked) or `unknown`
 * (it may have, and cannot be told). What was held and is approved is decided once more under the same request.
 * `approval.*` entries bear the request id of what was held; each is a version of the approval, and none takes effect
 * before its entry is there. Two are no versions: `shown` (somebody looked at what is held) and `forbidden` (somebody
 * wanted to decide and may not). `*.scanned` tells of what was at the upstream already when the guard looked at it.
 */
export const auditActions = [
  'guard.clock-jumped',
  'guard.started',
  'guard.stopped',
  'guard.weakened',
  'policy.loaded',
  'identity.refused',
  'identity.locked-out',
  'token.created',
  'token.revoked',
  'person.created',
  'person.changed',
  'person.deactivated',
  'person.reactivated',
  'person.role-granted',
  'group.changed',
  'login.refused',
  'session.started',
  'session.ended',
  'administrator-link.issued',
  'device.approved',
  'device.denied',
  'device.reused',
  'session.opened',
  'session.revoked',
  'principal.revoked',
  'fetch.served',
  'fetch.refused',
  'push.received',
  'push.decided',
  'push.held',
  'push.forwarded',
  'push.refused',
  'push.unknown',
  'evidence.kept',
  'scan.reported',
  'audit.anchor-failed',
  'audit.anchor-resumed',
  'audit.checkpoint-store-failed',
  'audit.checkpoint-store-resumed',
  'audit.exported',
  'audit.fingerprint-key-rotated',
  'audit.hold-added',
  'audit.hold-released',
  'audit.key-rotated',
  'audit.keys-rewrapped',
  'audit.pruned',
  'audit.read',
  'audit.refused',
  'audit.report-made',
  'audit.resumed',
  'audit.shred-requested',
  'audit.shredded',
  'audit.sink-failed',
  'audit.sink-refused',
  'audit.sink-resumed',
  'audit.timestamp-failed',
  'audit.timestamp-resumed',
  'audit.witness-failed',
  'audit.witness-resumed',
  'bypass.detected',
  'bypass.scanned',
  'bypass.unlisted',
  'github-app.created',
  'repository.moved',
  'repository.unwatched',
  'repository.watched',
  'pull-request.checked',
  'merge-group.checked',
  'deploy.decided',
  'deploy.held',
  'deploy.forwarded',
  'deploy.refused',
  'log.scanned',
  'log.unscanned',
  'log.deleting',
  'log.deleted',
  'log.deletion-failed',
  'artifact.scanned',
  'artifact.unscanned',
  'artifact.deleting',
  'artifact.deleted',
  'artifact.deletion-failed',
  'approval.requested',
  'approval.voted',
  'approval.vote-revoked',
  'approval.glass-broken',
  'approval.glass-reviewed',
  'approval.approved',
  'approval.reopened',
  'approval.escalated',
  'approval.denied',
  'approval.expired',
  'approval.superseded',
  'approval.cancelled',
  'approval.applying',
  'approval.applied',
  'approval.failed',
  'approval.stale',
  'approval.shown',
  'approval.forbidden',
] as const;
export type AuditAction = (typeof auditActions)[number];

export interface AuditEvent {
  readonly action: AuditAction;
  /** Request id that ties the entries of one attempt together. */
  readonly request: string;
  /** Null only where nobody is known, such as at the guard's start. */
  readonly actor: Principal | null;
  /** `<forge>/<owner>/…/<repo>` or null. */
  readonly repository: string | null;
  readonly details: { readonly [key: string]: Json };
}
