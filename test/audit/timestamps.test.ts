// Time stamps of checkpoints by an authority: asked for, judged, kept, and checked by both verifiers of a pack and of the
// log.
import { generateKeyPairSync } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseEntry } from '../../core/audit-entry.ts';
import { createSigner, signCheckpoint } from '../../core/checkpoint.ts';
import type { DurableAuditLog } from '../../server/audit/log.ts';
import { planPack, writePack } from '../../server/audit/pack/export.ts';
import { openPack } from '../../server/audit/pack/unpack.ts';
import { timestampAttestor } from '../../server/audit/retention/witnessed-time.ts';
import { readEntries } from '../../server/audit/store.ts';
import { insertTimestamp, readTimestampNear } from '../../server/audit/timestamps/store.ts';
import { readTimestamp } from '../../server/audit/timestamps/timestamp.ts';
import type { Rounds } from '../../server/audit/rounds.ts';
import { startTimestamping } from '../../server/audit/timestamps/timestamping.ts';
import { forgeguard } from '../cli/program.ts';
import { auditBench, type AuditBench, auditEvents } from '../support/audit.ts';
import { bothVerifiersFind } from '../support/pack-verifiers.ts';
import { startTimeStampingAuthority, type TestAuthority } from '../support/time-stamping-authority.ts';

let tsa: TestAuthority;
let other: TestAuthority;
let bench: AuditBench;
let log: DurableAuditLog;
let stamping: Rounds;

const everyMs = 3_600_000;
const policy = '1.3.6.1.4.1.32473.2';

