// Texts that may be personal are sealed in the log, opened for those who hold the key, and destroyed by two people; the
// entries and every proof stay as they are.
import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseEntry, prepareEvent, type AuditEntry } from '../../core/audit-entry.ts';
import type { AuditEvent } from '../../core/audit-event.ts';
import type { Grant } from '../../core/principal.ts';
import { createAuditFeed } from '../../server/audit/feed.ts';
import type { DurableAuditLog } from '../../server/audit/log.ts';
import { planPack, writePack } from '../../server/audit/pack/export.ts';
import { openPack } from '../../server/audit/pack/unpack.ts';
import { verifyPack } from '../../server/audit/pack/verify-pack.ts';
import { addHold, releaseHold } from '../../server/audit/retention/hold.ts';
import { createSealing, type Sealing } from '../../server/audit/sealing/sealing.ts';
import { createShredding } from '../../server/audit/sealing/shredding.ts';
import { findWrappingKey, openWrappingKey } from '../../server/audit/sealing/wrapping-key.ts';
import { readEntries } from '../../server/audit/store.ts';
import { forgeguard } from '../cli/program.ts';
import { apiBench } from '../support/api.ts';
import { auditBench, type AuditBench, auditEvent } from '../support/audit.ts';
import { human } from '../support/human.ts';
import { bothVerifiersFind } from '../support/pack-verifiers.ts';

const repository = 'hub/clinic/portal';
const branch = `refs/heads/${randomBytes(8).toString('hex')}`;
const file = `notes/${randomBytes(8).toString('hex')}.txt`;

const pushEvent = (request: string, more: Partial<AuditEvent> = {}): AuditEvent => ({
  action: 'push.received',
  request,
  actor: null,
  repository,
  details: {
    verdict: 'deny',
    address: '192.0.2.7',
    refUpdates: [{ ref: branch, old: 'a'.repeat(40), new: 'b'.repeat(40) }],
    findings: [{ rule: 'phi/ssn', path: file, line: 7 }],
  },
  ...more,
});

let bench: AuditBench;
let sealing: Sealing;
let log: DurableAuditLog;

const entries = async (): Promise<readonly AuditEntry[]> =>
  (await readEntries(bench.database, 0, 1_000)).flatMap(({ body }) => parseEntry(body) ?? []);
const opened = async (): Promise<readonly AuditEntry[]> =>
  Promise.all((await entries()).map((entry) => sealing.open(bench.database, entry)));

let packs = 0;
async function unpackedPack(): Promise<string> {
  const path = join(bench.dataDir, `pack-${(packs += 1)}.tar.gz`);
  const plan = await planPack(bench.database, await bench.key(), {});
  await writePack(bench.database, plan, createWriteStream(path), { sealing });
  await mkdir(`${path}.d`);
  return openPack(path, `${path}.d`);
}
const checkPack = async (directory: string): Promise<readonly string[]> =>
  bothVerifiersFind(directory, { key: await bench.key(), kept: [log.head.note], witnesses: [] });

beforeAll(async () => {
  bench = await auditBench();
  bench.now = new Date('2026-03-10T08:00:00.000Z');
  sealing = createSealing(await openWrappingKey(bench.database, bench.dataDir, undefined));
  log = await bench.open({ sealing });
  await log.append(pushEvent('march-1'));
  await log.append(pushEvent('march-2', { action: 'push.decided' }));
  bench.now = new Date('2026-04-10T08:00:00.000Z');
  await log.append(pushEvent('april'));
  await log.append(auditEvent('other', 'fetch.served', 'a note'));
});
afterAll(async () => {
  await log[Symbol.asyncDispose]();
  await bench[Symbol.asyncDispose]();
});

