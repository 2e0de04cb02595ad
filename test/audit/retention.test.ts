// How long entries are kept: nothing younger than the floor is pruned, no wrong clock prunes anything, holds keep entries,
// and what is left can still be verified by everybody.
import { generateKeyPairSync, hash, randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseEntry } from '../../core/audit-entry.ts';
import { createSigner, openCheckpoint, signatureTypes } from '../../core/checkpoint.ts';
import { cosign } from '../../core/cosignature.ts';
import { leafHash } from '../../core/merkle.ts';
import { verifyConsistency, verifyInclusion } from '../../core/merkle-proof.ts';
import { startClockWatch } from '../../server/audit/clock-watch.ts';
import { listEntries } from '../../server/audit/list.ts';
import type { DurableAuditLog } from '../../server/audit/log.ts';
import { planPack, writePack } from '../../server/audit/pack/export.ts';
import { openPack } from '../../server/audit/pack/unpack.ts';
import { proveConsistency, proveInclusion } from '../../server/audit/proofs.ts';
import { agreedTime } from '../../server/audit/retention/agreed-time.ts';
import { addHold, releaseHold } from '../../server/audit/retention/hold.ts';
import { previewPruning, prune, type Pruned, type PruneOptions } from '../../server/audit/retention/prune.ts';
import { witnessAttestor } from '../../server/audit/retention/witnessed-time.ts';
import { createSealing } from '../../server/audit/sealing/sealing.ts';
import { insertCosignature, readEntries } from '../../server/audit/store.ts';
import { readTile } from '../../server/audit/tiles.ts';
import { forgeguard } from '../cli/program.ts';
import { auditBench, type AuditBench, auditEvent, auditEvents } from '../support/audit.ts';
import { bothVerifiersFind } from '../support/pack-verifiers.ts';

const dayMs = 86_400_000;
const retentionDays = 2_192;
const daysAgo = (days: number): Date => new Date(Date.now() - days * dayMs);
const today = new Date();
const clock = { now: () => new Date() };

const optionsOf = (bench: AuditBench, more: Partial<PruneOptions> = {}): PruneOptions => ({
  database: bench.database,
  dataDir: bench.dataDir,
  clock,
  retentionDays,
  attestors: [],
  told: today,
  person: 'local:test',
  ...more,
});

async function append(bench: AuditBench, at: Date, count: number, name = 'request'): Promise<string> {
  bench.now = at;
  await using log = await bench.open();
  const events = Array.from({ length: count }, (_, number) =>
    auditEvent(`${name}-${number}`, 'fetch.served'),
  );
  await Promise.all(events.map((event) => log.append(event)));
  return log.head.note;
}

/** 600 entries a day older than the floor, 300 a day younger. */
async function oldLog(): Promise<AuditBench & { readonly notes: readonly string[] }> {
  const bench = await auditBench();
  const notes = [
    await append(bench, daysAgo(retentionDays + 2), 100, 'first'),
    await append(bench, daysAgo(retentionDays + 1), 500, 'old'),
    await append(bench, daysAgo(retentionDays - 1), 300, 'young'),
  ];
  return Object.assign(bench, { notes });
}

const indexes = async (bench: AuditBench): Promise<readonly number[]> =>
  (await readEntries(bench.database, 0, 10_000)).map(({ index }) => index);

