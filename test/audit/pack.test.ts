// Evidence packs: what is in them, and that two verifiers which share no code find every change, in the same words.
import { createHash, generateKeyPairSync } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuditEvent } from '../../core/audit-event.ts';
import {
  createSigner,
  signatureTypes,
  signCheckpoint,
  verifierKeyText,
  type NoteVerifier,
} from '../../core/checkpoint.ts';
import { cosign } from '../../core/cosignature.ts';
import { planPack, writePack, type Period } from '../../server/audit/pack/export.ts';
import { keysSchema } from '../../server/audit/pack/pack-layout.ts';
import { openPack } from '../../server/audit/pack/unpack.ts';
import { rotateKey } from '../../server/audit/single-append.ts';
import { readSigningKey } from '../../server/audit/signing-key.ts';
import { insertCosignature } from '../../server/audit/store.ts';
import { auditBench, type AuditBench, auditEvent, auditEvents } from '../support/audit.ts';
import { forgePack, type ForgedPack, tileOver } from '../support/forged-pack.ts';
import { bothVerifiersFind, verifierKey } from '../support/pack-verifiers.ts';
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts';
import { leafOf, rootOver } from '../support/tile-reader.ts';

const policyText = 'version: 1\nrules: []\n';
const digest = createHash('sha256').update(policyText).digest('hex');
const policyEvent: AuditEvent = {
  ...auditEvent('policy', 'policy.loaded'),
  details: { digest, source: 'test', text: policyText },
};
const period: Period = {
  from: new Date('2026-03-02T00:00:00.000Z'),
  to: new Date('2026-03-03T00:00:00.000Z'),
};

const witness = createSigner(
  'witness.example.org',
  generateKeyPairSync('ed25519').privateKey,
  signatureTypes.cosignature,
);

let bench: AuditBench;
let files: TemporaryDirectory;
/** The unpacked pack of the second day: entries 306 to 506 of 607. */
let pack: string;
/** The verifier keys, oldest first. */
const keys: string[] = [];
let notes: readonly string[];
let count = 0;

async function append(events: readonly AuditEvent[], atOnce: boolean): Promise<string> {
  await using log = await bench.open();
  if (atOnce) await Promise.all(events.map((event) => log.append(event)));
  else for (const event of events) await log.append(event);
  return log.head.note;
}

async function rotate(): Promise<void> {
  const { database, dataDir } = bench;
  const { previous, next } = await rotateKey(
    { database, dataDir, clock: { now: () => bench.now } },
    (before, key) => ({
      ...auditEvent('rotation', 'audit.key-rotated'),
      details: { previous: before, key, by: 'test' },
    }),
  );
  if (keys.length === 0) keys.push(previous);
  keys.push(next);
}

const keyOf = (text: string | undefined) => verifierKey(text ?? '');

const newest = () => keyOf(keys.at(-1));

async function exportTo(name: string, wanted: Period): Promise<string> {
  const path = join(files.path, `${name}.tar.gz`);
  await writePack(bench.database, await planPack(bench.database, newest(), wanted), createWriteStream(path));
  return path;
}

async function unpacked(archive: string): Promise<string> {
  const scratch = join(files.path, `unpacked-${(count += 1)}`);
  await mkdir(scratch);
  return openPack(archive, scratch);
}

beforeAll(async () => {
  bench = await auditBench();
  files = await temporaryDirectory('pack');
  bench.now = new Date('2026-03-01T08:00:00.000Z');
  await append([policyEvent, ...auditEvents(4)], false);
  await rotate();
  const early = await append(auditEvents(300), true);
  bench.now = new Date('2026-03-02T08:00:00.000Z');
  const middle = await append(auditEvents(10), false);
  await rotate();
  await append(auditEvents(190), true);
  bench.now = new Date('2026-03-03T08:00:00.000Z');
  await append(auditEvents(20), true);
  await rotate();
  const late = await append(auditEvents(79), true);
  notes = [early, middle, late];
  const line = cosign(late.slice(0, late.indexOf('\n\n') + 1), witness, bench.now);
  await insertCosignature(bench.database, 607, `${witness.name}+${witness.keyId}`, line);
  pack = await unpacked(await exportTo('day', period));
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
  await files.remove();
});

/** What both verifiers find, which must be the same. */
function bothFind(
  directory: string,
  key = keys.at(-1) ?? '',
  kept: readonly string[] = [],
  witnesses: readonly NoteVerifier[] = [],
): Promise<readonly string[]> {
  return bothVerifiersFind(directory, { key: keyOf(key), kept, witnesses });
}

