// The SQL of guard tokens, one statement a function.
import { z } from 'zod';
import { verbs } from '../../core/principal.ts';
import type { PrincipalKind, Scope } from '../../core/principal.ts';
import type { Queryable } from '../db.ts';

/** Everything that is known about a token but the token itself. */
export interface TokenRecord {
  readonly id: string;
  readonly kind: PrincipalKind;
  readonly principal: string;
  readonly groups: readonly string[];
  readonly onBehalfOf: readonly string[];
  readonly scopes: readonly Scope[];
  readonly owner: string;
  readonly purpose: string;
  readonly issuedBy: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly revokedAt: Date | null;
  readonly revokedBy: string | null;
  /** `x5t#S256` of the client certificate to which it is bound. */
  readonly certificate: string | null;
  readonly lastUse: Date | null;
  readonly creationRecorded: boolean;
  readonly revocationRecorded: boolean;
  /** True where the principal, its owner or somebody for whom it acts was revoked since. */
  readonly isVoid: boolean;
}

/** Scopes as they are kept. */
export const storedScopes = z.array(
  z.object({ repository: z.string(), verbs: z.array(z.enum(verbs)), refs: z.array(z.string()).optional() }),
);

const recordSchema = z.object({
  id: z.string(),
  kind: z.enum(['agent', 'human', 'workload']),
  principal: z.string(),
  groups: z.array(z.string()),
  onBehalfOf: z.array(z.string()),
  scopes: storedScopes,
  owner: z.string(),
  purpose: z.string(),
  issuedBy: z.string(),
  createdAt: z.date(),
  expiresAt: z.date(),
  revokedAt: z.date().nullable(),
  revokedBy: z.string().nullable(),
  certificate: z.string().nullable(),
  lastUse: z.date().nullable(),
  creationRecorded: z.boolean(),
  revocationRecorded: z.boolean(),
  isVoid: z.boolean(),
});

const columns = `id, kind, principal, groups, on_behalf_of as "onBehalfOf", scopes, owner, purpose,
  issued_by as "issuedBy", created_at as "createdAt", expires_at as "expiresAt", revoked_at as "revokedAt",
  revoked_by as "revokedBy", certificate, last_use as "lastUse", creation_recorded as "creationRecorded",
  revocation_recorded as "revocationRecorded",
  exists (select from identity_revocation revocation where revocation.before >= guard_token.created_at
    and revocation.principal in (select lower(name)
      from unnest(guard_token.on_behalf_of || guard_token.principal || guard_token.owner) as name)) as "isVoid"`;

async function readRecords(
  database: Queryable,
  sql: string,
  values: readonly unknown[],
): Promise<readonly TokenRecord[]> {
  const rows = await database.query(sql, values);
  return rows.map((row) => recordSchema.parse(row));
}

/** Keeps a new token by its hash. */
export async function insertToken(database: Queryable, record: TokenRecord, hash: Uint8Array): Promise<void> {
  await database.query(
    `insert into guard_token (id, hash, kind, principal, groups, on_behalf_of, scopes, owner, purpose, issued_by,
       created_at, expires_at, certificate)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
    [
      record.id,
      hash,
      record.kind,
      record.principal,
      record.groups,
      record.onBehalfOf,
      JSON.stringify(record.scopes),
      record.owner,
      record.purpose,
      record.issuedBy,
      record.createdAt,
      record.expiresAt,
      record.certificate,
    ],
  );
}

/** The token with this hash, whatever its state. */
export async function findTokenByHash(
  database: Queryable,
  hash: Uint8Array,
): Promise<TokenRecord | undefined> {
  const [record] = await readRecords(database, `select ${columns} from guard_token where hash = $1`, [hash]);
  return record;
}

/** All tokens, newest first. */
export function listTokens(database: Queryable, limit: number): Promise<readonly TokenRecord[]> {
  return readRecords(database, `select ${columns} from guard_token order by created_at desc, id limit $1`, [
    limit,
  ]);
}

/** Revokes a token; a second revocation changes nothing. Returns the token, or undefined where there is none. */
export async function revokeToken(
  database: Queryable,
  id: string,
  at: Date,
  by: string,
): Promise<TokenRecord | undefined> {
  const [record] = await readRecords(
    database,
    `update guard_token set revoked_at = coalesce(revoked_at, $2), revoked_by = coalesce(revoked_by, $3)
     where id = $1 returning ${columns}`,
    [id, at, by],
  );
  return record;
}

/** Tokens whose creation or revocation the audit log does not hold yet. */
export function listUnrecorded(database: Queryable, limit: number): Promise<readonly TokenRecord[]> {
  return readRecords(
    database,
    `select ${columns} from guard_token
     where not creation_recorded or (revoked_at is not null and not revocation_recorded) order by id limit $1`,
    [limit],
  );
}

/** Notes that the audit log holds the creation of the token. */
export async function markCreationRecorded(database: Queryable, id: string): Promise<void> {
  await database.query('update guard_token set creation_recorded = true where id = $1', [id]);
}

/** Notes that the audit log holds the revocation of the token. */
export async function markRevocationRecorded(database: Queryable, id: string): Promise<void> {
  await database.query('update guard_token set revocation_recorded = true where id = $1', [id]);
}

/** Notes when tokens were last used; never moves back. */
export async function noteLastUses(database: Queryable, uses: ReadonlyMap<string, Date>): Promise<void> {
  await database.query(
    `update guard_token set last_use = greatest(last_use, used.at)
     from unnest($1::text[], $2::timestamptz[]) as used (id, at) where guard_token.id = used.id`,
    [[...uses.keys()], [...uses.values()]],
  );
}
