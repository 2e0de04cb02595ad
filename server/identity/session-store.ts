// The SQL of sessions, one statement a function.
import { z } from 'zod';
import { principalSchema } from '../../core/audit-entry.ts';
import type { Principal, Scope } from '../../core/principal.ts';
import type { Queryable } from '../db.ts';
import { storedScopes } from './store.ts';

export interface SessionRecord {
  readonly id: string;
  readonly principal: Principal;
  readonly owner: string | null;
  readonly scopes: readonly Scope[];
  readonly parents: readonly string[];
  readonly since: Date;
  readonly openedAt: Date;
  readonly expiresAt: Date;
  /** `x5t#S256` of the client certificate to which it is bound. */
  readonly certificate: string | null;
}

const schema = z.object({
  id: z.string(),
  principal: principalSchema,
  owner: z.string().nullable(),
  scopes: storedScopes,
  parents: z.array(z.string()),
  since: z.date(),
  openedAt: z.date(),
  expiresAt: z.date(),
  certificate: z.string().nullable(),
  isRevoked: z.boolean(),
});

/** Keeps a new session by the hash of its token. `involved`: lower-case ids. */
export async function insertSession(
  database: Queryable,
  record: SessionRecord,
  hash: Uint8Array,
  involved: readonly string[],
): Promise<void> {
  await database.query(
    `insert into identity_session (id, hash, principal, owner, scopes, involved, parents, since, opened_at, expires_at,
       certificate)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    [
      record.id,
      hash,
      JSON.stringify(record.principal),
      record.owner,
      JSON.stringify(record.scopes),
      involved,
      record.parents,
      record.since,
      record.openedAt,
      record.expiresAt,
      record.certificate,
    ],
  );
}

/** The session with this hash; revoked where it, what it was exchanged from, or one of those involved is. */
export async function findSessionByHash(
  database: Queryable,
  hash: Uint8Array,
): Promise<(SessionRecord & { readonly isRevoked: boolean }) | undefined> {
  const [row] = await database.query(
    `select id, principal, owner, scopes, parents, since, opened_at as "openedAt", expires_at as "expiresAt",
       certificate,
       revoked_at is not null
       or exists (select from identity_revocation where identity_revocation.principal = any(involved) and before >= since)
       or exists (select from guard_token where guard_token.id = any(parents) and guard_token.revoked_at is not null)
       or exists (select from identity_presented p where p.id = any(parents) and p.revoked_at is not null)
       or exists (select from identity_session p where p.id = any(session.parents) and p.revoked_at is not null)
         as "isRevoked"
     from identity_session session where hash = $1`,
    [hash],
  );
  return row === undefined ? undefined : schema.parse(row);
}

/** Forgets sessions that have expired before this time. */
export async function forgetSessions(database: Queryable, expiredBefore: Date): Promise<void> {
  await database.query('delete from identity_session where expires_at < $1', [expiredBefore]);
}
