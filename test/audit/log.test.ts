// What the log promises to its callers: order, durability with each receipt, attempts, its key, and no second writer.
import { chmod, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseEntry } from '../../core/audit-entry.ts';
import { openCheckpoint, parseVerifierKey } from '../../core/checkpoint.ts';
import { leafHash } from '../../core/merkle.ts';
import { verifyConsistency, verifyInclusion } from '../../core/merkle-proof.ts';
import { proveConsistency, proveInclusion } from '../../server/audit/proofs.ts';
import { readEntries } from '../../server/audit/store.ts';
import { auditBench, auditEvent, auditEvents } from '../support/audit.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('appending', () => {
  test('receipts count up, and each is covered by a signed checkpoint when it is given', async () => {
    await using bench = await auditBench();
    await using log = await bench.open({ origin: 'guard.example.com/audit' });
    const key = parseVerifierKey(log.verifierKey);
    for (let index = 0; index < 5; index += 1) {
      expect(await log.append(auditEvent(`request-${index}`))).toEqual({ index });
      const [row] = await bench.database.query<{ note: string }>(
        'select note from audit_checkpoint order by size desc limit 1',
      );
      const checkpoint = key === undefined ? undefined : openCheckpoint(row?.note ?? '', key);
      expect(checkpoint).toMatchObject({ origin: 'guard.example.com/audit', size: index + 1 });
      expect(hex(checkpoint?.root ?? new Uint8Array())).toBe(hex(log.head.root));
    }
    expect(await bench.verify()).toMatchObject({ ok: true, size: 5, checkpoints: 5, problems: [] });
  });

  test('many at once share transactions, in the order of the calls', async () => {
    await using bench = await auditBench();
    await using log = await bench.open();
    const receipts = await Promise.all(auditEvents(1_500).map((event) => log.append(event)));
    expect(receipts.map(({ index }) => index)).toEqual(receipts.map((_, at) => at));
    const rows = await readEntries(bench.database, 0, 2_000);
    expect(rows.map(({ body }) => parseEntry(body)?.request)).toEqual(rows.map((_, at) => `request-${at}`));
    const result = await bench.verify();
    expect(result).toMatchObject({ ok: true, size: 1_500 });
    // 512 entries a batch at most.
    expect(result.checkpoints).toBeLessThanOrEqual(4);
  });

  test('a closed log refuses, and one that is opened again goes on', async () => {
    await using bench = await auditBench();
    const log = await bench.open();
    const last = log.append(auditEvent('request-0'));
    await log[Symbol.asyncDispose]();
    expect(await last).toEqual({ index: 0 });
    await expect(log.append(auditEvent('request-1'))).rejects.toMatchObject({
      code: 'audit/unavailable',
      message: "couldn't write the audit log: it is being closed",
    });
    await using again = await bench.open();
    expect(again.origin).toBe(log.origin);
    expect(again.verifierKey).toBe(log.verifierKey);
    expect(await again.append(auditEvent('request-1'))).toEqual({ index: 1 });
  });

  test('an event that is no JSON is refused and does not stop others', async () => {
    await using bench = await auditBench();
    await using log = await bench.open();
    const bad = log.append({ ...auditEvent('bad'), details: { size: Number.POSITIVE_INFINITY } });
    const good = log.append(auditEvent('good'));
    await expect(bad).rejects.toMatchObject({ code: 'internal' });
    expect(await good).toEqual({ index: 0 });
  });

  test('a full queue refuses at once', async () => {
    await using bench = await auditBench();
    await using log = await bench.open({ maxQueued: 3 });
    const settled = await Promise.allSettled(auditEvents(5).map((event) => log.append(event)));
    expect(settled.map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'fulfilled',
      'rejected',
      'rejected',
    ]);
    expect(settled[4]).toMatchObject({
      reason: { code: 'audit/unavailable', message: "couldn't write the audit log: too many entries wait" },
    });
    expect(await log.append(auditEvent('later'))).toEqual({ index: 3 });
  });

  test('large events are counted by their size as well', async () => {
    await using bench = await auditBench();
    await using log = await bench.open({ writeDeadlineMs: 20_000 });
    const note = 'x'.repeat(60_000);
    const events = Array.from({ length: 1_200 }, (_, at) =>
      auditEvent(`request-${at}`, 'push.received', note),
    );
    const settled = await Promise.allSettled(events.map((event) => log.append(event)));
    const refused = settled.filter(({ status }) => status === 'rejected');
    // 64 MiB of them may wait.
    expect(refused.length).toBeGreaterThan(50);
    expect(refused.length).toBeLessThan(150);
    expect(await bench.verify()).toMatchObject({ ok: true, size: events.length - refused.length });
  });

  test('times never run backwards, and a clock that was set back is on record', async () => {
    await using bench = await auditBench();
    await bench.write([auditEvent('request-0')]);
    bench.now = new Date('2026-02-01T00:00:00.000Z');
    await bench.write([auditEvent('request-1')]);
    const [, entry] = (await readEntries(bench.database, 0, 2)).map(({ body }) => parseEntry(body));
    expect(entry).toMatchObject({ time: '2026-03-01T12:00:00.000Z', observed: '2026-02-01T00:00:00.000Z' });
    expect(await bench.verify()).toMatchObject({ ok: true });
  });
});

