// Proves session tokens: known to the database, not expired, and nothing that they rest on revoked.
import { refuseIdentity } from '../../core/identity-refusal.ts';
import type { Grant } from '../../core/principal.ts';
import { formOf, hashToken } from './guard-token.ts';
import type { ProverOptions } from './guard-token-prover.ts';
import { proveByLook } from './looked-up.ts';
import type { Prover } from './prover.ts';
import { revokeSession } from './revocation-store.ts';
import { recordRevocations } from './revocations.ts';
import { findSessionByHash, forgetSessions, type SessionRecord } from './session-store.ts';
import { keptAfterExpiryMs } from './sessions.ts';
import { ShortMemory } from './short-memory.ts';

/** The prover; its upkeep records revocations. */
export function createSessionProver(options: ProverOptions): Prover {
  const { database, clock } = options;
  const known = new ShortMemory<SessionRecord & { readonly isRevoked: boolean }>();

  async function look(token: string): Promise<SessionRecord | undefined> {
    if (formOf(token) !== 'session-token') return undefined;
    const hash = hashToken(token);
    const record = await known.recall(hash.toString('base64'), () => findSessionByHash(database, hash));
    if (record === undefined) throw refuseIdentity('unknown');
    if (record.isRevoked) throw refuseIdentity('revoked', record.id);
    if (clock.now() >= record.expiresAt) throw refuseIdentity('expired', record.id);
    return record;
  }

  return {
    ...proveByLook(async (token) => {
      const record = await look(token);
      return (
        record && { grant: grantOf(record), since: record.since, parents: [record.id, ...record.parents] }
      );
    }),
    revoke: async (token) => {
      const record = await look(token);
      return record !== undefined && (await revokeSession(database, record.id, clock.now(), 'its holder'));
    },
    upkeep: async () => {
      await recordRevocations(options);
      await forgetSessions(database, new Date(clock.now().getTime() - keptAfterExpiryMs));
    },
  };
}

function grantOf({ principal, owner, scopes, expiresAt, certificate }: SessionRecord): Grant {
  return { principal, owner, scopes, expiresAt, boundTo: certificate ?? undefined };
}
