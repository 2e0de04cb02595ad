// The SQL of revocations: of principals with all that they show, of sessions, and of tokens that were presented.
import { z } from 'zod';
import type { Queryable } from '../db.ts';

/**
 * Whether one of those involved (lower-case ids), or one of the credentials, was revoked; undefined where none was. What the
 * credential rests on was issued at `issued`, else when the database says, else at `fallback`.
 */
export async function findRevocation(
  database: Queryable,
  involved: readonly string[],
  credentials: readonly string[],
  issued: Date | undefined,
  fallback: Date,
): Promise<'principal' | 'credential' | undefined> {
  const [row] = await database.query(
    `with session as (select * from identity_session where id = any($2)),
       credential as (select id from session union select unnest(parents) from session union select unnest($2::text[])),
       issue as (select coalesce($3::timestamptz, (select min(since) from session),
         (select min(created_at) from guard_token where id = any($2)),
         (select min(first_seen) from identity_presented where id = any($2)), $4::timestamptz) as at)
     select exists (select from identity_revocation, issue
         where principal = any($1) and before >= issue.at) as principal,
       exists (select from guard_token where id in (select id from credential) and revoked_at is not null)
       or exists (select from identity_presented where id in (select id from credential) and revoked_at is not null)
       or exists (select from identity_session where id in (select id from credential) and revoked_at is not null)
         as credential`,
    [involved, credentials, issued ?? null, fallback],
  );
  const { principal, credential } = z.object({ principal: z.boolean(), credential: z.boolean() }).parse(row);
  if (principal) return 'principal';
  return credential ? 'credential' : undefined;
}

/** Voids what the principal showed or was given up to `before`; null: until that is taken back. Never moves back. */
export async function revokePrincipal(
  database: Queryable,
  principal: string,
  before: Date | null,
  at: Date,
  by: string,
): Promise<void> {
  await database.query(
    `insert into identity_revocation (principal, before, revoked_at, revoked_by)
     values (lower($1), coalesce($2, 'infinity'::timestamptz), $3, $4)
     on conflict (principal) do update set before = greatest(identity_revocation.before, excluded.before),
       revoked_at = excluded.revoked_at, revoked_by = excluded.revoked_by, recorded = false`,
    [principal, before, at, by],
  );
}

/** Revokes a session or a presented token; a second revocation changes nothing. False where there is none. */
export async function revokeSession(database: Queryable, id: string, at: Date, by: string): Promise<boolean> {
  const table = id.startsWith('jwt-') ? 'identity_presented' : 'identity_session';
  const rows = await database.query(
    `update ${table} set revoked_at = coalesce(revoked_at, $2), revoked_by = coalesce(revoked_by, $3)
     where id = $1 returning id`,
    [id, at, by],
  );
  return rows.length > 0;
}

const unrecorded = z.object({
  kind: z.enum(['session', 'presented', 'principal']),
  id: z.string(),
  revokedAt: z.date(),
  revokedBy: z.string(),
  /** Null: until it is taken back. */
  before: z.date().nullable(),
});
export type UnrecordedRevocation = z.infer<typeof unrecorded>;

/** Revocations that the audit log does not hold yet. */
export async function listUnrecordedRevocations(
  database: Queryable,
  limit: number,
): Promise<readonly UnrecordedRevocation[]> {
  const rows = await database.query(
    `select 'session' as kind, id, revoked_at as "revokedAt", revoked_by as "revokedBy", null::timestamptz as before
       from identity_session where revoked_at is not null and not revocation_recorded
     union all select 'presented', id, revoked_at, revoked_by, null
       from identity_presented where revoked_at is not null and not revocation_recorded
     union all select 'principal', principal, revoked_at, revoked_by, nullif(before, 'infinity'::timestamptz)
       from identity_revocation where not recorded
     limit $1`,
    [limit],
  );
  return rows.map((row) => unrecorded.parse(row));
}

const marks: Readonly<Record<UnrecordedRevocation['kind'], string>> = {
  session: 'update identity_session set revocation_recorded = true where id = $1 and revoked_at = $2',
  presented: 'update identity_presented set revocation_recorded = true where id = $1 and revoked_at = $2',
  principal: 'update identity_revocation set recorded = true where principal = $1 and revoked_at = $2',
};

/** Notes that the audit log holds the revocation. */
export async function markRevocation(
  database: Queryable,
  { kind, id, revokedAt }: UnrecordedRevocation,
): Promise<void> {
  await database.query(marks[kind], [id, revokedAt]);
}
