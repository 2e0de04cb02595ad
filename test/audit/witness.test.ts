// A witness on its own, driven over HTTP as the specification says, and a guard's log that it watches: it never vouches
// for two histories, and what it has kept shows a history that was written anew.
import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseEntry } from '../../core/audit-entry.ts';
import {
  createSigner,
  parseCheckpoint,
  parseVerifierKey,
  signatureTypes,
  signCheckpoint,
  verifierKeyText,
} from '../../core/checkpoint.ts';
import type { NoteSigner, NoteVerifier } from '../../core/checkpoint.ts';
import { cosignedAt } from '../../core/cosignature.ts';
import { appendLeaf, emptyEdge, emptyRoot, leafHash, rootOf, type Edge } from '../../core/merkle.ts';
import { readSigningKey } from '../../server/audit/signing-key.ts';
import { readEntries, readNewestCosigned } from '../../server/audit/store.ts';
import type { Witness } from '../../server/audit/witness-client.ts';
import { verifyLog } from '../../server/audit/verify.ts';
import { createHttpServer } from '../../server/http.ts';
import { witnessRoutes } from '../../server/witness/routes.ts';
import { openWitnessState, originHash, readWitnessKey } from '../../server/witness/state.ts';
import { auditBench, type AuditBench, auditEvent, auditEvents } from '../support/audit.ts';
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts';

let directory: TemporaryDirectory;
let http: FastifyInstance;
let witness: Witness;
const time = new Date('2026-03-01T12:00:00.000Z');

async function startWitness(logs: readonly NoteVerifier[], port = 0): Promise<void> {
  const signer = await readWitnessKey(directory.path, 'witness.example.org');
  http = createHttpServer({ log: { write: () => undefined }, checkReady: async () => undefined });
  const state = openWitnessState(directory.path);
  await http.register(witnessRoutes, { witness: signer, logs, state, clock: { now: () => time } });
  witness = { url: await http.listen({ host: '127.0.0.1', port }), key: signer };
}

beforeEach(async () => {
  directory = await temporaryDirectory('witness');
});
afterEach(async () => {
  await http.close();
  await directory.remove();
});

const origin = 'guard.example.com/audit';
const log = createSigner(origin, generateKeyPairSync('ed25519').privateKey);
const other = createSigner('other.example.com/audit', generateKeyPairSync('ed25519').privateKey);

function treeOf(...entries: readonly string[]): Edge {
  let edge = emptyEdge;
  for (const entry of entries) ({ edge } = appendLeaf(edge, leafHash(Buffer.from(entry))));
  return edge;
}

function signed(edge: Edge, signer: NoteSigner = log): string {
  return signCheckpoint({ size: edge.size, root: rootOf(edge) }, signer);
}

const hashLine = (entry: string): string => Buffer.from(leafHash(Buffer.from(entry))).toString('base64');

async function submit(body: string): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(`${witness.url}/add-checkpoint`, { method: 'POST', body });
  if (response.status === 409) expect(response.headers.get('content-type')).toBe('text/x.tlog.size');
  return { status: response.status, text: await response.text() };
}

