// Documents of evidence in the database, by their SHA-256.
import { hash } from 'node:crypto';
import { type EvidenceStore, evidenceSchema } from '../../core/activity/evidence.ts';
import type { Queryable } from '../db.ts';

/** The port, over the database. What is read is compared with its digest. */
export function createEvidenceStore(database: Queryable): EvidenceStore {
  return {
    keep: async (evidence) => {
      const body = Buffer.from(JSON.stringify(evidence).toWellFormed());
      const digest = hash('sha256', body, 'hex');
      await database.query(
        'insert into evidence (digest, body) values ($1, $2) on conflict (digest) do nothing',
        [digest, body],
      );
      return { digest, bytes: body.length };
    },
    find: async (digest) => {
      const [row] = await database.query<{ readonly body: Uint8Array }>(
        'select body from evidence where digest = $1',
        [digest],
      );
      if (row === undefined) return { kind: 'gone' };
      if (hash('sha256', row.body, 'hex') !== digest) return { kind: 'changed' };
      const evidence = evidenceSchema.safeParse(JSON.parse(Buffer.from(row.body).toString('utf8')));
      return evidence.success ? { kind: 'kept', evidence: evidence.data } : { kind: 'changed' };
    },
  };
}
