// Whoever has all rights on the database changes the log; verification or the next start must notice each time.
import { generateKeyPairSync } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createSigner, signCheckpoint, type NoteSigner } from '../../core/checkpoint.ts';
import type { ProblemKind } from '../../core/log-walk.ts';
import { appendLeaf, emptyEdge, leafHash, rootOf } from '../../core/merkle.ts';
import { readEntries } from '../../server/audit/store.ts';
import { readSigningKey } from '../../server/audit/signing-key.ts';
import type { Database } from '../../server/db.ts';
import { auditBench, type AuditBench, auditEvent, auditEvents } from '../support/audit.ts';

interface Tampering {
  readonly name: string;
  readonly sql: readonly string[];
  /** What verification finds, as `kind at place`. */
  readonly found: readonly `${ProblemKind} ${number}`[];
  /** True where the next start must refuse as well. */
  readonly stopsStart: boolean;
}

/** Sum of SHA-256 in SQL, so that a forger who fixes the hash of what was changed is played honestly. */
const rehash = (index: number): string =>
  `update audit_entry set leaf_hash = sha256('\\x00'::bytea || body) where index = ${index}`;
const swap = (a: number, b: number): string =>
  `update audit_entry e set body = o.body, leaf_hash = o.leaf_hash from audit_entry o
    where (e.index, o.index) in ((${a}, ${b}), (${b}, ${a}))`;
const edit = (index: number): string =>
  `update audit_entry set body = convert_to(replace(convert_from(body, 'UTF8'), 'sandbox/demo', 'sandbox/dent'), 'UTF8')
    where index = ${index}`;

/** The log has 500 entries: 300 at once, 10 one by one, and 190 at once. */
const tamperings: readonly Tampering[] = [
  {
    name: 'an edited entry',
    sql: [edit(305)],
    found: ['entry-changed 305', 'checkpoint-contradicts 306'],
    stopsStart: false,
  },
  {
    name: 'an edited entry with its hash',
    sql: [edit(305), rehash(305)],
    found: ['checkpoint-contradicts 306'],
    stopsStart: false,
  },
  {
    name: 'an edited entry with its hash, deep in a full tile',
    sql: [edit(17), rehash(17)],
    found: ['hash-changed 0', 'checkpoint-contradicts 300'],
    stopsStart: false,
  },
  {
    name: 'an edit of the last entry',
    sql: [edit(499)],
    found: ['entry-changed 499', 'checkpoint-contradicts 500'],
    stopsStart: true,
  },
  {
    name: 'an edit of the last entry with its hash',
    sql: [edit(499), rehash(499)],
    found: ['checkpoint-contradicts 500'],
    stopsStart: true,
  },
  {
    name: 'a deleted entry',
    sql: ['delete from audit_entry where index = 305'],
    found: ['entry-missing 305', 'checkpoint-contradicts 306'],
    stopsStart: false,
  },
  {
    name: 'two entries swapped',
    sql: [swap(303, 307)],
    found: ['entry-misplaced 303', 'checkpoint-contradicts 304', 'entry-misplaced 307'],
    stopsStart: false,
  },
  {
    name: 'a hash that does not fit its entry',
    sql: [`update audit_entry set leaf_hash = sha256('x') where index = 100`],
    found: ['entry-changed 100'],
    stopsStart: false,
  },
  {
    name: 'the hash of a full tile',
    sql: [`update audit_node set hash = sha256('x') where level = 1 and index = 0`],
    found: ['hash-changed 0'],
    stopsStart: true,
  },
  {
    name: 'the hash of a full tile, deleted',
    sql: ['delete from audit_node where level = 1 and index = 0'],
    found: ['hash-changed 0'],
    stopsStart: true,
  },
  {
    name: 'the end cut off',
    sql: ['delete from audit_entry where index >= 450'],
    found: ['checkpoint-contradicts 500', 'entry-missing 450'],
    stopsStart: true,
  },
  {
    name: 'the end cut off with its checkpoints, as a restored backup has it',
    sql: ['delete from audit_entry where index >= 305', 'delete from audit_checkpoint where size > 305'],
    found: ['kept-checkpoint-contradicts 500'],
    stopsStart: true,
  },
  {
    name: 'everything deleted',
    sql: ['delete from audit_entry', 'delete from audit_checkpoint', 'delete from audit_node'],
    found: ['kept-checkpoint-contradicts 500'],
    stopsStart: true,
  },
  {
    name: 'the last checkpoint deleted',
    sql: ['delete from audit_checkpoint where size = 500'],
    found: ['checkpoint-missing 310'],
    stopsStart: true,
  },
  {
    name: 'all checkpoints deleted',
    sql: ['delete from audit_checkpoint'],
    found: ['checkpoint-missing 0'],
    stopsStart: true,
  },
  {
    name: 'an edited checkpoint',
    sql: [`update audit_checkpoint set note = replace(note, E'\\n306\\n', E'\\n307\\n') where size = 306`],
    found: ['checkpoint-unsigned 306'],
    stopsStart: false,
  },
  {
    name: 'a checkpoint of another size',
    sql: [
      'update audit_checkpoint c set note = o.note from audit_checkpoint o where c.size = 306 and o.size = 307',
    ],
    found: ['checkpoint-contradicts 306'],
    stopsStart: false,
  },
  {
    name: 'an entry added without a checkpoint',
    sql: ['insert into audit_entry select 500, body, leaf_hash from audit_entry where index = 499'],
    found: ['checkpoint-missing 500', 'entry-misplaced 500'],
    stopsStart: true,
  },
];

