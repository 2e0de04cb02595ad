// The SQL of agents that ask for a person's permission, and of what they renew their sessions with; one statement a
// function.
import { z } from 'zod';
import type { Scope } from '../../core/principal.ts';
import { scopeSchema } from '../../core/scope-schema.ts';
import type { Queryable } from '../db.ts';

export interface DeviceRequest {
  readonly userCode: string;
  /** Name of the agent, without `agent:`. */
  readonly agent: string;
  readonly address: string;
  readonly scopes: readonly Scope[];
  readonly state: 'waiting' | 'allowed' | 'denied';
  readonly person: string | null;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly pollSeconds: number;
  readonly polledAt: Date | null;
}

const requestSchema: z.ZodType<DeviceRequest> = z.object({
  userCode: z.string(),
  agent: z.string(),
  address: z.string(),
  scopes: z.array(scopeSchema),
  state: z.enum(['waiting', 'allowed', 'denied']),
  person: z.string().nullable(),
  createdAt: z.date(),
  expiresAt: z.date(),
  pollSeconds: z.int(),
  polledAt: z.date().nullable(),
});

const requestColumns = `user_code as "userCode", agent, address, scopes, state, person, created_at as "createdAt",
  expires_at as "expiresAt", poll_seconds as "pollSeconds", polled_at as "polledAt"`;

async function one(
  database: Queryable,
  sql: string,
  values: readonly unknown[],
): Promise<DeviceRequest | undefined> {
  const rows = await database.query(sql, values);
  return rows.map((row) => requestSchema.parse(row))[0];
}

/** Forgets requests that have run out, which frees their codes, and permissions of long ago. */
export async function forgetRequests(database: Queryable, now: Date): Promise<void> {
  await database.query('delete from device_request where expires_at < $1', [now]);
  await database.query(
    `delete from device_permission where expires_at < $1::timestamptz - interval '30 days'`,
    [now],
  );
}

/** Keeps a request; false where its code is taken, or `most` wait from this address or ten times as many from all. */
export async function insertRequest(
  database: Queryable,
  hash: Uint8Array,
  asked: Omit<DeviceRequest, 'state' | 'person' | 'polledAt'>,
  most: number,
): Promise<boolean> {
  const rows = await database.query(
    `insert into device_request (hash, user_code, agent, address, scopes, state, created_at, expires_at, poll_seconds)
     select $1, $2, $3, $4, $5, 'waiting', $6, $7, $8
     where (select count(*) from device_request where address = $4) < $9
       and (select count(*) from device_request) < 10 * $9
     on conflict (user_code) do nothing returning user_code`,
    [
      hash,
      asked.userCode,
      asked.agent,
      asked.address,
      JSON.stringify(asked.scopes),
      asked.createdAt,
      asked.expiresAt,
      asked.pollSeconds,
      most,
    ],
  );
  return rows.length > 0;
}

/** The request with this code, while nobody has decided about it. */
export function findWaiting(
  database: Queryable,
  userCode: string,
  now: Date,
): Promise<DeviceRequest | undefined> {
  return one(
    database,
    `select ${requestColumns} from device_request where user_code = $1 and state = 'waiting' and expires_at > $2`,
    [userCode, now],
  );
}

/** Decides about a request that waits; only the first decision counts. */
export function decideRequest(
  database: Queryable,
  userCode: string,
  decision: 'allowed' | 'denied',
  person: string,
  now: Date,
): Promise<DeviceRequest | undefined> {
  return one(
    database,
    `update device_request set state = $2, person = $3
     where user_code = $1 and state = 'waiting' and expires_at > $4 returning ${requestColumns}`,
    [userCode, decision, person, now],
  );
}

