// Issues, lists and revokes guard tokens. Needs only the database, so that the command line can do it while the guard
// runs; the running guard records in the audit log what was done, and honours no token before.
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { formatDuration } from '../../core/duration.ts';
import { GuardError } from '../../core/errors.ts';
import { closed } from '../../core/schema.ts';
import { scopeSchema } from '../../core/scope-schema.ts';
import type { Clock } from '../../core/services.ts';
import type { Queryable } from '../db.ts';
import { Secret } from '../secret.ts';
import { hashToken, mintToken } from './guard-token.ts';
import { insertToken, listTokens, revokeToken } from './store.ts';
import type { TokenRecord } from './store.ts';

const day = 86_400;
/** No guard token lives longer, whatever the configuration says. */
const longestLifetime = 90 * day;
const mostListed = 10_000;

const name = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._@+/-]{0,199}$/,
    'a name has letters, digits and ".", "_", "@", "+", "/", "-"',
  );
const principalId = z
  .string()
  .regex(
    /^(agent|human|workload):[A-Za-z0-9][A-Za-z0-9._@+/-]{0,199}$/,
    'expected an id such as human:ada@example.org',
  );
const prose = z.string().trim().min(1).max(500);

const requestSchema = closed({
  kind: z.enum(['agent', 'human', 'workload']),
  name,
  owner: principalId,
  purpose: prose,
  groups: z.array(name).max(100),
  onBehalfOf: z.array(principalId).max(20),
  scopes: z.array(scopeSchema).min(1).max(100),
  lifetime: z.int().min(60),
  certificate: z
    .string()
    .regex(/^[A-Za-z0-9_-]{43}$/)
    .nullable()
    .default(null),
  issuedBy: z.string().min(1).max(300),
});

/** What a token is asked for with. `lifetime` in seconds. */
export type TokenRequest = Readonly<z.input<typeof requestSchema>>;

interface IssuedToken {
  /** To be shown once. */
  readonly token: Secret;
  readonly record: TokenRecord;
}

export interface TokenOffice {
  /** Rejects with `input/invalid` where the request is not acceptable. */
  issue(request: TokenRequest): Promise<IssuedToken>;
  /** All tokens, newest first, without the tokens themselves. */
  list(): Promise<readonly TokenRecord[]>;
  /** Takes effect within a second. Rejects with `token/unknown`. */
  revoke(id: string, by: string): Promise<TokenRecord>;
}

export interface TokenOfficeOptions {
  readonly database: Queryable;
  readonly clock: Clock;
  /** Seconds; 90 days at most. */
  readonly maxLifetime: number;
}

/** The office that issues, lists and revokes tokens in the database. */
export function createTokenOffice({ database, clock, maxLifetime }: TokenOfficeOptions): TokenOffice {
  return {
    issue: async (request) => {
      const record = draftRecord(request, clock.now(), Math.min(maxLifetime, longestLifetime));
      const token = mintToken();
      await insertToken(database, record, hashToken(token));
      return { token: new Secret(token), record };
    },
    list: () => listTokens(database, mostListed),
    revoke: async (id, by) => {
      const record = await revokeToken(database, id, clock.now(), by);
      if (record === undefined) throw new GuardError('token/unknown', 'there is no token with this id');
      return record;
    },
  };
}

function draftRecord(request: TokenRequest, now: Date, longest: number): TokenRecord {
  const parsed = requestSchema.safeParse(request);
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new GuardError('input/invalid', `couldn't issue the token: ${faults.join('; ')}`);
  }
  const { lifetime, name: bareName, ...rest } = parsed.data;
  if (lifetime > longest) {
    throw new GuardError(
      'input/invalid',
      `couldn't issue the token: it may live ${formatDuration(longest)} at most`,
    );
  }
  return {
    ...rest,
    id: `tok-${randomBytes(8).toString('hex')}`,
    principal: `${rest.kind}:${bareName}`,
    createdAt: now,
    expiresAt: new Date(now.getTime() + lifetime * 1_000),
    revokedAt: null,
    revokedBy: null,
    lastUse: null,
    creationRecorded: false,
    revocationRecorded: false,
    isVoid: false,
  };
}
