// What the audit log keeps of sessions. Never the token, nor its hash.
import type { AuditEvent, Json } from '../../core/audit-event.ts';
import type { Grant } from '../../core/principal.ts';
import { scopesJson } from './recording.ts';

/** A session begins: an issuer's token is presented, or a session token was made. */
export function openedEvent(grant: Grant, facts: Readonly<Record<string, Json>>): AuditEvent {
  const { principal, owner, scopes, expiresAt } = grant;
  return {
    action: 'session.opened',
    request: principal.session,
    actor: principal,
    repository: null,
    details: {
      ...facts,
      session: principal.session,
      owner,
      scopes: scopesJson(scopes),
      expiresAt: expiresAt?.toISOString() ?? null,
    },
  };
}