describe('what is older than the floor', () => {
  let bench: Awaited<ReturnType<typeof oldLog>>;
  let previewed: Pruned;
  let afterPreview: number;
  let pruned: Pruned;
  beforeAll(async () => {
    bench = await oldLog();
    previewed = await previewPruning(optionsOf(bench));
    afterPreview = (await indexes(bench)).length;
    pruned = await prune(optionsOf(bench));
  });
  afterAll(() => bench[Symbol.asyncDispose]());

  test('is gone in whole tiles, and nothing younger is', async () => {
    expect(previewed).toMatchObject({ removed: 512, plan: { past: 512 } });
    expect(afterPreview).toBe(900);
    expect(pruned).toMatchObject({ removed: 512, held: 0 });
    expect(await indexes(bench)).toEqual(Array.from({ length: 389 }, (_, at) => 512 + at));
    const left = (await readEntries(bench.database, 0, 10_000)).map(({ body }) => parseEntry(body));
    expect(left.filter((entry) => entry?.request.startsWith('young-')).length).toBe(300);
  });

  test('is on record before it went', async () => {
    const entry = parseEntry((await readEntries(bench.database, 900, 1))[0]?.body ?? Buffer.of());
    expect(entry).toMatchObject({
      action: 'audit.pruned',
      details: { past: 512, before: 0, entries: 512, held: 0, holds: [], retentionDays, by: 'local:test' },
    });
    expect(entry?.details['root']).toMatch(/^[A-Za-z0-9+/]{43}=$/);
  });

  test('a second time there is nothing to do, and nothing is recorded', async () => {
    expect(await prune(optionsOf(bench))).toMatchObject({ removed: 0 });
    expect((await indexes(bench)).length).toBe(389);
  });

  test('the log verifies, against every checkpoint that was kept as well', async () => {
    expect(await bench.verify(bench.notes)).toMatchObject({ ok: true, size: 901, pruned: 512, problems: [] });
    const run = await forgeguard(bench.dataDir, ['audit', 'verify'], {
      FORGEGUARD_DATA_DIR: bench.dataDir,
      DATABASE_URL: bench.url,
    });
    expect(run).toMatchObject({ code: 0, stderr: '' });
    expect(run.stdout).toContain('\npruned       512\nok\n');
  });

  test('proofs of later entries and from earlier sizes hold', async () => {
    const key = await bench.key();
    const [first, , last] = bench.notes.map((note) => openCheckpoint(note, key));
    if (first === undefined || last === undefined) throw new Error('a checkpoint does not open');
    const proof = await proveInclusion(bench.database, 600, last.size);
    if (proof === undefined) throw new Error('there is no proof');
    const leaf = leafHash(proof.entry.body);
    const claim = { index: 600, size: last.size, leaf, root: last.root, proof: proof.hashes };
    expect(verifyInclusion(claim)).toBe(true);
    const hashes = await proveConsistency(bench.database, first.size, last.size);
    const [oldSize, newSize] = [first.size, last.size];
    const continued = { oldSize, newSize, oldRoot: first.root, newRoot: last.root, proof: hashes ?? [] };
    expect(verifyConsistency(continued)).toBe(true);
  });

  test('pruned entries are denied by name', async () => {
    const denied = /pruned: those before 512 were older than they are kept for/;
    await expect(proveInclusion(bench.database, 100, 901)).rejects.toThrow(denied);
    await expect(readTile(bench.database, { level: 'entries', index: 1, width: 256 })).rejects.toMatchObject(
      denied,
    );
    expect((await readTile(bench.database, { level: 0, index: 1, width: 256 }))?.length).toBe(8_192);
    const long = { from: daysAgo(9_000), to: daysAgo(8_000) };
    await expect(planPack(bench.database, await bench.key(), long)).rejects.toThrow(denied);
  });

  test('lists begin with what is there', async () => {
    const listed: number[] = [];
    for await (const { entry } of listEntries(bench.database, 900, { from: daysAgo(3_000) }))
      listed.push(entry.index);
    expect(listed).toEqual(Array.from({ length: 388 }, (_, at) => 512 + at));
  });

  test.each([
    ['everything', {}, 512],
    ['a period that begins before', { from: daysAgo(5_000), to: daysAgo(retentionDays) }, 512],
    ['a period that begins after', { from: daysAgo(retentionDays), to: daysAgo(1_000) }, 600],
  ])('a pack of %s is sound to both verifiers', async (_name, period, first) => {
    const key = await bench.key();
    const plan = await planPack(bench.database, key, period);
    expect(plan.first).toBe(first);
    const path = join(bench.dataDir, `${first}-${Object.keys(period).length}.tar.gz`);
    await writePack(bench.database, plan, createWriteStream(path));
    await mkdir(`${path}.d`);
    const directory = await openPack(path, `${path}.d`);
    const kept = bench.notes.slice(1);
    expect(await bothVerifiersFind(directory, { key, kept, witnesses: [] })).toEqual([]);
  });

  test('the guard goes on', async () => {
    await using log = await bench.open();
    bench.now = new Date();
    await log.append(auditEvent('after'));
    expect(await bench.verify()).toMatchObject({ ok: true, pruned: 512 });
  });

  test('the rows cannot be deleted by hand, not even those that are old', async () => {
    for (const sql of [
      'delete from audit_entry where index = 600',
      `select set_config('forgeguard.pruning', 'on', false); delete from audit_entry where index = 600`,
      'select audit_prune(2, array[]::bigint[])',
      'delete from audit_pruned_tile',
      'truncate audit_entry',
    ])
      await expect(bench.database.query(sql)).rejects.toThrow(/may only be appended to/);
  });
});