/** The request that the agent polls for, as it stood before this question; notes the question. */
export function pollRequest(
  database: Queryable,
  hash: Uint8Array,
  now: Date,
): Promise<DeviceRequest | undefined> {
  return one(
    database,
    `update device_request set polled_at = $2,
       poll_seconds = device_request.poll_seconds
         + case when old.polled_at > $2::timestamptz - make_interval(secs => old.poll_seconds) then 5 else 0 end
     from (select hash, polled_at, poll_seconds from device_request where hash = $1 for update) as old
     where device_request.hash = old.hash
     returning user_code as "userCode", agent, address, scopes, state, person, created_at as "createdAt",
       expires_at as "expiresAt", old.poll_seconds as "pollSeconds", old.polled_at as "polledAt"`,
    [hash, now],
  );
}

/** Takes a request that was decided; only one question can. */
export async function takeRequest(database: Queryable, hash: Uint8Array): Promise<boolean> {
  const rows = await database.query(
    `delete from device_request where hash = $1 and state <> 'waiting' returning hash`,
    [hash],
  );
  return rows.length > 0;
}

export interface Permission {
  readonly id: string;
  /** Name of the agent, without `agent:`. */
  readonly agent: string;
  readonly person: string;
  readonly scopes: readonly Scope[];
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

/** Keeps what a person has permitted. */
export async function insertPermission(database: Queryable, permission: Permission): Promise<void> {
  const { id, agent, person, scopes, createdAt, expiresAt } = permission;
  await database.query(
    `insert into device_permission (id, agent, person, scopes, created_at, expires_at)
     values ($1, $2, $3, $4, $5, $6)`,
    [id, agent, person, JSON.stringify(scopes), createdAt, expiresAt],
  );
}

/** Keeps a refresh token by its hash. */
export async function insertRefresh(
  database: Queryable,
  hash: Uint8Array,
  permission: string,
  createdAt: Date,
  expiresAt: Date,
): Promise<void> {
  await database.query(
    'insert into refresh_token (hash, permission, created_at, expires_at) values ($1, $2, $3, $4)',
    [hash, permission, createdAt, expiresAt],
  );
}

const useSchema = z.object({
  id: z.string(),
  agent: z.string(),
  person: z.string(),
  scopes: z.array(scopeSchema),
  createdAt: z.date(),
  expiresAt: z.date(),
  isEnded: z.boolean(),
  isExpired: z.boolean(),
  wasUsed: z.boolean(),
});

/** Uses a refresh token: what it belongs to, and whether it was used before. Only one request finds it unused. */
export async function useRefresh(
  database: Queryable,
  hash: Uint8Array,
  now: Date,
): Promise<
  | (Permission & { readonly isEnded: boolean; readonly isExpired: boolean; readonly wasUsed: boolean })
  | undefined
> {
  const rows = await database.query(
    `update refresh_token set used_at = coalesce(refresh_token.used_at, $2)
     from (select hash, used_at from refresh_token where hash = $1 for update) as old, device_permission permission
     where refresh_token.hash = old.hash and permission.id = refresh_token.permission
     returning permission.id, agent, person, scopes, permission.created_at as "createdAt",
       permission.expires_at as "expiresAt", ended_at is not null as "isEnded",
       refresh_token.expires_at <= $2 or permission.expires_at <= $2 as "isExpired",
       old.used_at is not null as "wasUsed"`,
    [hash, now],
  );
  return rows.map((row) => useSchema.parse(row))[0];
}

/** Ends a permission with everything that rests on it. */
export async function endPermission(database: Queryable, id: string, at: Date): Promise<void> {
  await database.query('update device_permission set ended_at = $2 where id = $1 and ended_at is null', [
    id,
    at,
  ]);
}

/** Ends all permissions of the person. */
export async function endPermissions(database: Queryable, person: string, at: Date): Promise<void> {
  await database.query('update device_permission set ended_at = $2 where person = $1 and ended_at is null', [
    person,
    at,
  ]);
}

/** Permissions of the person that have not ended. */
export async function listPermissions(
  database: Queryable,
  person: string,
  now: Date,
): Promise<readonly string[]> {
  const rows = await database.query<{ id: string }>(
    `select id from device_permission where person = $1 and ended_at is null and expires_at > $2
     order by created_at desc limit 300`,
    [person, now],
  );
  return rows.map(({ id }) => id);
}
