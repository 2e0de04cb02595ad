// Documents of evidence: which key an entry has to name, for a document that is kept a second time as well.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EvidenceStore, PushRefs } from '../../core/activity/evidence.ts';
import { createEvidenceStore } from '../../server/activity/evidence-store.ts';
import { createEvidenceSeal } from '../../server/audit/sealing/evidence-seal.ts';
import { createSealing } from '../../server/audit/sealing/sealing.ts';
import { openWrappingKey } from '../../server/audit/sealing/wrapping-key.ts';
import { auditBench, type AuditBench } from '../support/audit.ts';

let bench: AuditBench;
let evidence: EvidenceStore;

beforeAll(async () => {
  bench = await auditBench();
  const sealing = createSealing(await openWrappingKey(bench.database, bench.dataDir, undefined));
  const clock = { now: () => bench.now };
  evidence = createEvidenceStore(bench.database, createEvidenceSeal(bench.database, sealing, clock));
});
afterAll(() => bench[Symbol.asyncDispose]());

const documentOf = (request: string): PushRefs => ({
  v: 1,
  kind: 'push-refs',
  request,
  repository: 'hub/acme/kept',
  part: 1,
  updates: [],
});

test('an equal document of an earlier month keeps its key, and that is the one that is told', async () => {
  bench.now = new Date('2026-03-31T23:59:59.000Z');
  const first = await evidence.keep(documentOf('one'));
  bench.now = new Date('2026-04-01T00:00:01.000Z');
  const [again, other] = [await evidence.keep(documentOf('one')), await evidence.keep(documentOf('two'))];
  expect(again).toEqual(first);
  expect(other.key).not.toBe(first.key);
  const rows = await bench.database.query<{ readonly digest: string; readonly key: string }>(
    'select digest, key from evidence order by digest collate "C"',
  );
  const told = [first, other].map(({ digest, key }) => ({ digest, key }));
  expect(rows).toEqual(told.toSorted((left, right) => (left.digest < right.digest ? -1 : 1)));
  expect(await evidence.find(again.digest)).toEqual({ kind: 'kept', evidence: documentOf('one') });
});

test('one that was destroyed stays so, and is told with the key that it went with', async () => {
  bench.now = new Date('2026-05-31T12:00:00.000Z');
  const first = await evidence.keep(documentOf('gone'));
  await bench.tamper('update evidence set body = null where digest = $1', [first.digest]);
  bench.now = new Date('2026-06-01T12:00:00.000Z');
  expect(await evidence.keep(documentOf('gone'))).toEqual(first);
  expect(await evidence.find(first.digest)).toEqual({ kind: 'destroyed' });
});