test('documents go with the entries that name them, and what tells of keys stays', async () => {
  await using bench = await auditBench();
  const { database } = bench;
  const sealing = createSealing({ id: '0'.repeat(16), key: randomBytes(32) });
  const keep = async (log: DurableAuditLog, repository: string): Promise<string> => {
    const body = Buffer.from(repository);
    const digest = hash('sha256', body, 'hex');
    const document = { repository, month: bench.now.toISOString().slice(0, 7), digest, body };
    const { key, data } = await sealing.sealDocument(database, document);
    const values = [digest, key, data];
    await database.query('insert into evidence (digest, key, body) values ($1, $2, $3)', values);
    const event = auditEvent(repository, 'evidence.kept');
    await log.append({ ...event, repository, details: { kind: 'push-changes', digest, key } });
    return digest;
  };
  const kept: string[] = [];
  const telling = ['audit.keys-rewrapped', 'audit.fingerprint-key-rotated'] as const;
  for (const [days, names] of [
    [retentionDays + 2, ['hub/old', 'hub/held']],
    [10, ['hub/young']],
  ] as const) {
    bench.now = daysAgo(days);
    await using log = await bench.open();
    for (const name of names) kept.push(await keep(log, name));
    for (const action of telling) await log.append({ ...auditEvent('r', action), repository: null });
    await Promise.all(auditEvents(260).map((event) => log.append({ ...event, action: 'fetch.served' })));
  }
  await addHold(optionsOf(bench), {
    scope: { repository: 'hub/held' },
    reason: 'case',
    person: 'local:test',
  });
  expect(await prune(optionsOf(bench))).toMatchObject({ removed: 253, held: 1 });
  const rows = await database.query<{ digest: string }>('select digest from evidence');
  expect(rows.map(({ digest }) => digest).toSorted()).toEqual(kept.slice(1).toSorted());
  const left = (await readEntries(database, 0, 3)).map(({ body }) => parseEntry(body)?.action);
  expect(left).toEqual(['evidence.kept', 'audit.keys-rewrapped', 'audit.fingerprint-key-rotated']);
  expect(await bench.verify()).toMatchObject({ ok: true, pruned: 253 });
});

describe('a legal hold', () => {
  test('keeps the entries that it is about until it is released', async () => {
    await using bench = await oldLog();
    const person = 'local:counsel';
    const hold = { scope: { to: daysAgo(retentionDays + 1.5) }, reason: 'case 7', person };
    const id = await addHold(optionsOf(bench), hold);
    expect(await prune(optionsOf(bench))).toMatchObject({ removed: 412, held: 100 });
    expect((await indexes(bench)).slice(0, 101)).toEqual([
      ...Array.from({ length: 100 }, (_, at) => at),
      512,
    ]);
    expect(await bench.verify(bench.notes)).toMatchObject({ ok: true, pruned: 412 });
    // What is held can be listed and proved.
    expect(await proveInclusion(bench.database, 7, 900)).toMatchObject({ entry: { index: 7 } });

    await releaseHold(optionsOf(bench), { id, reason: 'case closed', person });
    await expect(releaseHold(optionsOf(bench), { id, reason: 'again', person })).rejects.toMatchObject({
      message: 'no hold with this id is in force',
    });
    expect(await prune(optionsOf(bench))).toMatchObject({ removed: 100, held: 0 });
    expect(await bench.verify(bench.notes)).toMatchObject({ ok: true, pruned: 512 });
    const told = (await readEntries(bench.database, 900, 10)).map(({ body }) => parseEntry(body));
    expect(told).toMatchObject([
      { action: 'audit.hold-added', details: { hold: id, reason: 'case 7', by: person } },
      { action: 'audit.pruned', details: { entries: 412, held: 100, holds: [id] } },
      { action: 'audit.hold-released', details: { hold: id, reason: 'case closed', by: person } },
      { action: 'audit.pruned', details: { entries: 100, held: 0, holds: [] } },
    ]);
  });

  test('by the commands', async () => {
    await using bench = await auditBench();
    await bench.write(auditEvents(3));
    const env = { FORGEGUARD_DATA_DIR: bench.dataDir, DATABASE_URL: bench.url };
    const hold = (...args: string[]) => forgeguard(bench.dataDir, ['audit', 'hold', ...args], env);
    const scope = ['--agent', 'agent:bot', '--repository', 'sandbox/demo'];
    const added = await hold('add', '--reason', 'case 9', '--from', '2026-01-01', ...scope);
    expect(added).toMatchObject({ code: 0, stderr: '' });
    const id = added.stdout.trim();
    expect((await hold('list')).stdout).toMatch(
      new RegExp(
        `^${id}  .*from 2026-01-01T00:00:00.000Z, agent agent:bot, repository sandbox/demo  case 9  in force\n$`,
      ),
    );
    expect(await hold('release', id, '--reason', 'over')).toMatchObject({ code: 0 });
    expect((await hold('list')).stdout).toMatch(/ released .* by local:.*: over\n$/);
    expect(await hold('add', '--reason', ' ')).toMatchObject({ code: 2, stdout: '' });
    const dry = await forgeguard(bench.dataDir, ['audit', 'prune', '--dry-run'], env);
    expect(dry).toMatchObject({ code: 2, stdout: '' });
    expect(dry.stderr).toContain('code: audit/clock');
    const day = new Date().toISOString().slice(0, 10);
    const ran = await forgeguard(bench.dataDir, ['audit', 'prune', '--dry-run', '--today', day], env);
    expect(ran.stdout).toMatch(/\nentries     before 0\nheld        0\nwould go    0\n$/);
  });
});