async function fill(bench: AuditBench): Promise<void> {
  await using log = await bench.open();
  await Promise.all(auditEvents(300).map((event) => log.append(event)));
  for (const event of auditEvents(10)) await log.append(event);
  await Promise.all(auditEvents(190).map((event) => log.append(event)));
}

/** Signs the database's entries anew, as the holder of a key can. */
async function resign(bench: AuditBench, signer: NoteSigner): Promise<void> {
  let edge = emptyEdge;
  for (const { body } of await readEntries(bench.database, 0, 10_000))
    edge = appendLeaf(edge, leafHash(body)).edge;
  const note = signCheckpoint({ size: edge.size, root: rootOf(edge) }, signer);
  await bench.tamper('delete from audit_checkpoint');
  await bench.tamper('insert into audit_checkpoint (size, note) values ($1, $2)', [edge.size, note]);
}

const summaries = (problems: readonly { readonly kind: string; readonly at: number }[]): readonly string[] =>
  problems.map(({ kind, at }) => `${kind} ${at}`).toSorted();

describe('verification and the next start notice', () => {
  test.each(tamperings)('$name', async ({ sql, found, stopsStart }) => {
    await using bench = await auditBench();
    await fill(bench);
    for (const statement of sql) await bench.tamper(statement);
    const result = await bench.verify();
    expect(result.ok).toBe(false);
    // Every problem that is listed, besides that the file's checkpoint is of another tree as well.
    const distinct = summaries(result.problems).filter((line) => line !== 'kept-checkpoint-contradicts 500');
    const expected = found.filter((line) => line !== 'kept-checkpoint-contradicts 500').toSorted();
    expect(distinct).toEqual(expected);
    if (expected.length < found.length)
      expect(summaries(result.problems)).toContain('kept-checkpoint-contradicts 500');
    if (stopsStart) await expect(bench.open()).rejects.toMatchObject({ code: 'audit/inconsistent' });
  });
});

describe('threads that read the entries', () => {
  test.each(['a deleted entry', 'two entries swapped'])('change nothing: %s', async (name) => {
    await using bench = await auditBench();
    await fill(bench);
    expect(await bench.verify([], 1)).toEqual(await bench.verify());
    expect(await bench.verify([], 1)).toMatchObject({ ok: true, size: 500 });
    for (const statement of tamperings.find((tampering) => tampering.name === name)?.sql ?? [])
      await bench.tamper(statement);
    const found = await bench.verify();
    expect(found.ok).toBe(false);
    expect(await bench.verify([], 1)).toEqual(found);
  });
});

