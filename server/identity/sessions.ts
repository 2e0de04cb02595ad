// Opens sessions: short-lived tokens of the guard that stand for somebody who proved an identity in another way. The token
// is opaque and its hash is in the database, so that a revocation works within a second on every guard.
import { randomBytes } from 'node:crypto';
import type { Json } from '../../core/audit-event.ts';
import { GuardError } from '../../core/errors.ts';
import type { Grant, Principal, Scope } from '../../core/principal.ts';
import type { AuditLog, Clock } from '../../core/services.ts';
import type { Queryable } from '../db.ts';
import { Secret } from '../secret.ts';
import { hashToken, mintToken } from './guard-token.ts';
import { involvedIn } from './involved.ts';
import { openedEvent } from './session-events.ts';
import { insertSession } from './session-store.ts';

/** Sessions and presented tokens are kept so long after they end: a push may wait for an approval, then is asked again. */
export const keptAfterExpiryMs = 90 * 86_400_000;

/** No session lives longer, whatever the configuration says; in seconds. */
const longestLifetime = 900;

export interface SessionRequest {
  /** Whom it stands for; `session` and `proof` become those of the new session. */
  readonly principal: Principal;
  /** Who answers for it, a principal id. */
  readonly owner: string | null;
  /** What it may be used for; the caller has checked that it is no more than what was granted. */
  readonly scopes: readonly Scope[];
  /** When what it rests on was issued: a revocation of one of those involved after that ends the session. */
  readonly since: Date;
  /** Ids of the tokens and sessions that it rests on; it ends with each of them. */
  readonly parents: readonly string[];
  /** When what it rests on ends; the session ends by then. */
  readonly until?: Date | undefined;
  /** Seconds; the configured and the longest lifetime are never exceeded. */
  readonly lifetime?: number | undefined;
  /** `x5t#S256` of the client certificate with which alone it is good. */
  readonly boundTo?: string | undefined;
  /** How it came to be, such as `exchanged`, and more for the audit log. */
  readonly facts: Readonly<Record<string, Json>>;
}

export interface OpenedSession {
  /** To be shown once. */
  readonly token: Secret;
  readonly grant: Grant & { readonly expiresAt: Date };
}

export interface SessionOffice {
  /**
   * Opens a session. When the promise fulfils, the audit log holds it (`session.opened`) and every guard knows it. Rejects
   * with `identity/invalid` where it would end at once, with `audit/unavailable` or `database/unavailable`.
   */
  open(request: SessionRequest): Promise<OpenedSession>;
}

export interface SessionOptions {
  readonly database: Queryable;
  readonly clock: Clock;
  readonly audit: Pick<AuditLog, 'append'>;
  /** Seconds. */
  readonly maxLifetime: number;
}

/** The office that opens sessions. */
export function createSessionOffice(options: SessionOptions): SessionOffice {
  const { database, clock, audit } = options;
  return {
    open: async (request) => {
      const now = clock.now();
      const lifetime = Math.min(
        request.lifetime ?? longestLifetime,
        options.maxLifetime,
        longestLifetime,
        request.until === undefined ? Infinity : (request.until.getTime() - now.getTime()) / 1_000,
      );
      if (lifetime < 1) throw new GuardError('identity/invalid', 'the session would end at once');
      const id = `ses-${randomBytes(8).toString('hex')}`;
      const principal: Principal = { ...request.principal, session: id, proof: 'session-token' };
      const expiresAt = new Date(now.getTime() + Math.floor(lifetime) * 1_000);
      const { owner, scopes, since, parents, boundTo } = request;
      const grant = { principal, owner, scopes, expiresAt, boundTo };
      const bound = boundTo === undefined ? {} : { certificate: boundTo };
      const facts = { ...request.facts, ...bound, provedBy: request.principal.proof, from: parents };
      await audit.append(openedEvent(grant, facts));
      const token = mintToken('session-token');
      const certificate = boundTo ?? null;
      const record = { id, principal, owner, scopes, parents, since, openedAt: now, expiresAt, certificate };
      await insertSession(database, record, hashToken(token), involvedIn(principal, owner));
      return { token: new Secret(token), grant };
    },
  };
}
