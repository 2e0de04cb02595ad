// The ledger of what the guard has forwarded, read from entries of the log and from the lists that they name.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AuditEvent } from '../../../core/audit-event.ts';
import type { EvidenceStore, PushRefs } from '../../../core/activity/evidence.ts';
import { createLedger, type Ledger } from '../../../github-app/bypass/ledger.ts';
import { refKey } from '../../../github-app/bypass/ref-key.ts';
import { createEvidenceStore } from '../../../server/activity/evidence-store.ts';
import { createAuditFeed } from '../../../server/audit/feed.ts';
import { createEvidenceSeal } from '../../../server/audit/sealing/evidence-seal.ts';
import { createSealing, type Sealing } from '../../../server/audit/sealing/sealing.ts';
import { openWrappingKey } from '../../../server/audit/sealing/wrapping-key.ts';
import { auditBench, type AuditBench } from '../../support/audit.ts';

const count = 10_000;
const repository = 'hub/acme/many';
let bench: AuditBench;
let evidence: EvidenceStore;
let ledger: Ledger;
let sealing: Sealing;

beforeAll(async () => {
  bench = await auditBench();
  sealing = createSealing(await openWrappingKey(bench.database, bench.dataDir, undefined));
  evidence = createEvidenceStore(
    bench.database,
    createEvidenceSeal(bench.database, sealing, { now: () => bench.now }),
  );
  const feed = createAuditFeed(bench.database, sealing);
  ledger = createLedger({ database: bench.database, feed, evidence, forges: new Set(['hub']) });
});
afterAll(() => bench[Symbol.asyncDispose]());

const oid = (at: number): string => at.toString(16).padStart(40, '0');
const updatesOf = (from: number, to: number): PushRefs['updates'] =>
  Array.from({ length: to - from }, (_, at) => ({
    ref: `refs/heads/agent/${from + at}`,
    kind: 'create',
    old: oid(0),
    new: oid(from + at + 1),
  }));

/** A push of so many refs whose list stands in parts of a thousand. */
async function decide(request: string): Promise<readonly string[]> {
  const lists: { digest: string; count: number }[] = [];
  for (let from = 0; from < count; from += 1_000) {
    const updates = updatesOf(from, from + 1_000);
    const part = lists.length + 1;
    const { digest } = await evidence.keep({ v: 1, kind: 'push-refs', request, repository, part, updates });
    lists.push({ digest, count: updates.length });
  }
  const decided: AuditEvent = {
    action: 'push.decided',
    request,
    actor: null,
    repository,
    details: {
      verdict: 'allow',
      refUpdates: updatesOf(0, 100).map(({ ref, kind, old, new: now }) => ({ ref, kind, old, new: now })),
      refUpdateCount: count,
      refLists: lists,
    },
  };
  await using log = await bench.open({ sealing });
  await log.append(decided);
  await log.append({ ...decided, action: 'push.forwarded', details: { landed: count, refused: 0 } });
  return lists.map(({ digest }) => digest);
}

const forwards = (request: string): Promise<readonly { readonly position: number; readonly key: string }[]> =>
  bench.database.query(
    'select position, ref_key as key from github_forward where request = $1 order by position',
    [request],
  );
const unlisted = (): Promise<readonly object[]> =>
  bench.database.query('select request, missing, state from github_unlisted');

test('a push of 10,000 refs is known by all of them, in order', async () => {
  await decide('r-whole');
  await ledger.catchUp();
  const rows = await forwards('r-whole');
  expect(rows).toHaveLength(count);
  expect(rows[9_999]).toEqual({ position: count, key: refKey('refs/heads/agent/9999') });
  expect(await unlisted()).toEqual([]);
});

test('parts that are gone or changed are counted, and what the entry has of them is known', async () => {
  const digests = await decide('r-torn');
  await bench.tamper('delete from evidence where digest = any ($1)', [[digests[0], digests[4]]]);
  await bench.tamper(`update evidence set body = '\\x00' where digest = $1`, [digests[9]]);
  await ledger.catchUp();
  const rows = await forwards('r-torn');
  expect(rows).toHaveLength(7_000 + 100);
  expect([rows[0]?.key, rows[100]?.position]).toEqual([refKey('refs/heads/agent/0'), 1_001]);
  expect(await unlisted()).toEqual([{ request: 'r-torn', missing: 2_900, state: 'landed' }]);
});
