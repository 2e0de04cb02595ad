// Proves guard tokens. A token counts only while it is in the database, unexpired and unrevoked, and only once the audit
// log holds its creation. Trusts the database and the clock.
import { refuseIdentity } from '../../core/identity-refusal.ts';
import type { Grant } from '../../core/principal.ts';
import type { AuditLog, Clock } from '../../core/services.ts';
import type { Queryable } from '../db.ts';
import { formOf, hashToken } from './guard-token.ts';
import { proveByLook } from './looked-up.ts';
import type { Prover } from './prover.ts';
import { recordCreation, recordPending } from './recording.ts';
import { ShortMemory } from './short-memory.ts';
import { findTokenByHash, noteLastUses, revokeToken } from './store.ts';
import type { TokenRecord } from './store.ts';

export interface ProverOptions {
  readonly database: Queryable;
  readonly clock: Clock;
  readonly audit: Pick<AuditLog, 'append'>;
}

/** The prover; its upkeep records what was done to tokens and notes their last uses. */
export function createGuardTokenProver(options: ProverOptions): Prover {
  const { database, clock } = options;
  const uses = new Map<string, Date>();
  const known = new ShortMemory<TokenRecord>();

  async function load(hash: Buffer): Promise<TokenRecord | undefined> {
    const record = await findTokenByHash(database, hash);
    if (record !== undefined && !record.creationRecorded && stateOf(record, clock.now()) === 'valid')
      await recordCreation(options, record);
    return record;
  }

  /** The record of a token that may be honoured; undefined where the text is no guard token. */
  async function look(token: string): Promise<TokenRecord | undefined> {
    const form = formOf(token);
    if (form !== 'guard-token' && form !== 'bad-checksum') return undefined;
    if (form === 'bad-checksum') throw refuseIdentity(form);
    const hash = hashToken(token);
    const record = await known.recall(hash.toString('base64'), () => load(hash));
    if (record === undefined) throw refuseIdentity('unknown');
    const now = clock.now();
    const state = stateOf(record, now);
    if (state !== 'valid') throw refuseIdentity(state, record.id);
    uses.set(record.id, now);
    return record;
  }

  return {
    ...proveByLook(async (token) => {
      const record = await look(token);
      return record && { grant: grantOf(record), since: record.createdAt, parents: [record.id] };
    }),
    revoke: async (token) => {
      const record = await look(token);
      return (
        record !== undefined &&
        (await revokeToken(database, record.id, clock.now(), 'its holder')) !== undefined
      );
    },
    upkeep: async () => {
      await recordPending(options);
      if (uses.size === 0) return;
      const noted = new Map(uses);
      await noteLastUses(database, noted);
      for (const [id, at] of noted) if (uses.get(id) === at) uses.delete(id);
    },
  };
}

function stateOf(record: TokenRecord, now: Date): 'valid' | 'revoked' | 'expired' {
  if (record.revokedAt !== null || record.isVoid) return 'revoked';
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
    expiresAt: record.expiresAt,
    boundTo: record.certificate ?? undefined,
  };
}