describe('sealed', () => {
  test('are paths, refs and addresses; who decided what when is not', async () => {
    const [first] = await readEntries(bench.database, 0, 1);
    const body = Buffer.from(first?.body ?? []).toString('utf8');
    for (const text of [branch, file, '192.0.2.7']) expect(body).not.toContain(text);
    expect(parseEntry(first?.body ?? Buffer.of())).toMatchObject({
      action: 'push.received',
      time: '2026-03-10T08:00:00.000Z',
      repository,
      details: {
        verdict: 'deny',
        address: { sealed: 0 },
        refUpdates: [{ ref: { sealed: 1 }, new: 'b'.repeat(40) }],
        findings: [{ rule: 'phi/ssn', path: { sealed: 2 }, line: 7 }],
      },
    });
    const keys = (await entries()).map(({ sealed }) => sealed?.key);
    // One key for each repository and month.
    expect(new Set(keys).size).toBe(3);
    expect(keys[0]).toBe(keys[1]);
  });

  test('and open to those who hold the key: entries, the feed, open attempts, the list', async () => {
    expect((await opened())[0]?.details).toEqual(pushEvent('march-1').details);
    const feed = createAuditFeed(bench.database, sealing);
    expect((await feed.read(0, 1))[0]?.event.details).toEqual(pushEvent('march-1').details);
    const attempts = await log.openAttempts();
    expect(attempts.map(({ last }) => last.details)).toContainEqual(pushEvent('april').details);
    const env = { FORGEGUARD_DATA_DIR: bench.dataDir, DATABASE_URL: bench.url };
    const list = await forgeguard(bench.dataDir, ['audit', 'list', '--format', 'jsonl'], env);
    expect(list.stdout).toContain(`"ref":"${branch}"`);
    expect(list.stdout).not.toContain('sealed');
  });

  test('not to others', async () => {
    const [entry] = await entries();
    if (entry === undefined) throw new Error('no entry');
    expect((await createSealing(undefined).open(bench.database, entry)).details).toMatchObject({
      address: '[sealed]',
      refUpdates: [{ ref: '[sealed]' }],
      verdict: 'deny',
    });
    const another = randomBytes(32).toString('hex');
    await expect(openWrappingKey(bench.database, bench.dataDir, another)).rejects.toMatchObject({
      code: 'audit/unavailable',
      message: expect.stringContaining('sealed with a key that is not here: copy ') as unknown,
    });
  });

  test('without a key in the configuration or the directory a new guard of a log with sealed texts does not start', async () => {
    const dataDir = await bench.anotherDataDir();
    await expect(openWrappingKey(bench.database, dataDir, undefined)).rejects.toMatchObject({
      code: 'audit/unavailable',
    });
    const text = await readFile(join(bench.dataDir, 'audit-sealing-key'), 'utf8');
    expect((await openWrappingKey(bench.database, dataDir, text)).id).toBe(
      (await findWrappingKey(bench.dataDir, undefined))?.id,
    );
  });

  test('text by text, whatever there is', async () => {
    const wide = { list: ['x', { path: { a: 'b', ref: ['c', 'd'], n: 1 } }], message: '', note: '\ud800' };
    const event = { ...pushEvent('wide', { action: 'fetch.served' }), details: wide };
    await log.append(event);
    const expected = { ...wide, note: '\ufffd' };
    expect((await opened()).find(({ request }) => request === 'wide')?.details).toEqual(expected);
    const large = { path: 'p'.repeat(60_000), small: 'kept' };
    await log.append({ ...event, request: 'large', details: large });
    const kept = (await opened()).find(({ request }) => request === 'large');
    expect(kept).toMatchObject({ details: { small: 'kept' }, truncated: { omitted: ['path'] } });
    await log.append({ ...event, request: 'fits', details: { path: 'p'.repeat(40_000) } });
    expect((await opened()).find(({ request }) => request === 'fits')?.details).toEqual({
      path: 'p'.repeat(40_000),
    });
  });

  test('a text that was changed is found, by the reader and by the verifier', async () => {
    const [entry] = await entries();
    if (entry?.sealed === undefined) throw new Error('nothing is sealed');
    const data = Buffer.from(entry.sealed.data, 'base64');
    data.writeUInt8(data.readUInt8(20) ^ 1, 20);
    const changed = { ...entry, sealed: { ...entry.sealed, data: data.toString('base64') } };
    await expect(sealing.open(bench.database, changed)).rejects.toMatchObject({
      code: 'audit/inconsistent',
      message: 'the sealed texts of entry 0 were changed',
    });
  });
});

