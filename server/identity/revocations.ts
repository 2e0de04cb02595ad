// Revokes sessions and principals. Needs only the database, so that the command line can do it while guards run: each of them
// heeds it within a second, and one of them records it in the audit log.
import type { AuditEvent } from '../../core/audit-event.ts';
import { GuardError } from '../../core/errors.ts';
import type { AcceptedCredential, Clock } from '../../core/services.ts';
import type { Queryable } from '../db.ts';
import { involvedIn } from './involved.ts';
import type { RecordingOptions } from './recording.ts';
import {
  findRevocation,
  listUnrecordedRevocations,
  markRevocation,
  revokePrincipal,
  revokeSession,
  type UnrecordedRevocation,
} from './revocation-store.ts';

const mostAtOnce = 100;

export interface RevocationOffice {
  /** Ends one session, by the id that the audit log has: `ses-…` or `jwt-…`. Rejects with `token/unknown`. */
  revokeSession(id: string, by: string): Promise<void>;
  /**
   * Voids everything that the principal (an id such as `human:ada`) was given or showed up to now: tokens, sessions, tokens
   * of issuers, of its own and of all who act for it or whose credential it answers for. What it proves anew later counts
   * again, unless `lasting`: then nothing does.
   */
  revokePrincipal(principal: string, by: string, lasting?: boolean): Promise<void>;
}

/** The office. */
export function createRevocationOffice(database: Queryable, clock: Clock): RevocationOffice {
  return {
    revokeSession: async (id, by) => {
      if (!(await revokeSession(database, id, clock.now(), by)))
        throw new GuardError('token/unknown', 'there is no session with this id');
    },
    revokePrincipal: (principal, by, lasting = false) => {
      const now = clock.now();
      return revokePrincipal(database, principal, lasting ? null : now, now, by);
    },
  };
}

/** Rejects with `identity/revoked` where something that the credential rests on was revoked. */
export async function confirmCredential(
  database: Queryable,
  { principal, owner, since }: AcceptedCredential,
): Promise<void> {
  const revoked = await findRevocation(
    database,
    involvedIn(principal, owner),
    [principal.session],
    undefined,
    since,
  );
  if (revoked === undefined) return;
  const what =
    revoked === 'credential' ? 'the token' : 'the agent, or somebody that it acts for or belongs to,';
  throw new GuardError('identity/revoked', `${what} was revoked meanwhile`);
}

/** Records the revocations that are not recorded yet, some at a time; at least once. */
export async function recordRevocations({ database, audit }: RecordingOptions): Promise<void> {
  for (const revocation of await listUnrecordedRevocations(database, mostAtOnce)) {
    await audit.append(eventOf(revocation));
    await markRevocation(database, revocation);
  }
}

function eventOf({ kind, id, revokedAt, revokedBy, before }: UnrecordedRevocation): AuditEvent {
  const common = { request: id.slice(0, 200), actor: null, repository: null } as const;
  const details = { revokedBy, revokedAt: revokedAt.toISOString() };
  return kind === 'principal'
    ? {
        ...common,
        action: 'principal.revoked',
        details: { ...details, principal: id, before: before?.toISOString() ?? 'lasting' },
      }
    : { ...common, action: 'session.revoked', details: { ...details, session: id } };
}
