// The last checkpoint in a bucket: it only moves forward, whoever writes at once, and a restored database is behind it.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createSigner, parseCheckpoint, signCheckpoint } from '../../core/checkpoint.ts';
import { bucketCheckpointStore } from '../../server/audit/shared-checkpoint/bucket.ts';
import { readCheckpointFile } from '../../server/audit/checkpoint-file.ts';
import { readSigningKey } from '../../server/audit/signing-key.ts';
import { openS3Store } from '../../server/s3.ts';
import { auditBench, auditEvent, auditEvents } from '../support/audit.ts';
import { startS3Server } from '../support/s3-server.ts';

const prefix = 'log/';

test('shows a restored database to a guard that has seen nothing', async () => {
  await using server = await startS3Server();
  using bucket = openS3Store(server.settings);
  const checkpointStore = bucketCheckpointStore(bucket, prefix);
  await using bench = await auditBench();
  const first = await (async () => {
    await using log = await bench.open({ checkpointStore });
    await log.append(auditEvent('first'));
    return log.head.note;
  })();
  {
    await using log = await bench.open({ checkpointStore });
    await Promise.all(auditEvents(3).map((event) => log.append(event)));
  }
  const object = (await server.keys()).find((name) => name.endsWith('.checkpoint')) ?? '';
  expect(parseCheckpoint(await server.text(object))?.size).toBe(4);
  for (const table of [
    'audit_entry where index',
    'audit_checkpoint where size - 1',
    'audit_node where index',
  ])
    await bench.tamper(`delete from ${table} >= 1`);
  const behind = await bench.anotherDataDir();
  await writeFile(join(behind, 'audit-checkpoint'), first);
  await expect(bench.open({ dataDir: behind, checkpointStore })).rejects.toMatchObject({
    code: 'audit/inconsistent',
    message:
      'the database holds 1 audit entries, but 4 have been written: it was restored from a backup, or another database is in use',
  });
});

test('moves forward only, whoever writes at once', async () => {
  await using server = await startS3Server();
  using bucket = openS3Store(server.settings);
  await using bench = await auditBench();
  await bench.write([auditEvent('first')]);
  const { origin = '' } = parseCheckpoint((await readCheckpointFile(bench.dataDir)) ?? '') ?? {};
  const key = await readSigningKey(bench.dataDir);
  if (key === undefined) throw new Error('no key');
  const signer = createSigner(origin, key);
  const checkpoint = (size: number) => ({
    origin,
    size,
    note: signCheckpoint({ size, root: Buffer.alloc(32, size) }, signer),
  });
  const stores = Array.from({ length: 3 }, () => bucketCheckpointStore(bucket, prefix));
  const put = await Promise.all(stores.map((store, at) => store.advance(checkpoint(10 + at))));
  const [store] = stores;
  expect(parseCheckpoint((await store?.read(origin)) ?? '')?.size).toBe(12);
  expect(put[2]).toBe(true);
  expect(await store?.advance(checkpoint(12))).toBe(false);
  expect(await store?.advance(checkpoint(11))).toBe(false);
  expect(await store?.advance(checkpoint(13))).toBe(true);
  const conditions = server.requests
    .filter(({ method }) => method === 'PUT')
    .map(({ headers }) => headers['if-match'] ?? headers['if-none-match']);
  expect(conditions).not.toContain(undefined);
});

test('a store that replaces what is newer is refused, and one that is gone is told', async () => {
  await using server = await startS3Server();
  using bucket = openS3Store(server.settings);
  const checkpointStore = bucketCheckpointStore(bucket, prefix);
  server.conditions = false;
  await expect(checkpointStore.prepare()).rejects.toMatchObject({
    code: 'storage/failed',
    message: 'the bucket for checkpoints does not keep If-None-Match and If-Match',
  });
  server.conditions = true;
  server.fault = { status: 503, code: 'SlowDown' };
  await using bench = await auditBench();
  await expect(bench.open({ checkpointStore })).rejects.toMatchObject({ code: 'storage/failed' });
});