describe('the protocol', () => {
  const one = treeOf('a');
  const two = treeOf('a', 'b');
  const fork = treeOf('a', 'x');

  beforeEach(() => startWitness([log]));

  test('a first checkpoint, one that continues it, and the same again', async () => {
    const first = await submit(`old 0\n\n${signed(one)}`);
    expect(first.status).toBe(200);
    expect(cosignedAt(signed(one) + first.text, witness.key)).toEqual(time);
    const second = await submit(`old 1\n${hashLine('b')}\n\n${signed(two)}`);
    expect(second.status).toBe(200);
    expect(cosignedAt(signed(two) + second.text, witness.key)).toEqual(time);
    expect((await submit(`old 2\n\n${signed(two)}`)).status).toBe(200);
    const shown = await fetch(`${witness.url}/${originHash(origin)}/checkpoint`);
    expect(shown.status).toBe(200);
    const note = await shown.text();
    expect(note.startsWith(signed(two))).toBe(true);
    expect(cosignedAt(note, witness.key)).toEqual(time);
  });

  test('remembers over a restart', async () => {
    expect((await submit(`old 0\n\n${signed(two)}`)).status).toBe(200);
    const { key } = witness;
    await http.close();
    await startWitness([log]);
    expect(witness.key.keyId).toBe(key.keyId);
    expect(await submit(`old 0\n\n${signed(two)}`)).toEqual({ status: 409, text: '2\n' });
  });

  test('of requests at once only one wins', async () => {
    const bodies = [two, fork, two, fork].map((edge) => `old 0\n\n${signed(edge)}`);
    const statuses = (await Promise.all(bodies.map(submit))).map(({ status }) => status);
    expect(statuses.toSorted((a, b) => a - b)).toEqual([200, 409, 409, 409]);
  });

  test('nothing was cosigned yet', async () => {
    expect((await fetch(`${witness.url}/${originHash(origin)}/checkpoint`)).status).toBe(404);
    expect((await fetch(`${witness.url}/${originHash('nobody')}/checkpoint`)).status).toBe(404);
  });

  test.each<[string, number, string]>([
    ['nonsense', 400, 'hello'],
    ['nothing', 400, ''],
    ['no old size', 400, `\n\n${signed(two)}`],
    ['a leading zero', 400, `old 01\n\n${signed(two)}`],
    ['an old size beyond the checkpoint', 400, `old 3\n\n${signed(two)}`],
    ['a log that is not known', 404, `old 1\n\n${signed(two, other)}`],
    [
      'another key under the name of the log',
      403,
      `old 1\n${hashLine('b')}\n\n${signed(two, createSigner(origin, other.privateKey))}`,
    ],
    ['a changed signature', 403, `old 1\n${hashLine('b')}\n\n${signed(two).replace('\n2\n', '\n3\n')}`],
    ['another old size', 409, `old 0\n\n${signed(two)}`],
    ['a proof that proves nothing', 422, `old 1\n${hashLine('c')}\n\n${signed(two)}`],
    ['no proof', 422, `old 1\n\n${signed(two)}`],
    ['a fork of the same size', 422, `old 1\n\n${signed(treeOf('x'))}`],
    [
      'an empty log with another root',
      409,
      `old 0\n\n${signCheckpoint({ size: 0, root: rootOf(one) }, log)}`,
    ],
  ])('%s is answered with %i', async (_name, status, body) => {
    expect((await submit(`old 0\n\n${signed(one)}`)).status).toBe(200);
    expect((await submit(body)).status).toBe(status);
    const kept = await fetch(`${witness.url}/${originHash(origin)}/checkpoint`);
    expect(parseCheckpoint(await kept.text())?.size).toBe(1);
  });

  test('an empty log is a log, but only with its own root', async () => {
    const empty = (root: Uint8Array): string => `old 0\n\n${signCheckpoint({ size: 0, root }, log)}`;
    expect((await submit(empty(rootOf(one)))).status).toBe(422);
    expect((await submit(empty(emptyRoot))).status).toBe(200);
  });

  test('too long a request is refused', async () => {
    expect((await submit('x'.repeat(300_000))).status).toBe(400);
  });
});