describe('a clock that is wrong', () => {
  test('prunes nothing when it jumps forward by years', async () => {
    await using bench = await oldLog();
    const jumped = { clock: { now: () => new Date(Date.now() + 2_000 * dayMs) } };
    await expect(prune(optionsOf(bench, jumped))).rejects.toThrow(
      'nothing was pruned, because the clocks do not agree: it is',
    );
    expect((await indexes(bench)).length).toBe(900);
  });

  const now = new Date('2026-11-21T12:00:00.000Z');
  const later = new Date('2031-11-21T12:00:00.000Z');
  const agreeing = { own: now, database: now, newestEntry: now, witnessed: now, told: undefined };
  test.each([
    ['this machine', { own: later }, 'for the database'],
    ['the database', { database: later }, 'for the database'],
    ['both, where a witness has signed', { own: later, database: later }, 'a witness has last signed at'],
    [
      'both, where a person knows the day',
      { own: later, database: later, witnessed: undefined, told: now },
      'the day that was told is 2026-11-21',
    ],
    ['the log, which is ahead', { newestEntry: later }, 'the newest entry is of 2031'],
    ['nobody, but nobody else says so', { witnessed: undefined }, 'only this machine says'],
  ])('%s: nothing is agreed on', (_name, wrong, message) => {
    expect(() => agreedTime({ ...agreeing, ...wrong })).toThrow(message);
  });
  test('the earliest counts', () => {
    const witnessed = new Date('2026-11-21T03:00:00.000Z');
    expect(agreedTime({ ...agreeing, witnessed })).toEqual(witnessed);
  });

  test('that was set back when entries came in does not make them old', async () => {
    await using bench = await oldLog();
    const privateKey = generateKeyPairSync('ed25519').privateKey;
    const witness = createSigner('witness.example.org', privateKey, signatureTypes.cosignature);
    const key = await bench.key();
    const sign = async (note: string, at: Date): Promise<void> => {
      const checkpoint = openCheckpoint(note, key);
      const line = cosign(checkpoint?.text ?? '', witness, at);
      const name = `${witness.name}+${witness.keyId}`;
      await insertCosignature(bench.database, checkpoint?.size ?? 0, name, line);
    };
    const options = optionsOf(bench, { attestors: [witnessAttestor(witness)], told: undefined });
    // The first 100 were cosigned in time, the next 500 only now: they are as young as that.
    await sign(bench.notes[0] ?? '', daysAgo(retentionDays + 2));
    await expect(previewPruning(options)).rejects.toMatchObject({ code: 'audit/clock' });
    await sign(bench.notes[1] ?? '', new Date());
    expect(await previewPruning(options)).toMatchObject({ removed: 0, plan: { past: 0 } });
    // Without the witness, their own time would have counted.
    expect(await previewPruning(optionsOf(bench))).toMatchObject({ removed: 512 });
  });

  test('is on record when it jumps while the guard runs', async () => {
    await using bench = await auditBench();
    await using log = await bench.open();
    let counted = 0;
    const watch = { clock: { now: () => bench.now }, append: log.append, monotonic: () => counted };
    using clockWatch = startClockWatch({ ...watch, everyMs: 3_600_000 });
    bench.now = new Date(bench.now.getTime() + 10_000);
    counted += 10_500;
    await clockWatch.look();
    bench.now = new Date(bench.now.getTime() + 5 * 365 * dayMs);
    await clockWatch.look();
    await clockWatch.look();
    const entries = (await readEntries(bench.database, 0, 10)).map(({ body }) => parseEntry(body));
    expect(entries).toMatchObject([
      { action: 'guard.clock-jumped', details: { milliseconds: 5 * 365 * dayMs } },
    ]);
  });
});

test('entries that are gone without an entry about it are missing', async () => {
  await using bench = await oldLog();
  await bench.tamper('insert into audit_pruning (past, entry) values (512, 600)');
  await bench.database.query('select audit_prune(0, array[]::bigint[])');
  expect(await bench.verify()).toMatchObject({
    ok: false,
    problems: [
      {
        kind: 'entry-missing',
        at: 0,
        message: 'of 0 to 255 entries are gone that no entry says were pruned',
      },
    ],
  });
});