beforeAll(async () => {
  tsa = await startTimeStampingAuthority();
  other = await startTimeStampingAuthority();
  bench = await auditBench();
  log = await bench.open();
  await Promise.all(auditEvents(300).map((event) => log.append(event)));
  const authority = { url: tsa.url, authorities: tsa.ca, policy };
  stamping = startTimestamping({ database: bench.database, append: log.append, authority, everyMs });
  await stamping.round();
});
afterAll(async () => {
  await stamping[Symbol.asyncDispose]();
  await log[Symbol.asyncDispose]();
  await bench[Symbol.asyncDispose]();
  await tsa[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
});

const kept = async () => {
  const found = await readTimestampNear(bench.database, 'up-to', 10_000);
  if (found === undefined) throw new Error('nothing was stamped');
  return found;
};

describe('a stamp', () => {
  test('is over the newest checkpoint, and only where there is a new one', async () => {
    await stamping.round();
    expect(await bench.database.query('select size::int from audit_timestamp')).toEqual([{ size: 300 }]);
    const { note, response } = await kept();
    const reading = await readTimestamp(response, { note, authorities: tsa.ca, policy });
    expect(reading).toMatchObject({ kind: 'good' });
    const at = reading.kind === 'good' ? reading.at.getTime() : 0;
    expect(Math.abs(at - Date.now())).toBeLessThan(300_000);
    const attested = await timestampAttestor(tsa.ca)(bench.database, 'up-to', 1_000);
    expect(attested).toEqual({ size: 300, at: new Date(at) });
  });

  test('does not count for another authority, checkpoint, nonce or policy, or when it was changed', async () => {
    const { note, response } = await kept();
    const good = { note, authorities: tsa.ca };
    const name = createSigner(log.origin, generateKeyPairSync('ed25519').privateKey);
    const another = signCheckpoint({ size: 300, root: new Uint8Array(32) }, name);
    const changed = Buffer.from(response);
    changed.writeUInt8(changed.readUInt8(changed.length - 5) ^ 1, changed.length - 5);
    const found = [
      await readTimestamp(response, { ...good, authorities: other.ca }),
      await readTimestamp(response, { ...good, note: another }),
      await readTimestamp(response, { ...good, nonce: Buffer.of(1, 2, 3) }),
      await readTimestamp(response, { ...good, policy: '1.2.3' }),
      await readTimestamp(changed, good),
      await readTimestamp(Buffer.from('nonsense'), good),
    ];
    expect(found).toMatchObject([
      { kind: 'bad', why: 'it is not signed by an authority that is trusted' },
      { kind: 'bad', why: 'it is about something else' },
      { kind: 'bad', why: 'it answers another request' },
      { kind: 'bad', why: `it was made under the policy ${policy}` },
      { kind: 'bad' },
      { kind: 'bad', why: 'it cannot be read' },
    ]);
    for (let end = 0; end < response.length; end += 97)
      expect(await readTimestamp(response.subarray(0, end), good)).toMatchObject({ kind: 'bad' });
  });

  test('by a certificate for something else does not count', async () => {
    await using server = await startTimeStampingAuthority('critical,timeStamping,serverAuth');
    const authority = { url: server.url, authorities: server.ca, policy: undefined };
    await using own = await auditBench();
    await using ownLog = await own.open();
    await ownLog.append(auditEvents(1)[0] ?? fail());
    const options = { database: own.database, append: ownLog.append, authority, everyMs };
    await using wrong = startTimestamping(options);
    await wrong.round();
    const entries = (await readEntries(own.database, 1, 5)).map(({ body }) => parseEntry(body));
    expect(entries).toMatchObject([{ action: 'audit.timestamp-failed' }]);
    expect(await own.database.query('select size from audit_timestamp')).toEqual([]);
  });
});

test('both verifiers of a pack check it, and the verifier of the log', async () => {
  const key = await bench.key();
  const archive = join(bench.dataDir, 'pack.tar.gz');
  await writePack(bench.database, await planPack(bench.database, key, {}), createWriteStream(archive));
  await mkdir(`${archive}.d`);
  const directory = await openPack(archive, `${archive}.d`);
  const options = { key, kept: [], witnesses: [] };
  expect(await bothVerifiersFind(directory, { ...options, stampedBy: tsa.ca })).toEqual([]);
  const missing =
    'problem at 0: no time stamp of a checkpoint of it is signed by the authority (timestamp-missing)';
  expect(await bothVerifiersFind(directory, { ...options, stampedBy: other.ca })).toEqual([missing]);
  await writeFile(join(directory, 'timestamp.tsr'), 'nothing');
  expect(await bothVerifiersFind(directory, { ...options, stampedBy: tsa.ca })).toEqual([
    missing,
    'problem at 0: the file timestamp.tsr is not as it was packed (file-changed)',
  ]);

  const env = { FORGEGUARD_DATA_DIR: bench.dataDir, DATABASE_URL: bench.url };
  const verify = (...args: string[]) => forgeguard(bench.dataDir, ['audit', 'verify', ...args], env);
  expect(await verify(archive, '--tsa', tsa.caFile)).toMatchObject({ code: 0 });
  expect((await verify(archive, '--tsa', tsa.caFile)).stdout).toMatch(/\nstamped 20\d\d-.*\nok\n$/);
  expect(await verify('--tsa', tsa.caFile)).toMatchObject({ code: 0 });
  expect(await verify('--tsa', other.caFile)).toMatchObject({ code: 1 });
});

test('a history that was signed anew has no stamp', async () => {
  const { response } = await kept();
  await using forged = await auditBench();
  await using forgedLog = await forged.open();
  await Promise.all(auditEvents(300).map((event) => forgedLog.append({ ...event, repository: 'x/y' })));
  await insertTimestamp(forged.database, 300, response);
  const env = { FORGEGUARD_DATA_DIR: forged.dataDir, DATABASE_URL: forged.url };
  const run = await forgeguard(forged.dataDir, ['audit', 'verify', '--tsa', tsa.caFile], env);
  expect(run).toMatchObject({ code: 1 });
  expect(run.stdout).toContain('no time stamp of a checkpoint of it is signed by the authority');
});

test('an authority that is gone is on record, once, and when it is back', async () => {
  const from = log.head.size;
  tsa.answer = () => Promise.reject(new Error('gone'));
  await log.append(auditEvents(1)[0] ?? fail());
  await stamping.round();
  await stamping.round();
  tsa.answer = async () => Buffer.from('no stamp');
  await stamping.round();
  tsa.answer = undefined;
  await stamping.round();
  const entries = (await readEntries(bench.database, from + 1, 10)).map(({ body }) => parseEntry(body));
  expect(entries).toMatchObject([
    {
      action: 'audit.timestamp-failed',
      details: { problem: "couldn't have a checkpoint stamped: the authority answered 500" },
    },
    {
      action: 'audit.timestamp-failed',
      details: { problem: "couldn't have a checkpoint stamped: it cannot be read" },
    },
    { action: 'audit.timestamp-resumed' },
  ]);
});

function fail(): never {
  throw new Error('no event');
}