describe('a log with a witness', () => {
  let bench: AuditBench;

  beforeEach(async () => {
    bench = await auditBench();
    await bench.write(auditEvents(3));
    await startWitness([await bench.key()]);
  });
  afterEach(() => bench[Symbol.asyncDispose]());

  const actions = async (): Promise<readonly (string | undefined)[]> =>
    (await readEntries(bench.database, 0, 1_000)).map(({ body }) => parseEntry(body)?.action);

  test('has its newest checkpoint cosigned', async () => {
    await using opened = await bench.open({ witnesses: [witness] });
    for (const count of [1, 300]) {
      await Promise.all(auditEvents(count).map((event) => opened.append(event)));
      await opened.witness();
      const cosigned = await readNewestCosigned(bench.database, 10_000);
      expect(cosigned?.size).toBe(opened.head.size);
      expect(cosignedAt(cosigned?.note ?? '', witness.key)).toEqual(time);
    }
    const key = await bench.key();
    const seen = await verifyLog(bench.database, { key, kept: [], witnesses: [witness.key] });
    expect(seen).toMatchObject({ ok: true, problems: [] });
    const unseen = await verifyLog(bench.database, { key, kept: [], witnesses: [witness.key, other] });
    expect(unseen.problems).toMatchObject([{ kind: 'witness-missing' }]);
    expect(await actions()).not.toContain('audit.witness-failed');
  });

  test('asks by itself', async () => {
    await using opened = await bench.open({ witnesses: [witness], witnessEveryMs: 50 });
    await opened.append(auditEvent('next'));
    const size = async () => (await readNewestCosigned(bench.database, 10_000))?.size;
    await expect.poll(size).toBe(4);
  });

  test('goes on without it, and both its loss and its return are on record once', async () => {
    const port = Number(new URL(witness.url).port);
    await http.close();
    await using opened = await bench.open({ witnesses: [witness] });
    for (let round = 0; round < 3; round += 1) {
      await opened.append(auditEvent('meanwhile'));
      await opened.witness();
    }
    await startWitness([await bench.key()], port);
    await opened.witness();
    await opened.witness();
    const told = (await actions()).filter((action) => action?.startsWith('audit.'));
    expect(told).toEqual(['audit.witness-failed', 'audit.witness-resumed']);
  });

  test('and one that has lost what it knew begins anew', async () => {
    await using opened = await bench.open({ witnesses: [witness] });
    await opened.witness();
    await rm(join(directory.path, `${originHash(opened.origin)}.checkpoint`));
    await opened.append(auditEvent('next'));
    await opened.witness();
    expect((await readNewestCosigned(bench.database, 10_000))?.size).toBe(4);
  });

  /** Writes the history anew with the log's own key, as its operator could, file beside the database included. */
  async function rewrite(): Promise<void> {
    await bench.tamper(
      `update audit_entry set body = convert_to(replace(convert_from(body, 'UTF8'), 'demo', 'dent'), 'UTF8') where index = 1`,
    );
    await bench.tamper(`update audit_entry set leaf_hash = sha256('\\x00'::bytea || body) where index = 1`);
    const key = await readSigningKey(bench.dataDir);
    if (key === undefined) throw new Error('no key');
    let edge = emptyEdge;
    for (const { body } of await readEntries(bench.database, 0, 1_000))
      ({ edge } = appendLeaf(edge, leafHash(body)));
    const note = signCheckpoint(
      { size: edge.size, root: rootOf(edge) },
      createSigner((await bench.key()).name, key),
    );
    await bench.tamper('delete from audit_cosignature');
    await bench.tamper('delete from audit_checkpoint');
    await bench.tamper('insert into audit_checkpoint (size, note) values ($1, $2)', [edge.size, note]);
    await writeFile(join(bench.dataDir, 'audit-checkpoint'), note);
  }

  test('whose history was written anew is stopped by what the witness shows', async () => {
    const first = await bench.open({ witnesses: [witness] });
    await first.witness();
    await first[Symbol.asyncDispose]();
    await rewrite();
    // In itself the new history is sound.
    expect(await bench.verify()).toMatchObject({ ok: true });
    await using opened = await bench.open({ witnesses: [witness] });
    await opened.append(auditEvent('next'));
    await opened.witness();
    await expect(opened.ready()).rejects.toMatchObject({ code: 'audit/inconsistent' });
    await expect(opened.append(auditEvent('more'))).rejects.toMatchObject({ code: 'audit/inconsistent' });
    const kept = await readFile(join(directory.path, `${originHash(opened.origin)}.checkpoint`), 'utf8');
    expect((await bench.verify([kept])).problems).toMatchObject([
      { kind: 'kept-checkpoint-contradicts', at: 3 },
    ]);
  });

  test('is not stopped by a witness that shows what this log never signed', async () => {
    await using opened = await bench.open({ witnesses: [witness] });
    await opened.witness();
    // The witness now claims to know of more, under a key that is not the log's.
    const liar = createSigner(opened.origin, other.privateKey);
    const claimed = signCheckpoint({ size: 9, root: rootOf(treeOf('z')) }, liar);
    await writeFile(join(directory.path, `${originHash(opened.origin)}.checkpoint`), claimed);
    await opened.append(auditEvent('next'));
    await opened.witness();
    expect(await opened.append(auditEvent('more'))).toHaveProperty('index');
  });
});

test('the key is made once and read again; one that others may read is not used', async () => {
  await startWitness([]);
  const again = await readWitnessKey(directory.path, 'witness.example.org');
  expect(again.keyId).toBe(witness.key.keyId);
  await writeFile(join(directory.path, 'witness-key'), 'nonsense');
  await expect(readWitnessKey(directory.path, 'witness.example.org')).rejects.toMatchObject({
    code: 'data/unusable',
  });
  expect(parseVerifierKey('')).toBeUndefined();
});

test('the command runs a witness until it is stopped', async () => {
  await startWitness([]);
  const program = fileURLToPath(new URL('../../cli/forgeguard.ts', import.meta.url));
  const data = join(directory.path, 'data');
  const args = ['witness', '--name', 'w.example', '--log', verifierKeyText(log)];
  const child = spawn(process.execPath, [program, ...args, '--data', data, '--listen', '127.0.0.1:0'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const exited = once(child, 'exit');
  let told = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (told += text));
  await expect.poll(() => told).toMatch(/\nkey .*\n/);
  const [, url = '', key = ''] = /^witness at (\S+)\nkey (\S+)\n/.exec(told) ?? [];
  const note = signed(treeOf('a'));
  const response = await fetch(`${url}/add-checkpoint`, { method: 'POST', body: `old 0\n\n${note}` });
  const verifier = parseVerifierKey(key, signatureTypes.cosignature);
  if (verifier === undefined) throw new Error('no key');
  expect(cosignedAt(note + (await response.text()), verifier)).toBeDefined();
  child.kill('SIGTERM');
  expect(await exited).toEqual([0, null]);
});
