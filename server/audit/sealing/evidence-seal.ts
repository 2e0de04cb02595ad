// Seals what is kept beside the log, for parts that know nothing of its keys.
import type { EvidenceSeal } from '../../../core/activity/evidence.ts';
import { GuardError } from '../../../core/errors.ts';
import type { Clock } from '../../../core/services.ts';
import type { Queryable } from '../../db.ts';
import type { Sealing } from './sealing.ts';

/** The port, over the keys of the log. */
export function createEvidenceSeal(database: Queryable, sealing: Sealing, clock: Clock): EvidenceSeal {
  return {
    seal: (repository, digest, body) =>
      sealing.sealDocument(database, {
        repository,
        month: clock.now().toISOString().slice(0, 7),
        digest,
        body,
      }),
    open: async (key, digest, data) => {
      const found = await sealing.openDocument(database, { key, digest, data });
      if (found.kind === 'opened') return found.body;
      if (found.kind === 'changed') return undefined;
      throw new GuardError('audit/unavailable', 'the key that opens what a push has changed is not here');
    },
  };
}
