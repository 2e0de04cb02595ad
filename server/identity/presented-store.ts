// The SQL of tokens of issuers that were presented: against replay, and so that one can be revoked.
import { z } from 'zod';
import type { Queryable } from '../db.ts';

export interface PresentedRecord {
  readonly id: string;
  readonly repository: string | null;
  readonly exchangedAt: Date | null;
  readonly firstSeen: Date;
  readonly revokedAt: Date | null;
}

const schema = z.object({
  id: z.string(),
  repository: z.string().nullable(),
  exchangedAt: z.date().nullable(),
  firstSeen: z.date(),
  revokedAt: z.date().nullable(),
});

const columns = `id, repository, exchanged_at as "exchangedAt", first_seen as "firstSeen", revoked_at as "revokedAt"`;

/** What is known about a token; undefined where it was never presented. */
export async function findPresented(database: Queryable, id: string): Promise<PresentedRecord | undefined> {
  const [row] = await database.query(`select ${columns} from identity_presented where id = $1`, [id]);
  return row === undefined ? undefined : schema.parse(row);
}

/** Keeps a token that is presented for the first time; false where it is known already. */
export async function insertPresented(
  database: Queryable,
  token: {
    readonly id: string;
    readonly principal: string;
    readonly repository: string | null;
    readonly exchangedAt: Date | null;
    readonly firstSeen: Date;
    readonly expiresAt: Date;
  },
): Promise<boolean> {
  const rows = await database.query(
    `insert into identity_presented (id, principal, repository, exchanged_at, first_seen, expires_at)
     values ($1, $2, $3, $4, $5, $6) on conflict (id) do nothing returning id`,
    [token.id, token.principal, token.repository, token.exchangedAt, token.firstSeen, token.expiresAt],
  );
  return rows.length > 0;
}

/** Binds a token to the first repository for which it is used; false where it is bound to another or was exchanged. */
export async function bindPresented(database: Queryable, id: string, repository: string): Promise<boolean> {
  const rows = await database.query(
    `update identity_presented set repository = $2
     where id = $1 and exchanged_at is null and (repository is null or repository = $2) returning id`,
    [id, repository],
  );
  return rows.length > 0;
}

/** Notes that a token was exchanged; false where it was before, or was used for a repository. */
export async function markExchanged(database: Queryable, id: string, at: Date): Promise<boolean> {
  const rows = await database.query(
    `update identity_presented set exchanged_at = $2
     where id = $1 and exchanged_at is null and repository is null returning id`,
    [id, at],
  );
  return rows.length > 0;
}

/** Takes that back where nothing came of it. */
export async function unmarkExchanged(database: Queryable, id: string, at: Date): Promise<void> {
  await database.query(
    'update identity_presented set exchanged_at = null where id = $1 and exchanged_at = $2',
    [id, at],
  );
}

/** Forgets tokens that have expired before this time. */
export async function forgetPresented(database: Queryable, expiredBefore: Date): Promise<void> {
  await database.query('delete from identity_presented where expires_at < $1', [expiredBefore]);
}
