// The SQL of tokens by the person who answers for them, one statement a function.
import { z } from 'zod';
import type { Queryable } from '../db.ts';
import type { OwnedToken } from '../../core/people-services.ts';
import { storedScopes } from './store.ts';

const rowSchema: z.ZodType<OwnedToken> = z.object({
  id: z.string(),
  principal: z.string(),
  purpose: z.string(),
  scopes: storedScopes,
  createdAt: z.date(),
  expiresAt: z.date(),
  revokedAt: z.date().nullable(),
  lastUse: z.date().nullable(),
});

/** Who is behind a token, in lower case: itself, its owner, and everybody for whom it acts. */
const behind = 'array_append(array_append(on_behalf_of, owner), principal)';
const isBehind = `exists (select from unnest(${behind}) as who (id) where lower(who.id) = lower($1))`;

/** Tokens of agents that the person answers for, newest first. */
export async function listOwnedTokens(
  database: Queryable,
  person: string,
  limit: number,
): Promise<readonly OwnedToken[]> {
  const rows = await database.query(
    `select id, principal, purpose, scopes, created_at as "createdAt", expires_at as "expiresAt",
       revoked_at as "revokedAt", last_use as "lastUse"
     from guard_token where lower(owner) = lower($1)
     order by created_at desc, id limit $2`,
    [person, limit],
  );
  return rows.map((row) => rowSchema.parse(row));
}

/** Ids of the tokens and sessions behind which the person is, and that work still. */
export async function listTokensBehind(
  database: Queryable,
  person: string,
  now: Date,
  limit: number,
): Promise<readonly string[]> {
  const rows = await database.query<{ id: string }>(
    `select id from guard_token where revoked_at is null and expires_at > $2 and ${isBehind}
     union all
     select id from identity_session where revoked_at is null and expires_at > $2 and lower($1) = any(involved)
     order by id limit $3`,
    [person, now, limit],
  );
  return rows.map(({ id }) => id);
}

/** Revokes all tokens behind which the person is. */
export async function revokeTokensBehind(
  database: Queryable,
  person: string,
  at: Date,
  by: string,
): Promise<void> {
  await database.query(
    `update guard_token set revoked_at = $2, revoked_by = $3 where revoked_at is null and ${isBehind}`,
    [person, at, by],
  );
}

/** Revokes all sessions that rest on this. */
export async function revokeSessionsOf(
  database: Queryable,
  parent: string,
  at: Date,
  by: string,
): Promise<void> {
  await database.query(
    'update identity_session set revoked_at = $2, revoked_by = $3 where revoked_at is null and $1 = any(parents)',
    [parent, at, by],
  );
}