describe('a forger with the signing key', () => {
  test('is caught by the checkpoint file', async () => {
    await using bench = await auditBench();
    await fill(bench);
    await bench.tamper(edit(305));
    await bench.tamper(rehash(305));
    const key = await readSigningKey(bench.dataDir);
    if (key !== undefined) await resign(bench, createSigner((await bench.key()).name, key));
    const result = await bench.verify();
    expect(result.problems).toEqual([
      {
        kind: 'kept-checkpoint-contradicts',
        at: 500,
        message: 'the first 500 entries are not those of a kept checkpoint',
      },
    ]);
    await expect(bench.open()).rejects.toMatchObject({
      code: 'audit/inconsistent',
      message: 'the first 500 audit entries are not those that were written',
    });
  });

  test('who also rewrites the file is caught by a checkpoint that somebody else has kept', async () => {
    await using bench = await auditBench();
    await fill(bench);
    const path = join(bench.dataDir, 'audit-checkpoint');
    const witnessed = await readFile(path, 'utf8');
    await bench.tamper(edit(305));
    await bench.tamper(rehash(305));
    const key = await readSigningKey(bench.dataDir);
    if (key !== undefined) await resign(bench, createSigner((await bench.key()).name, key));
    const [row] = await bench.database.query<{ note: string }>('select note from audit_checkpoint');
    await writeFile(path, row?.note ?? '');
    expect(await bench.verify()).toMatchObject({ ok: true });
    expect(summaries((await bench.verify([witnessed])).problems)).toEqual([
      'kept-checkpoint-contradicts 500',
    ]);
  });
});

describe('another key', () => {
  test('that signed the checkpoints anew is not ours', async () => {
    await using bench = await auditBench();
    await fill(bench);
    const { privateKey } = generateKeyPairSync('ed25519');
    await resign(bench, createSigner((await bench.key()).name, privateKey));
    expect(summaries((await bench.verify()).problems)).toEqual(['checkpoint-unsigned 500']);
    await expect(bench.open()).rejects.toMatchObject({ code: 'audit/inconsistent' });
  });

  test('in place of the log’s own does not start', async () => {
    await using bench = await auditBench();
    await fill(bench);
    const { privateKey } = generateKeyPairSync('ed25519');
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    await writeFile(join(bench.dataDir, 'audit-signing-key'), pem);
    await expect(bench.open()).rejects.toMatchObject({ code: 'audit/inconsistent' });
    await writeFile(join(bench.dataDir, 'audit-signing-key'), 'nonsense');
    await expect(bench.open()).rejects.toMatchObject({
      code: 'audit/inconsistent',
      message: `${join(bench.dataDir, 'audit-signing-key')} is not an Ed25519 private key in PEM form`,
    });
  });
});

describe('a log that is written', () => {
  async function forkDatabase(database: Database): Promise<void> {
    await database.query('select pg_terminate_backend(pid) from pg_locks where locktype = $1', ['advisory']);
  }

  test('stops where its history changes under it', async () => {
    await using bench = await auditBench();
    await using log = await bench.open();
    await Promise.all(auditEvents(20).map((event) => log.append(event)));
    await bench.tamper('delete from audit_entry where index >= 10');
    await bench.tamper('delete from audit_checkpoint');
    const key = await readSigningKey(bench.dataDir);
    if (key !== undefined) await resign(bench, createSigner(log.origin, key));
    await forkDatabase(bench.database);
    await expect(log.append(auditEvent('after'))).rejects.toMatchObject({
      code: 'audit/inconsistent',
      message: 'the audit log was changed while this guard was writing it',
    });
    // And stays stopped.
    await expect(log.append(auditEvent('after'))).rejects.toMatchObject({ code: 'audit/inconsistent' });
  });

  test('stops where something else writes its checkpoint file', async () => {
    await using bench = await auditBench();
    await using log = await bench.open();
    await log.append(auditEvent('request-0'));
    const other = createSigner('other', generateKeyPairSync('ed25519').privateKey);
    await writeFile(
      join(bench.dataDir, 'audit-checkpoint'),
      signCheckpoint({ size: 0, root: leafHash(Buffer.of()) }, other),
    );
    await expect
      .poll(() => log.append(auditEvent('next')).catch((error: unknown) => error))
      .toMatchObject({ code: 'audit/inconsistent' });
  });

  test('refuses while its checkpoint file cannot be written, and goes on afterwards', async () => {
    await using bench = await auditBench();
    await using log = await bench.open({ writeDeadlineMs: 500 });
    // A directory in the place of the partial file cannot be removed as a file.
    const obstacle = join(bench.dataDir, 'audit-checkpoint.partial', 'x');
    await mkdir(obstacle, { recursive: true });
    await expect
      .poll(() => log.append(auditEvent('next')).catch((error: unknown) => error))
      .toMatchObject({ code: 'audit/unavailable' });
    await rm(join(bench.dataDir, 'audit-checkpoint.partial'), { recursive: true });
    await expect.poll(() => log.append(auditEvent('again'))).toHaveProperty('index');
    expect(await bench.verify()).toMatchObject({ ok: true });
  });
});