describe('attempts', () => {
  test('are open from their first entry to their outcome', async () => {
    await using bench = await auditBench();
    await using log = await bench.open();
    const decided = auditEvent('b', 'push.decided', 'why');
    await log.append(auditEvent('a'));
    await log.append(auditEvent('b'));
    await log.append(auditEvent('c'));
    await log.append(decided);
    await log.append(auditEvent('a', 'push.refused'));
    await log.append(auditEvent('d', 'identity.refused'));
    await log.append(auditEvent('e', 'fetch.served'));
    expect(await log.openAttempts()).toEqual([
      { request: 'b', last: decided },
      { request: 'c', last: auditEvent('c') },
    ]);
  });

  test('also where a batch holds several entries of one attempt', async () => {
    await using bench = await auditBench();
    await using log = await bench.open();
    await Promise.all([
      log.append(auditEvent('closed')),
      log.append(auditEvent('decided')),
      log.append(auditEvent('reopened', 'push.unknown')),
      log.append(auditEvent('decided', 'push.decided')),
      log.append(auditEvent('closed', 'push.forwarded')),
      log.append(auditEvent('reopened')),
    ]);
    const open = await log.openAttempts();
    expect(open.map(({ request, last }) => [request, last.action])).toEqual([
      ['decided', 'push.decided'],
      ['reopened', 'push.received'],
    ]);
  });
});

describe('proofs out of the database', () => {
  test('verify for every entry and every older size, across tiles', async () => {
    await using bench = await auditBench();
    await using log = await bench.open();
    const heads = [];
    for (const count of [1, 254, 3, 300, 42]) {
      await Promise.all(auditEvents(count).map((event) => log.append(event)));
      heads.push(log.head);
    }
    const { size, root } = log.head;
    expect(size).toBe(600);
    for (const index of [0, 1, 254, 255, 256, 257, 511, 512, 598, 599]) {
      const proof = await proveInclusion(bench.database, index, size);
      expect(proof).toBeDefined();
      if (proof === undefined) continue;
      const leaf = leafHash(proof.entry.body);
      expect(verifyInclusion({ index, size, leaf, root, proof: proof.hashes }), `${index}`).toBe(true);
    }
    for (const old of heads) {
      const proof = (await proveConsistency(bench.database, old.size, size)) ?? [];
      const claim = { oldSize: old.size, newSize: size, oldRoot: old.root, newRoot: root, proof };
      expect(verifyConsistency(claim), `${old.size}`).toBe(true);
    }
    expect(await proveInclusion(bench.database, 600, 600)).toBeUndefined();
    expect(await proveConsistency(bench.database, 601, 600)).toBeUndefined();
    await expect(proveConsistency(bench.database, 600, 601)).rejects.toMatchObject({
      code: 'audit/inconsistent',
    });
  });
});

describe('the data directory', () => {
  test('holds the key for its owner only, and the checkpoint of the last entry', async () => {
    await using bench = await auditBench();
    await bench.write(auditEvents(3));
    const files = ['audit-signing-key', 'audit-checkpoint', 'audit-verifier-key'];
    const modes = await Promise.all(
      files.map(async (name) => (await stat(join(bench.dataDir, name))).mode & 0o777),
    );
    expect(modes).toEqual([0o600, 0o600, 0o644]);
    const checkpoint = openCheckpoint(
      await readFile(join(bench.dataDir, 'audit-checkpoint'), 'utf8'),
      await bench.key(),
    );
    expect(checkpoint?.size).toBe(3);
  });

  test('without its key a log with entries does not start', async () => {
    await using bench = await auditBench();
    await bench.write(auditEvents(1));
    const path = join(bench.dataDir, 'audit-signing-key');
    await rm(path);
    await expect(bench.open()).rejects.toMatchObject({
      code: 'audit/inconsistent',
      message: `the audit log has a history, but its signing key ${path} is missing`,
    });
    await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('a key that others can read is refused', async () => {
    await using bench = await auditBench();
    await bench.write(auditEvents(1));
    const path = join(bench.dataDir, 'audit-signing-key');
    await chmod(path, 0o640);
    await expect(bench.open()).rejects.toMatchObject({
      code: 'audit/inconsistent',
      message: `${path} has mode 0640: others may have read the signing key. If nobody has, run chmod 600 on it`,
    });
  });

  test('without its checkpoint a log with entries does not start', async () => {
    await using bench = await auditBench();
    await bench.write(auditEvents(1));
    await rm(join(bench.dataDir, 'audit-checkpoint'));
    await expect(bench.open()).rejects.toMatchObject({
      code: 'audit/inconsistent',
      message: `the audit log has entries, but no checkpoint in ${bench.dataDir}`,
    });
  });
});

describe('the database', () => {
  test.each(['audit_entry', 'audit_node', 'audit_checkpoint'])('refuses to change %s', async (table) => {
    await using bench = await auditBench();
    await using log = await bench.open();
    await Promise.all(auditEvents(300).map((event) => log.append(event)));
    const column = table === 'audit_checkpoint' ? 'note' : table === 'audit_entry' ? 'leaf_hash' : 'hash';
    for (const sql of [
      `update ${table} set ${column} = ${column}`,
      `delete from ${table}`,
      `truncate ${table}`,
    ]) {
      await expect(bench.database.query(sql)).rejects.toMatchObject({ code: '23001' });
    }
    expect(await bench.verify()).toMatchObject({ ok: true, size: 300 });
  });

  test('two programs with one data directory do not run at once', async () => {
    await using bench = await auditBench();
    const first = await bench.open();
    await first.append(auditEvent('request-0'));
    await expect(bench.open({ lockWaitMs: 200 })).rejects.toMatchObject({
      code: 'audit/unavailable',
      message: 'another guard writes the audit log with this data directory: stop it first',
    });
    const waiting = bench.open({ lockWaitMs: 10_000 });
    await first.append(auditEvent('request-1'));
    await first[Symbol.asyncDispose]();
    await using second = await waiting;
    expect(await second.append(auditEvent('request-2'))).toEqual({ index: 2 });
  });
});