const lastBundle = 'tile/entries/001';

describe('a sound pack', () => {
  test('is sound to both, with every key and with what somebody kept', async () => {
    expect(keys.length).toBe(4);
    for (const key of keys) expect(await bothFind(pack, key, notes)).toEqual([]);
  });

  test('holds the entries of its period, and what they refer to', async () => {
    const manifest: unknown = JSON.parse(await readFile(join(pack, 'manifest.json'), 'utf8'));
    expect(manifest).toMatchObject({ first: 306, past: 507, size: 607, from: period.from?.toISOString() });
    const [name] = await readdir(join(pack, 'entries'));
    const lines = (await readFile(join(pack, 'entries', name ?? ''), 'utf8')).trim().split('\n');
    expect(lines.length).toBe(201);
    expect(lines[0]).toContain('"index":306,');
    expect(await readFile(join(pack, 'policies', `${digest}.yaml`), 'utf8')).toBe(policyText);
    // The policy, the changes of the key, the neighbours; and the checkpoints in which a key agreed to the next.
    const proofs = ['0', '305', '5', '507', '527'].map((index) => `${index}.tlog-proof`);
    expect((await readdir(join(pack, 'proofs'))).toSorted()).toEqual(
      [...proofs, '528.consistency', '6.consistency', '607.consistency'].toSorted(),
    );
    expect(await readFile(join(pack, 'README.txt'), 'utf8')).toContain(keys.at(-1));
  });

  test('is the same bytes for the same log', async () => {
    const [first, second] = await Promise.all(['one', 'two'].map((name) => exportTo(name, period)));
    expect((await readFile(first ?? '')).equals(await readFile(second ?? ''))).toBe(true);
  });

  test.each<[string, Period]>([
    ['everything', {}],
    ['a beginning', { to: new Date('2026-03-02T00:00:00.000Z') }],
    ['an end', { from: new Date('2026-03-03T00:00:00.000Z') }],
  ])('of %s', async (_name, wanted) => {
    const directory = await unpacked(await exportTo(`part-${(count += 1)}`, wanted));
    expect(await bothFind(directory)).toEqual([]);
  });

  test('of a period without entries is not made', async () => {
    const wanted = { from: new Date('2027-01-01T00:00:00.000Z') };
    await expect(planPack(bench.database, newest(), wanted)).rejects.toMatchObject({
      code: 'audit/not-found',
    });
  });
});

/** Replaces the second bundle and the lines; the period's entries are from 306 to before 507. */
async function replaceEntries(
  forged: ForgedPack,
  change: (entries: readonly Buffer[]) => readonly Buffer[],
): Promise<readonly Buffer[]> {
  const entries = change(await forged.entries(lastBundle));
  await forged.putEntries(lastBundle, entries, entries.slice(306 - 256, 507 - 256));
  return entries;
}

const flip = (entry: Buffer): Buffer =>
  Buffer.from(entry.toString('utf8').replace('sandbox/demo', 'sandbox/dent'));
const lineChanged = 'the lines in entries/ are not the entries of the log (entry-changed)';

const keysOf = (text: string): z.output<typeof keysSchema> => keysSchema.parse(JSON.parse(text));

