// Documents of evidence in the database, by their SHA-256; sealed, so that they go with the key of their repository and
// month.
import { hash } from 'node:crypto';
import { type EvidenceSeal, type EvidenceStore, evidenceSchema } from '../../core/activity/evidence.ts';
import type { Queryable } from '../db.ts';

/** The port, over the database. What is read is compared with its digest. */
export function createEvidenceStore(database: Queryable, seal: EvidenceSeal): EvidenceStore {
  return {
    keep: async (evidence) => {
      const body = Buffer.from(JSON.stringify(evidence).toWellFormed());
      const digest = hash('sha256', body, 'hex');
      const { key, data } = await seal.seal(evidence.repository, digest, body);
      // One that is there stays as it is: under the key it was sealed with, or destroyed with that.
      const [row] = await database.query<{ readonly key: string }>(
        `insert into evidence as known (digest, key, body) values ($1, $2, $3)
         on conflict (digest) do update set digest = known.digest returning key`,
        [digest, key, data],
      );
      return { digest, bytes: body.length, key: row?.key ?? key };
    },
    find: async (digest) => {
      const [row] = await database.query<{ readonly key: string; readonly body: Uint8Array | null }>(
        'select key, body from evidence where digest = $1',
        [digest],
      );
      if (row === undefined) return { kind: 'gone' };
      if (row.body === null) return { kind: 'destroyed' };
      const body = await seal.open(row.key, digest, row.body);
      if (body === undefined || hash('sha256', body, 'hex') !== digest) return { kind: 'changed' };
      const evidence = evidenceSchema.safeParse(JSON.parse(Buffer.from(body).toString('utf8')));
      return evidence.success ? { kind: 'kept', evidence: evidence.data } : { kind: 'changed' };
    },
  };
}
