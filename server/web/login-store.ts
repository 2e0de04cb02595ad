// The SQL of sign-ins under way, used assertions and the links of the first administrator, one statement a function.
import { z } from 'zod';
import type { Queryable } from '../db.ts';

export interface LoginAttempt {
  readonly provider: string;
  /** SHA-256 of the cookie of the browser that began it. */
  readonly browserHash: Uint8Array;
  readonly returnTo: string;
  readonly createdAt: Date;
}

const attemptSchema: z.ZodType<LoginAttempt> = z.object({
  provider: z.string(),
  browserHash: z.instanceof(Uint8Array),
  returnTo: z.string(),
  createdAt: z.date(),
});

/** Keeps a sign-in by the hash of its state. */
export async function insertAttempt(
  database: Queryable,
  stateHash: Uint8Array,
  attempt: LoginAttempt,
  expiresAt: Date,
): Promise<void> {
  await database.query(
    `insert into login_attempt (state_hash, provider, browser_hash, return_to, created_at, expires_at)
     values ($1, $2, $3, $4, $5, $6)`,
    [stateHash, attempt.provider, attempt.browserHash, attempt.returnTo, attempt.createdAt, expiresAt],
  );
}

/** Takes the sign-in with this state of this provider and browser; only one request can. */
export async function takeAttempt(
  database: Queryable,
  stateHash: Uint8Array,
  provider: string,
  browserHash: Uint8Array,
  now: Date,
): Promise<LoginAttempt | undefined> {
  const rows = await database.query(
    `delete from login_attempt where state_hash = $1 and provider = $2 and browser_hash = $3 and expires_at > $4
     returning provider, browser_hash as "browserHash", return_to as "returnTo", created_at as "createdAt"`,
    [stateHash, provider, browserHash, now],
  );
  return rows.map((row) => attemptSchema.parse(row))[0];
}

/** Notes an assertion as used; false where it was before. */
export async function useAssertion(
  database: Queryable,
  issuer: string,
  id: string,
  expiresAt: Date,
): Promise<boolean> {
  const rows = await database.query(
    'insert into used_assertion (issuer, id, expires_at) values ($1, $2, $3) on conflict do nothing returning id',
    [issuer, id, expiresAt],
  );
  return rows.length > 0;
}

/** Forgets what has run out. */
export async function forgetExpired(database: Queryable, now: Date): Promise<void> {
  await database.query('delete from login_attempt where expires_at < $1', [now]);
  await database.query('delete from used_assertion where expires_at < $1', [now]);
}

/** Keeps a link by the hash of its secret. */
export async function insertLink(
  database: Queryable,
  hash: Uint8Array,
  createdAt: Date,
  expiresAt: Date,
): Promise<void> {
  await database.query('insert into administrator_link (hash, created_at, expires_at) values ($1, $2, $3)', [
    hash,
    createdAt,
    expiresAt,
  ]);
}

/** True while the link can be used. */
export async function isLinkOpen(database: Queryable, hash: Uint8Array, now: Date): Promise<boolean> {
  const rows = await database.query(
    'select 1 from administrator_link where hash = $1 and used_at is null and expires_at > $2',
    [hash, now],
  );
  return rows.length > 0;
}

/** Uses the link, and every other one up with it; false where it cannot be used. Only one request can. */
export async function useLink(
  database: Queryable,
  hash: Uint8Array,
  person: string,
  now: Date,
): Promise<boolean> {
  const rows = await database.query(
    `update administrator_link set used_at = $3, used_by = $2
     where used_at is null and exists (
       select from administrator_link own where own.hash = $1 and own.used_at is null and own.expires_at > $3 for update)
     returning hash`,
    [hash, person, now],
  );
  return rows.length > 0;
}