describe('both verifiers find', () => {
  const changes: readonly [string, (forged: ForgedPack) => Promise<unknown>, readonly string[]][] = [
    [
      'a flipped bit',
      (forged) => replaceEntries(forged, (all) => all.with(60, flip(all[60] ?? Buffer.of()))),
      [
        'problem at 316: its bytes are not those that its hash is of (entry-changed)',
        'problem at 317: the entries 316 to 316 are not those that were signed (checkpoint-contradicts)',
      ],
    ],
    [
      'an entry with its hash in the tile',
      async (forged) => {
        const all = await replaceEntries(forged, (entries) =>
          entries.with(100, flip(entries[100] ?? Buffer.of())),
        );
        await forged.put('tile/0/001', tileOver(all));
      },
      [
        'problem at 256: the tile tile/0/001 does not fit the tile above it (hash-changed)',
        'problem at 507: the entries 317 to 506 are not those that were signed (checkpoint-contradicts)',
      ],
    ],
    [
      'an entry with every hash up to the root',
      async (forged) => {
        const all = await replaceEntries(forged, (entries) =>
          entries.with(100, flip(entries[100] ?? Buffer.of())),
        );
        await forged.put('tile/0/001', tileOver(all));
        const above = await readFile(join(forged.directory, 'tile/1/000.p/2'));
        await forged.put('tile/1/000.p/2', Buffer.concat([above.subarray(0, 32), rootOver(all.map(leafOf))]));
      },
      [
        'problem at 507: the entries 317 to 506 are not those that were signed (checkpoint-contradicts)',
        'problem at 607: the tiles are not those of the tree that was signed (checkpoint-contradicts)',
      ],
    ],
    [
      'a dropped entry',
      (forged) => replaceEntries(forged, (all) => all.toSpliced(255, 1)),
      ['problem at 511: the entries 511 to 511 are missing (entry-missing)'],
    ],
    [
      'an added entry',
      (forged) => replaceEntries(forged, (all) => [...all, all[255] ?? Buffer.of()]),
      ['problem at 512: there are more entries than the log has (entry-misplaced)'],
    ],
    [
      'two entries in another order',
      (forged) =>
        replaceEntries(forged, (all) =>
          all.with(253, all[254] ?? Buffer.of()).with(254, all[253] ?? Buffer.of()),
        ),
      [
        'problem at 509: it says of itself that it is entry 510 (entry-misplaced)',
        'problem at 509: its bytes are not those that its hash is of (entry-changed)',
        'problem at 510: it says of itself that it is entry 509 (entry-misplaced)',
        'problem at 510: its bytes are not those that its hash is of (entry-changed)',
      ],
    ],
    [
      'a doubled entry',
      (forged) => replaceEntries(forged, (all) => all.with(255, all[254] ?? Buffer.of())),
      [
        'problem at 511: it says of itself that it is entry 510 (entry-misplaced)',
        'problem at 511: its bytes are not those that its hash is of (entry-changed)',
      ],
    ],
    [
      'lines that say something else',
      async (forged) => {
        const entries = await forged.entries(lastBundle);
        const lines = entries.slice(50, 251);
        await forged.putEntries(lastBundle, entries, lines.with(7, flip(lines[7] ?? Buffer.of())));
      },
      [`problem at 313: ${lineChanged}`],
    ],
    [
      'lines that leave out the last',
      async (forged) => {
        const entries = await forged.entries(lastBundle);
        await forged.putEntries(lastBundle, entries, entries.slice(50, 250));
      },
      [`problem at 506: ${lineChanged}`],
    ],
    [
      'another policy',
      (forged) => forged.put(`policies/${digest}.yaml`, `${policyText}# changed\n`),
      [
        `problem at 0: the file policies/${digest}.yaml is not the policy that it is named for (file-changed)`,
      ],
    ],
    [
      'a period that is claimed to be longer',
      (forged) => forged.claim({ from: '2026-03-01T00:00:00.000Z' }),
      ['problem at 306: it is not shown that no earlier entry is of the period (period-incomplete)'],
    ],
    [
      'a period without its neighbour',
      (forged) => forged.put('proofs/507.tlog-proof', undefined),
      ['problem at 507: it is not shown that no later entry is of the period (period-incomplete)'],
    ],
    [
      'a proof of something else',
      async (forged) => {
        const text = await forged.text('proofs/305.tlog-proof');
        await forged.put('proofs/305.tlog-proof', text.replace('index 305', 'index 304'));
      },
      [
        'problem at 304: the entry of proofs/305.tlog-proof is not in the log (proof-wrong)',
        'problem at 306: it is not shown that no earlier entry is of the period (period-incomplete)',
      ],
    ],
  ];

  test.each(changes)('%s', async (_name, change, expected) => {
    const forged = await forgePack(pack, join(files.path, `forged-${(count += 1)}`));
    await change(forged);
    await forged.seal();
    expect(await bothFind(forged.directory)).toEqual(expected.toSorted());
  });

  test('what was changed after packing, before they look any closer', async () => {
    const forged = await forgePack(pack, join(files.path, `forged-${(count += 1)}`));
    await forged.put('README.txt', 'Trust me.');
    await forged.put('proofs/0.tlog-proof', undefined);
    await forged.put('checkpoints/0000000000000001.jsonl', '');
    expect(await bothFind(forged.directory)).toEqual([
      'problem at 0: the file README.txt is not as it was packed (file-changed)',
      'problem at 0: the file checkpoints/0000000000000001.jsonl does not belong to the pack (file-unlisted)',
      'problem at 0: the file proofs/0.tlog-proof is missing (file-missing)',
    ]);
  });

  test('a wrong key', async () => {
    const { name } = newest();
    const stranger = createSigner(name, generateKeyPairSync('ed25519').privateKey);
    expect(await bothFind(pack, verifierKeyText(stranger))).toEqual([
      `problem at 0: ${name}, key ${stranger.keyId}, is none of the keys that the log had (key-unknown)`,
    ]);
  });

  test.each([500, 600])('a key that the one before did not sign, at %i', async (since) => {
    const forged = await forgePack(pack, join(files.path, `forged-${(count += 1)}`));
    const told = keysOf(await forged.text('keys.json')).filter((one) => one.since < since);
    const known = keyOf(told.at(-1)?.key);
    const own = createSigner(known.name, generateKeyPairSync('ed25519').privateKey);
    await forged.put('keys.json', JSON.stringify([...told, { since, key: verifierKeyText(own) }]));
    const [, , root = ''] = (await forged.text('checkpoint')).split('\n');
    await forged.put('checkpoint', signCheckpoint({ size: 607, root: Buffer.from(root, 'base64') }, own));
    await forged.seal();
    expect(await bothFind(forged.directory, verifierKeyText(known))).toContain(
      `problem at ${since}: the key before, ${known.keyId}, has not signed the new one (key-change-unsigned)`,
    );
  });

  test('a forked checkpoint, signed by the very key of the log', async () => {
    const forged = await forgePack(pack, join(files.path, `forged-${(count += 1)}`));
    const key = await readSigningKey(bench.dataDir);
    if (key === undefined) throw new Error('no key');
    const fork = signCheckpoint({ size: 607, root: Buffer.alloc(32, 7) }, createSigner(newest().name, key));
    await forged.put('checkpoint', fork);
    await forged.seal();
    const problems = await bothFind(forged.directory);
    expect(problems).toContain(
      'problem at 607: the tiles are not those of the tree that was signed (checkpoint-contradicts)',
    );
    // And the true pack does not continue the fork that was shown to somebody.
    expect(await bothFind(pack, keys.at(-1), [fork])).toEqual([
      'problem at 607: the first 607 entries are not those of a kept checkpoint (kept-checkpoint-contradicts)',
    ]);
  });

  test('a witness that has not signed, and one that has signed something else', async () => {
    expect(await bothFind(pack, keys.at(-1), [], [witness])).toEqual([]);
    const type = signatureTypes.cosignature;
    const other = createSigner('other.example.org', generateKeyPairSync('ed25519').privateKey, type);
    const missing = `the witness ${other.name}, key ${other.keyId}, has not signed a checkpoint of it`;
    expect(await bothFind(pack, keys.at(-1), [], [witness, other])).toEqual([
      `problem at 0: ${missing} (witness-missing)`,
    ]);
    const forged = await forgePack(pack, join(files.path, `forged-${(count += 1)}`));
    const key = await readSigningKey(bench.dataDir);
    if (key === undefined) throw new Error('no key');
    const fork = signCheckpoint({ size: 607, root: Buffer.alloc(32, 7) }, createSigner(newest().name, key));
    const line = cosign(fork.slice(0, fork.indexOf('\n\n') + 1), witness, bench.now);
    await forged.put('cosigned', fork + line);
    await forged.seal();
    expect(await bothFind(forged.directory, keys.at(-1), [], [witness])).toEqual([
      'problem at 607: the first 607 entries are not those of a kept checkpoint (kept-checkpoint-contradicts)',
    ]);
  });

  test('a tail that was cut off, by a checkpoint that somebody kept', async () => {
    await append(auditEvents(3), true);
    const directory = await unpacked(await exportTo(`later-${(count += 1)}`, period));
    expect(await bothFind(directory, keys.at(-1), notes)).toEqual([]);
    const { note } = await planPack(bench.database, newest(), {});
    expect(await bothFind(pack, keys.at(-1), [note])).toEqual([
      'problem at 610: 610 entries were signed once, the log has 607: its end is missing (kept-checkpoint-contradicts)',
    ]);
  });
});

describe('an archive that is no pack', () => {
  test.each(['', 'hello', '\u001f\u008b'])('%j', async (content) => {
    const path = join(files.path, `other-${(count += 1)}`);
    await writeFile(path, content, 'latin1');
    await expect(unpacked(path)).rejects.toMatchObject({ code: 'input/unreadable' });
  });
});