describe('an evidence pack', () => {
  test('brings the texts along, and both verifiers hold them against the entries', async () => {
    const directory = await unpackedPack();
    const [name = ''] = await readdir(join(directory, 'opened'));
    const lines = await readFile(join(directory, 'opened', name), 'utf8');
    expect(lines).toContain(branch);
    expect(await checkPack(directory)).toEqual([]);
    const forged = lines.replace(branch, 'refs/heads/main');
    await writeFile(join(directory, 'opened', name), forged);
    expect(await checkPack(directory)).toEqual([
      `problem at 0: the file opened/${name} is not as it was packed (file-changed)`,
      'problem at 0: what is in opened/ is not what was sealed in it (text-wrong)',
    ]);
    const [first = '', ...rest] = lines.split('\n');
    await writeFile(join(directory, 'opened', name), [...rest.slice(0, -1), first, ''].join('\n'));
    expect(await checkPack(directory)).toContain(
      'problem at 0: opened/ holds texts that were not sealed in the period (text-wrong)',
    );
  });

  test('leaves them out where it is asked to', async () => {
    const env = { FORGEGUARD_DATA_DIR: bench.dataDir, DATABASE_URL: bench.url };
    const args = ['audit', 'export', '--sealed', '--out', 'sealed.tar.gz'];
    expect(await forgeguard(bench.dataDir, args, env)).toMatchObject({ code: 0, stderr: '' });
    const checked = await forgeguard(bench.dataDir, ['audit', 'verify', 'sealed.tar.gz'], env);
    expect(checked.stdout).toMatch(
      /\nsealed texts in 6 entries: 0 opened, 0 destroyed under an approval, 6 not in the pack\nok\n$/,
    );
  });
});

