// The newest checkpoint for those who tell others about the log. It counts only where the log's own key has signed it.
import { openCheckpoint, parseCheckpoint, parseVerifierKey, verifierKeyText } from '../../core/checkpoint.ts';
import { GuardError } from '../../core/errors.ts';
import type { IntegritySource } from '../../core/report/integrity.ts';
import type { Queryable } from '../db.ts';
import { readKeyHistory } from './head.ts';
import { readNewestCosigned, readNewestNote } from './store.ts';
import { readVerifierKey } from './verifier-key.ts';

/** The port, over the database and the verifier key in the data directory. */
export function createIntegritySource(database: Queryable, dataDir: string): IntegritySource {
  return {
    newest: async () => {
      const known = parseVerifierKey((await readVerifierKey(dataDir))?.trim() ?? '');
      const note = await readNewestNote(database);
      if (note === undefined || known === undefined)
        throw new GuardError('audit/not-found', 'the audit log has no signed checkpoint yet');
      const key = (await readKeyHistory(database, known)).at(-1)?.key ?? known;
      const checkpoint = openCheckpoint(note, key);
      if (checkpoint === undefined)
        throw new GuardError('audit/inconsistent', `the newest checkpoint is not signed by ${key.name}`);
      const cosigned = await readNewestCosigned(database, checkpoint.size);
      const signatures = parseCheckpoint(cosigned?.note ?? '')?.signatures ?? [];
      const witnesses = signatures.filter(({ name }) => name !== key.name).map(({ name }) => name);
      return {
        log: checkpoint.origin,
        size: checkpoint.size,
        root: Buffer.from(checkpoint.root).toString('base64'),
        keyName: key.name,
        keyId: key.keyId,
        verifierKey: verifierKeyText(key),
        cosigned: cosigned === undefined ? null : { size: cosigned.size, by: [...new Set(witnesses)] },
        checkpoint: note,
      };
    },
  };
}
