// The signing key is changed while guards run: they sign with the new one, whoever knows any of the keys can verify, and
// a change that the key before did not sign is found.
import { generateKeyPairSync } from 'node:crypto';
import { copyFile, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { AuditEvent } from '../../core/audit-event.ts';
import {
  createSigner,
  openCheckpoint,
  parseVerifierKey,
  verifierKeyText,
  type NoteVerifier,
} from '../../core/checkpoint.ts';
import { prepareEvent } from '../../core/audit-entry.ts';
import { planBatch } from '../../server/audit/batch.ts';
import { loadHead } from '../../server/audit/head.ts';
import { rotateKey } from '../../server/audit/single-append.ts';
import { insertBatch, insertKey } from '../../server/audit/store.ts';
import { verifyLog, type Verification } from '../../server/audit/verify.ts';
import { auditBench, type AuditBench, auditEvent, auditEvents } from '../support/audit.ts';

const rotationEvent = (previous: string, key: string): AuditEvent => ({
  action: 'audit.key-rotated',
  request: 'rotation',
  actor: null,
  repository: null,
  details: { previous, key, by: 'test' },
});

const rotate = (bench: AuditBench): ReturnType<typeof rotateKey> =>
  rotateKey(
    { database: bench.database, dataDir: bench.dataDir, clock: { now: () => bench.now } },
    rotationEvent,
  );

function keyOf(text: string): NoteVerifier {
  const key = parseVerifierKey(text);
  if (key === undefined) throw new Error('no key');
  return key;
}

const verifyWith = (bench: AuditBench, key: string, kept: readonly string[] = []): Promise<Verification> =>
  verifyLog(bench.database, { key: keyOf(key), kept });

test('a guard that runs goes on with the new key, and every key it ever had verifies the log', async () => {
  await using bench = await auditBench();
  await using log = await bench.open();
  const keys = [log.verifierKey];
  const notes: string[] = [];
  for (let round = 0; round < 3; round += 1) {
    for (const event of auditEvents(5)) await log.append(event);
    notes.push(log.head.note);
    const { previous, next } = await rotate(bench);
    expect(previous).toBe(keys.at(-1));
    keys.push(next);
    expect(await readFile(join(bench.dataDir, 'audit-verifier-key'), 'utf8')).toBe(`${next}\n`);
  }
  await Promise.all(auditEvents(20).map((event) => log.append(event)));
  notes.push(log.head.note);
  for (const [at, note] of notes.entries()) {
    expect(keys.map((key) => openCheckpoint(note, keyOf(key)) !== undefined)).toEqual(
      keys.map((_, other) => other === at),
    );
  }
  for (const key of keys) {
    expect(await verifyWith(bench, key, notes)).toMatchObject({ ok: true, size: 38, problems: [] });
  }
  expect((await stat(join(bench.dataDir, 'audit-signing-key'))).mode & 0o777).toBe(0o600);
});

test('the checkpoint over the change is signed by both keys', async () => {
  await using bench = await auditBench();
  await bench.write(auditEvents(3));
  const { previous, next } = await rotate(bench);
  const [row] = await bench.database.query<{ note: string }>(
    'select note from audit_checkpoint where size = 4',
  );
  expect(openCheckpoint(row?.note ?? '', keyOf(previous))?.size).toBe(4);
  expect(openCheckpoint(row?.note ?? '', keyOf(next))?.size).toBe(4);
  // And a guard starts with it.
  await bench.write([auditEvent('after')]);
  expect(await bench.verify()).toMatchObject({ ok: true, size: 5 });
});

test('a crash before the new key took its place is made good at the next start', async () => {
  await using bench = await auditBench();
  await bench.write(auditEvents(3));
  const path = join(bench.dataDir, 'audit-signing-key');
  await copyFile(path, join(bench.dataDir, 'before'));
  await rotate(bench);
  await rename(path, `${path}.next`);
  await rename(join(bench.dataDir, 'before'), path);
  await bench.write([auditEvent('after')]);
  await expect(stat(`${path}.next`)).rejects.toMatchObject({ code: 'ENOENT' });
  expect(await bench.verify()).toMatchObject({ ok: true, size: 5 });
});

test('a guard without the new key writes nothing until it is there', async () => {
  await using bench = await auditBench();
  await bench.write(auditEvents(3));
  const dataDir = await bench.anotherDataDir();
  await using other = await bench.open({ dataDir, writeDeadlineMs: 2_000 });
  await other.append(auditEvent('before'));
  await rotate(bench);
  await expect(other.append(auditEvent('between'))).rejects.toMatchObject({ code: 'audit/unavailable' });
  await expect(bench.open({ dataDir: await copyOf(bench, dataDir) })).rejects.toMatchObject({
    code: 'audit/unavailable',
  });
  await copyFile(join(bench.dataDir, 'audit-signing-key'), join(dataDir, 'audit-signing-key'));
  await expect.poll(() => other.append(auditEvent('after'))).toHaveProperty('index');
  await other[Symbol.asyncDispose]();
  expect(await bench.verify()).toMatchObject({ ok: true, problems: [] });
});

/** A further data directory with the files of `dataDir`. */
async function copyOf(bench: AuditBench, dataDir: string): Promise<string> {
  const copy = await bench.anotherDataDir();
  for (const name of ['audit-signing-key', 'audit-checkpoint'])
    await copyFile(join(dataDir, name), join(copy, name));
  return copy;
}

describe('somebody with all rights on the database but without the key', () => {
  test('cannot bring one of his own', async () => {
    await using bench = await auditBench();
    await bench.write(auditEvents(3));
    const key = await bench.key();
    const own = createSigner(key.name, generateKeyPairSync('ed25519').privateKey);
    const session = await bench.database.session();
    const head = await loadHead(session, [{ since: -1, key }]);
    const event = prepareEvent(rotationEvent(verifierKeyText(key), verifierKeyText(own)), bench.now);
    const plan = planBatch(head, [event], own);
    await insertBatch(session, plan.stored, 0);
    await insertKey(session, plan.stored.firstIndex, verifierKeyText(own));
    session.destroy();
    for (const known of [key, own]) {
      const found = await verifyWith(bench, verifierKeyText(known));
      expect(found.problems).toContainEqual({
        kind: 'key-change-unsigned',
        at: 3,
        message: `the key before, ${key.keyId}, has not signed the new one`,
      });
    }
    await expect(bench.open()).rejects.toMatchObject({ code: 'audit/unavailable' });
  });

  test('cannot hide a change: the entry tells of it', async () => {
    await using bench = await auditBench();
    await bench.write(auditEvents(3));
    const { previous, next } = await rotate(bench);
    await bench.write([auditEvent('after')]);
    await bench.tamper('delete from audit_key');
    expect(await verifyWith(bench, previous)).toMatchObject({ ok: true, size: 5 });
    expect(await verifyWith(bench, next)).toMatchObject({ ok: false });
  });

  test('cannot have the log go back behind it', async () => {
    await using bench = await auditBench();
    await bench.write(auditEvents(3));
    const { previous, next } = await rotate(bench);
    await bench.tamper('delete from audit_key');
    await bench.tamper('delete from audit_entry where index >= 3');
    await bench.tamper('delete from audit_checkpoint where size > 3');
    expect((await verifyWith(bench, next)).problems[0]).toMatchObject({ kind: 'checkpoint-unsigned' });
    expect(await verifyWith(bench, previous)).toMatchObject({ ok: true });
    await expect(bench.open()).rejects.toMatchObject({ code: 'audit/inconsistent' });
  });
});

test('a stranger’s key verifies nothing', async () => {
  await using bench = await auditBench();
  await bench.write(auditEvents(3));
  await rotate(bench);
  const { name } = await bench.key();
  const stranger = createSigner(name, generateKeyPairSync('ed25519').privateKey);
  const found = await verifyWith(bench, verifierKeyText(stranger));
  expect(found.problems[0]).toEqual({
    kind: 'key-unknown',
    at: 0,
    message: `${name}, key ${stranger.keyId}, is none of the keys that the log had`,
  });
});

test('a key that is no key is not taken', async () => {
  await using bench = await auditBench();
  await bench.write(auditEvents(3));
  await writeFile(join(bench.dataDir, 'audit-signing-key'), 'nonsense', { mode: 0o600 });
  await expect(rotate(bench)).rejects.toMatchObject({ code: 'audit/inconsistent' });
});
