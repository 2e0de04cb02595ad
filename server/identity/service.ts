// Proves who sends a request. A token counts only while it is in the database, unexpired and unrevoked, and only once
// the audit log holds its creation. Trusts the database and the clock.
import { setInterval } from 'node:timers';
import { refuseIdentity } from '../../core/identity-refusal.ts';
import type { Grant } from '../../core/principal.ts';
import type { AuditLog, Clock, IdentityService } from '../../core/services.ts';
import type { Queryable } from '../db.ts';
import { readToken } from './authorization.ts';
import { formOf, hashToken } from './guard-token.ts';
import { recordCreation, recordPending } from './recording.ts';
import { findTokenByHash, noteLastUses } from './store.ts';
import type { TokenRecord } from './store.ts';

/** A revocation works within this time, in ms. */
const cacheLifetime = 1_000;
const cacheCapacity = 10_000;
/** Recording and the times of last use happen at this interval, in ms. */
const upkeepInterval = 5_000;

export interface IdentityOptions {
  readonly database: Queryable;
  readonly clock: Clock;
  readonly audit: Pick<AuditLog, 'append'>;
}

export interface Identity extends IdentityService, AsyncDisposable {
  /** Records what was done to tokens and notes their last uses; runs by itself every few seconds. */
  upkeep(): Promise<void>;
}

interface Known {
  readonly record: TokenRecord;
  /** Until when the record may be believed, by the monotonic clock. */
  readonly until: number;
}

/** Starts the service; dispose of it before the database and the audit log. */
export function createIdentityService(options: IdentityOptions): Identity {
  const { database, clock } = options;
  const cache = new Map<string, Known>();
  const pending = new Map<string, Promise<TokenRecord | undefined>>();
  const uses = new Map<string, Date>();
  let running: Promise<void> | undefined;

  async function load(hash: Buffer, key: string): Promise<TokenRecord | undefined> {
    const until = performance.now() + cacheLifetime;
    const record = await findTokenByHash(database, hash);
    if (record === undefined) return undefined;
    if (!record.creationRecorded && stateOf(record, clock.now()) === 'valid')
      await recordCreation(options, record);
    if (cache.size >= cacheCapacity) cache.clear();
    cache.set(key, { record, until });
    return record;
  }

  async function find(hash: Buffer): Promise<TokenRecord | undefined> {
    const key = hash.toString('base64');
    const known = cache.get(key);
    if (known !== undefined && performance.now() < known.until) return known.record;
    cache.delete(key);
    // Requests that come at once ask once.
    const shared = pending.get(key) ?? load(hash, key).finally(() => pending.delete(key));
    pending.set(key, shared);
    return shared;
  }

  async function maintain(): Promise<void> {
    await recordPending(options);
    if (uses.size === 0) return;
    const noted = new Map(uses);
    await noteLastUses(database, noted);
    for (const [id, at] of noted) if (uses.get(id) === at) uses.delete(id);
  }

  const upkeep = (): Promise<void> => {
    running ??= maintain().finally(() => (running = undefined));
    return running;
  };
  // What fails now is done by a later round: the database keeps what is to be recorded.
  const timer = setInterval(() => void upkeep().catch(() => undefined), upkeepInterval);
  timer.unref();

  return {
    authenticate: async (authorization) => {
      const token = readToken(authorization);
      const form = formOf(token);
      if (form !== 'guard-token') throw refuseIdentity(form);
      const record = await find(hashToken(token));
      if (record === undefined) throw refuseIdentity('unknown');
      const now = clock.now();
      const state = stateOf(record, now);
      if (state !== 'valid') throw refuseIdentity(state, record.id);
      uses.set(record.id, now);
      return grantOf(record);
    },
    upkeep,
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await upkeep().catch(() => undefined);
    },
  };
}

function stateOf(record: TokenRecord, now: Date): 'valid' | 'revoked' | 'expired' {
  if (record.revokedAt !== null) return 'revoked';
  return now < record.expiresAt ? 'valid' : 'expired';
}

function grantOf(record: TokenRecord): Grant {
  return {
    principal: {
      kind: record.kind,
      id: record.principal,
      issuer: 'guard',
      subject: record.principal.slice(record.kind.length + 1),
      groups: record.groups,
      onBehalfOf: record.onBehalfOf,
      session: record.id,
      proof: 'guard-token',
    },
    owner: record.owner,
    scopes: record.scopes,
  };
}
