// Writes refused identities into the audit log. A flood of bad tokens does not become a flood of entries: past a rate
// they are counted, and the next entry carries the count.
import { randomBytes } from 'node:crypto';
import { type IdentityRefusal, refusalOf } from '../../core/identity-refusal.ts';
import type { AuditLog, IdentityService } from '../../core/services.ts';

const entriesPerSecond = 10;

/** The same service, with an `identity.refused` entry for each token that was not accepted. */
export function recordRefusals(identity: IdentityService, audit: Pick<AuditLog, 'append'>): IdentityService {
  let second = 0;
  let written = 0;
  let uncounted = 0;

  async function record(refusal: IdentityRefusal): Promise<void> {
    const now = Math.floor(performance.now() / 1000);
    if (now !== second) [second, written] = [now, 0];
    if (written >= entriesPerSecond) {
      uncounted += 1;
      return;
    }
    written += 1;
    const moreRefusals = uncounted;
    uncounted = 0;
    await audit.append({
      action: 'identity.refused',
      request: randomBytes(8).toString('hex'),
      actor: null,
      repository: null,
      details: { ...refusal.facts, reason: refusal.reason, token: refusal.token ?? null, moreRefusals },
    });
  }

  return {
    async authenticate(presented) {
      try {
        return await identity.authenticate(presented);
      } catch (thrown) {
        const refusal = refusalOf(thrown);
        // Git asks without a credential first: that is no failure.
        if (refusal !== undefined && refusal.reason !== 'missing') await record(refusal);
        throw thrown;
      }
    },
  };
}
