// Writes refused identities into the audit log; a flood of bad tokens does not become a flood of entries.
import { randomBytes } from 'node:crypto';
import { type IdentityRefusal, refusalOf } from '../../core/identity-refusal.ts';
import type { AuditLog, IdentityService } from '../../core/services.ts';
import { createCountedEntries } from '../counted-entries.ts';

export interface RefusalRecorder {
  /** Writes the entry or counts it. Rejects as `AuditLog.append` does. */
  record(refusal: IdentityRefusal): Promise<void>;
  /** The same for a connection that nobody answers: what cannot be written is counted. */
  note(refusal: IdentityRefusal): void;
}

/** Writes `identity.refused` entries: ten a second of one known token, and of all that are not known together. */
export function createRefusalRecorder(audit: Pick<AuditLog, 'append'>): RefusalRecorder {
  const entries = createCountedEntries({ audit, forEach: 10, forAll: 50 });
  const entryOf =
    ({ facts, reason, token }: IdentityRefusal) =>
    (moreRefusals: number) =>
      ({
        action: 'identity.refused',
        request: randomBytes(8).toString('hex'),
        actor: null,
        repository: null,
        details: { ...facts, reason, token: token ?? null, moreRefusals },
      }) as const;
  return {
    record: (refusal) => entries.add(refusal.token ?? '', entryOf(refusal)),
    note: (refusal) => entries.note(refusal.token ?? '', entryOf(refusal)),
  };
}

/** The same service, with an `identity.refused` entry for each token that was not accepted. */
export function recordRefusals(identity: IdentityService, refusals: RefusalRecorder): IdentityService {
  return {
    async authenticate(presented) {
      try {
        return await identity.authenticate(presented);
      } catch (thrown) {
        const refusal = refusalOf(thrown);
        // Git asks without a credential first: that is no failure.
        if (refusal !== undefined && refusal.reason !== 'missing') await refusals.record(refusal);
        throw thrown;
      }
    },
  };
}