describe('destroying them', () => {
  const wish = { repository, month: '2026-03', reason: 'a patient has asked for it' };
  const shredding = () =>
    createShredding({ database: bench.database, audit: log, clock: { now: () => bench.now }, derived: [] });
  const ada = human('ada');
  const grace = human('grace');

  test.each<[string, Grant, Partial<typeof wish>, string]>([
    ['by an agent', human('bot', { kind: 'agent' }), {}, 'only people destroy'],
    ['without the scope', { ...ada, scopes: [] }, {}, 'needs the scope **:audit'],
    ['of a month that is not over', ada, { month: '2026-04' }, '2026-04 is not over yet'],
    ['of a month without texts', ada, { month: '2026-01' }, 'nothing was sealed for this repository'],
    ['of no month', ada, { month: '2026-13' }, 'a month is written as'],
    ['without a reason', ada, { reason: ' ' }, 'a reason has'],
  ])('%s is refused', async (_name, grant, more, message) => {
    await expect(shredding().request(grant, 'r', { ...wish, ...more })).rejects.toThrow(message);
  });

  test('that a hold keeps is refused', async () => {
    const { database, dataDir } = bench;
    const options = { database, dataDir, clock: { now: () => bench.now } };
    const scope = { repository, from: new Date('2026-03-31T00:00:00.000Z') };
    const id = await addHold(options, { scope, reason: 'case', person: 'local:test' });
    await expect(shredding().request(ada, 'r', wish)).rejects.toThrow(`the legal hold ${id} keeps these`);
    await releaseHold(options, { id, reason: 'over', person: 'local:test' });
  });

  test('takes two people, and leaves everything else readable and provable', async () => {
    const { id } = await shredding().request(ada, 'asking', wish);
    const own = human('ada', { id: 'human:ada-again' });
    for (const grant of [ada, own])
      await expect(shredding().approve(grant, 'r', id)).rejects.toMatchObject({ code: 'approval/involved' });
    await expect(shredding().approve(grace, 'r', 'shred-000000000000')).rejects.toThrow('nobody has asked');
    expect((await opened())[0]?.details['address']).toBe('192.0.2.7');
    expect(await shredding().approve(grace, 'approving', id)).toMatchObject({ state: 'destroyed' });

    const [first, second, april] = await Promise.all(
      (await entries()).map((entry) => createSealing(undefined).open(bench.database, entry)),
    );
    const gone = { verdict: 'deny', address: '[destroyed]', findings: [{ path: '[destroyed]', line: 7 }] };
    expect([first?.details, second?.details]).toMatchObject([gone, gone]);
    expect(april?.details['address']).toBe('[sealed]');
    expect(await bench.verify()).toMatchObject({ ok: true, problems: [] });
    const told = (await entries()).filter(({ action }) => action.startsWith('audit.shred'));
    const { reason, ...where } = wish;
    expect(told).toMatchObject([
      {
        action: 'audit.shred-requested',
        actor: { id: 'human:ada' },
        details: { shred: id, ...wish, reason },
      },
      {
        action: 'audit.shredded',
        actor: { id: 'human:grace' },
        details: { shred: id, ...where, requestedBy: 'human:ada' },
      },
    ]);
    await expect(shredding().request(ada, 'r', wish)).rejects.toThrow('destroyed before');
  });

  test('is what both verifiers of a pack say of the texts that are missing', async () => {
    sealing = createSealing(await findWrappingKey(bench.dataDir, undefined));
    const directory = await unpackedPack();
    expect(await checkPack(directory)).toEqual([]);
    const result = await verifyPack(directory, { key: await bench.key(), kept: [], witnesses: [] });
    expect(result.sealed).toEqual({ entries: 6, opened: 4, destroyed: 2 });
  });

  test('without an entry about it is found', async () => {
    const [, , april] = await entries();
    const id = april?.sealed?.key ?? '';
    await bench.database.query('update audit_data_key set wrapped = null, destroyed_by = 0 where id = $1', [
      id,
    ]);
    const message = `the key ${id} of its sealed texts is gone, and no entry says that it was destroyed`;
    expect((await bench.verify()).problems).toEqual([{ kind: 'text-missing', at: 2, message }]);
    await expect(bench.database.query('delete from audit_data_key')).rejects.toThrow(
      'keys of the audit log may only be destroyed or wrapped anew',
    );
  });
});

test('over HTTP', async () => {
  await using api = await apiBench();
  const key = createSealing({ id: '0'.repeat(16), key: randomBytes(32) });
  const old = new Date('2026-01-15T00:00:00.000Z');
  await key.seal(api.held.database, [prepareEvent(pushEvent('old'), old, true)]);
  const scopes = [{ repository: '**', verbs: [...(['audit'] as const)] }];
  const [ada, grace] = [
    await api.issue({ kind: 'human', name: 'ada', scopes }),
    await api.issue({ kind: 'human', name: 'grace', scopes }),
  ];
  const wish = { repository, month: '2026-01', reason: 'asked for' };
  const asked = await api.call(ada, '/audit/shreds', wish);
  expect(asked).toMatchObject({ status: 200, body: { repository, month: '2026-01', state: 'requested' } });
  const id = /"id":"(shred-[0-9a-f]{12})"/.exec(asked.text)?.[1] ?? '';
  expect(await api.call(ada, `/audit/shreds/${id}/approve`, {})).toMatchObject({ status: 403 });
  expect(await api.call(grace, `/audit/shreds/${id}/approve`, {})).toMatchObject({
    status: 200,
    body: { id, state: 'destroyed' },
  });
  expect(await api.call(undefined, '/audit/shreds', wish)).toMatchObject({ status: 401 });
});
