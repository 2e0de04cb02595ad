// The log on its way to real receivers: everything arrives, once as a rule, and can be proved; what fails is told.
import { appendFile, mkdir, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ReceivedLog, type ReceivedResult } from '../../core/received.ts';
import { leafHash } from '../../core/merkle.ts';
import { createAuditStream } from '../../server/audit/stream.ts';
import type { DurableAuditLog } from '../../server/audit/log.ts';
import type { SinkSettings } from '../../server/config.ts';
import { createSinks, type SinksPart } from '../../server/sinks/part.ts';
import type { Pace } from '../../server/sinks/shipping.ts';
import { Secret } from '../../server/secret.ts';
import { type AuditBench, auditBench, auditEvent } from '../support/audit.ts';
import { makeCertificates } from '../support/certificates.ts';
import { type Receiver, startReceiver } from '../support/receiver.ts';
import { startS3Server } from '../support/s3-server.ts';
import { until } from '../support/until.ts';

let bench: AuditBench;
let log: DurableAuditLog;
let directory: string;
let stack: AsyncDisposableStack;

beforeEach(async () => {
  stack = new AsyncDisposableStack();
  bench = stack.use(await auditBench());
  log = await bench.open();
  stack.defer(() => log[Symbol.asyncDispose]());
  directory = join(bench.dataDir, 'out');
  await mkdir(directory);
});
afterEach(() => stack.disposeAsync());

const pace: Partial<Pace> = {
  pollMs: 20,
  firstWaitMs: 20,
  longestWaitMs: 100,
  holdMs: 1_500,
  lastMs: 2_000,
  lookMs: 50,
};
const fed = {
  maxEntries: 50,
  maxBytes: 2 ** 20,
  lingerMs: 0,
  checkpointMs: 0,
  keepsBatches: false,
  resend: 0,
};
const common = { filter: [], from: 'start', pace: fed } as const;

function ship(sinks: readonly SinkSettings[], holder = 'this guard', more: Partial<Pace> = {}): SinksPart {
  return createSinks({
    sinks,
    stream: createAuditStream(bench.database, log.origin),
    database: bench.database,
    holder: { name: holder, predecessors: undefined },
    append: (event) => log.append(event),
    onProblem: () => undefined,
    pace: { ...pace, ...more },
  });
}

const fileSink = (name = 'file', more: Partial<SinkSettings> = {}): SinkSettings =>
  ({ kind: 'file', name, ...common, path: join(directory, 'audit.jsonl'), ...more }) as SinkSettings;

const httpSink = (receiver: Receiver, more: object = {}): SinkSettings => ({
  kind: 'http',
  name: 'siem',
  ...common,
  url: new Secret(receiver.url),
  format: 'json',
  headers: [{ name: 'authorization', value: new Secret('Bearer of-the-test') }],
  ...more,
});

const append = async (count: number, note = ''): Promise<void> => {
  await Promise.all(
    Array.from({ length: count }, (_, at) =>
      log.append(auditEvent(`r-${note.slice(0, 20)}-${at}`, 'fetch.served', note)),
    ),
  );
};

const cursor = async (name: string): Promise<number> => {
  const [row] = await bench.database.query<{ next: number }>(
    'select next::float8 as next from audit_sink where name = $1',
    [name],
  );
  return row?.next ?? -1;
};

const size = async (): Promise<number> => createAuditStream(bench.database, log.origin).size();
const caughtUp = (name: string): Promise<void> =>
  until(`${name} has everything`, async () => (await cursor(name)) === (await size()));

async function judge(text: string): Promise<ReceivedResult> {
  const received = new ReceivedLog();
  for (const line of text.split('\n')) received.add(line);
  return received.result(await bench.key());
}

const actions = async (): Promise<readonly string[]> => {
  const stream = createAuditStream(bench.database, log.origin);
  const rows = await stream.read(0, await stream.size(), 10_000);
  return rows.map(({ body }) => (JSON.parse(Buffer.from(body).toString()) as { action: string }).action);
};

describe('a file', () => {
  test('has every entry in order, with a proof, and nobody else may read it', async () => {
    await append(120, 'ä\n"');
    await using sinks = ship([fileSink()]);
    await caughtUp('file');
    const path = join(directory, 'audit.jsonl');
    const result = await judge(await readFile(path, 'utf8'));
    expect(result).toMatchObject({
      ok: true,
      first: 0,
      past: 120,
      entries: 120,
      duplicates: 0,
      provedTo: 120,
    });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    await until('it is told', () => sinks.report()[0]?.behind === 0);
    expect(sinks.report()).toEqual([{ name: 'file', state: 'shipping', behind: 0, refused: 0 }]);
  });

  test('that is rotated goes on in a new one, and a torn line spoils nothing', async () => {
    const path = join(directory, 'audit.jsonl');
    await appendFile(path, '{"entry":{"act');
    await append(10, 'one');
    stack.use(ship([fileSink()]));
    await caughtUp('file');
    await rename(path, `${path}.1`);
    await append(10, 'two');
    await caughtUp('file');
    const [first, second] = await Promise.all([readFile(`${path}.1`, 'utf8'), readFile(path, 'utf8')]);
    expect(await judge(first + second)).toMatchObject({ ok: true, past: 20, entries: 20, unreadable: 1 });
    // The second alone proves itself, by the edge that the checkpoint brings along.
    expect(await judge(second)).toMatchObject({
      ok: true,
      first: 10,
      past: 20,
      provedFrom: 10,
      provedTo: 20,
    });
  });
});

describe('over HTTP', () => {
  test('an outage is told once, loses nothing, and is caught up with', async () => {
    await using receiver = await startReceiver();
    receiver.answer = { status: 503 };
    await append(30, 'before');
    await using sinks = ship([httpSink(receiver)]);
    await until('the outage is on record', async () => (await actions()).includes('audit.sink-failed'));
    await until('it is told', () => sinks.report()[0]?.failingSince !== undefined);
    expect(sinks.report()[0]).toMatchObject({ name: 'siem', state: 'failing', problem: 'HTTP 503' });
    await append(400, 'meanwhile');
    const tried = receiver.received.length;
    receiver.answer = { status: 200 };
    await caughtUp('siem');
    await until('its end is on record', async () => (await actions()).includes('audit.sink-resumed'));
    await caughtUp('siem');
    const taken = receiver.received.slice(tried).map(({ body }) => body);
    const result = await judge(taken.join(''));
    expect(result).toMatchObject({ ok: true, first: 0, problemCount: 0 });
    expect(result.entries).toBe(await size());
    expect((await actions()).filter((action) => action === 'audit.sink-failed')).toHaveLength(1);
    expect(receiver.received.at(-1)?.headers).toMatchObject({
      authorization: 'Bearer of-the-test',
      'content-type': 'application/x-ndjson',
    });
  });

  test('a long outage is caught up with in requests of bounded size', async () => {
    await using receiver = await startReceiver();
    receiver.answer = { status: 503 };
    await append(1, 'first');
    await using sinks = ship([httpSink(receiver, { pace: { ...fed, maxEntries: 5_000 } })]);
    await until('it fails', () => sinks.report()[0]?.problem !== undefined);
    // An hour's worth: 8 MB, which no request may hold.
    for (let round = 0; round < 8; round += 1) await append(50, `${round}-${'x'.repeat(20_000)}`);
    const tried = receiver.received.length;
    receiver.answer = { status: 200 };
    await caughtUp('siem');
    const bodies = receiver.received.slice(tried).map(({ body }) => body);
    expect(await judge(bodies.join(''))).toMatchObject({ ok: true, entries: await size() });
    expect(Math.max(...bodies.map((body) => body.length))).toBeLessThan(1.2 * 2 ** 20);
    expect(bodies.length).toBeLessThan(30);
  });

  test('an entry that the receiver refuses is set apart, and the rest goes on', async () => {
    await using receiver = await startReceiver();
    receiver.judge = (body) => (body.includes('poison') ? 400 : 200);
    await append(40, 'good');
    await append(1, 'poison');
    await append(40, 'also-good');
    await using sinks = ship([httpSink(receiver)]);
    await caughtUp('siem');
    await until('it is on record', async () => (await actions()).includes('audit.sink-refused'));
    await caughtUp('siem');
    const accepted = receiver.received.filter(({ body }) => !body.includes('poison'));
    const result = await judge(accepted.map(({ body }) => body).join(''));
    expect(result).toMatchObject({ ok: true, skipped: { refused: 1 } });
    const rows = await bench.database.query('select sink, index::int, problem from audit_sink_refusal');
    expect(rows).toEqual([{ sink: 'siem', index: 40, problem: 'HTTP 400' }]);
    await until('it is told', () => sinks.report()[0]?.refused === 1);
  });

  test('a receiver that refuses everything is an outage: nothing is given up', async () => {
    await using receiver = await startReceiver();
    receiver.answer = { status: 400 };
    await append(30, 'x');
    stack.use(ship([httpSink(receiver)]));
    await until('the outage is on record', async () => (await actions()).includes('audit.sink-failed'));
    expect(await cursor('siem')).toBe(0);
    expect(await bench.database.query('select 1 from audit_sink_refusal')).toEqual([]);
    receiver.answer = { status: 204 };
    await caughtUp('siem');
  });

  test('a filter leaves out, and the receiver can still prove all of it', async () => {
    await using receiver = await startReceiver();
    await append(30, 'a');
    await log.append(auditEvent('wanted', 'push.refused'));
    await append(30, 'b');
    await log.append(auditEvent('wanted', 'push.refused'));
    stack.use(ship([httpSink(receiver, { filter: ['push.'] })]));
    await caughtUp('siem');
    const text = receiver.received.map(({ body }) => body).join('');
    expect(text).not.toContain('fetch.served');
    const result = await judge(text);
    expect(result).toMatchObject({ ok: true, entries: 2, past: 62, provedTo: 62, skipped: { filter: 60 } });
  });

  test('a new sink begins with the next entry where it is told to', async () => {
    await using receiver = await startReceiver();
    await append(20, 'old');
    stack.use(ship([httpSink(receiver, { from: 'now' })]));
    await until('it is known', async () => (await cursor('siem')) === 20);
    await append(5, 'new');
    await caughtUp('siem');
    await until('it arrived', async () => receiver.received.some(({ body }) => body.includes('new')));
    const result = await judge(receiver.received.map(({ body }) => body).join(''));
    expect(result).toMatchObject({ ok: true, first: 20, past: 25, entries: 5, provedFrom: 20, provedTo: 25 });
  });

  test('a sink that was taken out and put back goes on where it was', async () => {
    await using receiver = await startReceiver();
    await append(10, 'one');
    const before = ship([httpSink(receiver)]);
    await caughtUp('siem');
    await before[Symbol.asyncDispose]();
    await append(10, 'two');
    stack.use(ship([httpSink(receiver)], 'a later process'));
    await caughtUp('siem');
    const result = await judge(receiver.received.map(({ body }) => body).join(''));
    expect(result).toMatchObject({ ok: true, entries: 20, past: 20, duplicates: 0 });
  });

  test('a receiver with a certificate of its own is trusted by its authority alone', async () => {
    const certificates = makeCertificates();
    await using receiver = await startReceiver(certificates);
    await append(3, 'x');
    {
      await using sinks = ship([httpSink(receiver)]);
      await until('it is refused', () => sinks.report()[0]?.problem !== undefined);
      expect(receiver.received).toEqual([]);
    }
    stack.use(ship([httpSink(receiver, { ca: certificates.ca })]));
    await caughtUp('siem');
  });
});

describe('several guards', () => {
  test('one sends at a time, and another takes over from one that is gone', async () => {
    await using receiver = await startReceiver();
    await append(100, 'one');
    const gone = ship([httpSink(receiver)], 'first');
    await caughtUp('siem');
    await using second = ship([httpSink(receiver)], 'second');
    await until('it stands by', () => second.report()[0]?.state === 'elsewhere');
    await append(100, 'two');
    await caughtUp('siem');
    // As if it had died: the sink is still held, and nobody sends.
    await bench.database.query(`update audit_sink set holder = 'killed', fence = fence + 1`);
    await append(100, 'three');
    await until('somebody takes over', async () => (await cursor('siem')) === 300);
    await gone[Symbol.asyncDispose]();
    const result = await judge(receiver.received.map(({ body }) => body).join(''));
    expect(result).toMatchObject({ ok: true, entries: 300, past: 300 });
  });

  test('a move without the claim does not count', async () => {
    await append(10, 'x');
    await using receiver = await startReceiver();
    receiver.delayMs = 200;
    stack.use(ship([httpSink(receiver)]));
    await until('it is under way', () => receiver.received.length > 0);
    await bench.database.query(`update audit_sink set holder = 'other', fence = fence + 1,
      held_until = clock_timestamp() + interval '2 seconds'`);
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(await cursor('siem')).toBe(0);
    await caughtUp('siem');
  });
});

describe('S3', () => {
  const bucketSink = (store: object, more: object = {}): SinkSettings =>
    ({
      kind: 's3',
      name: 'archive',
      ...common,
      pace: { ...fed, maxEntries: 40, keepsBatches: true },
      store,
      prefix: 'audit/',
      lock: undefined,
      ...more,
    }) as SinkSettings;

  test('has an object for each batch, under the name of its entries', async () => {
    await using server = await startS3Server();
    await append(100, 'x');
    stack.use(ship([bucketSink(server.settings, { lock: { mode: 'compliance', days: 2_192 } })]));
    await caughtUp('archive');
    const keys = await server.keys();
    const folder = `audit/${log.origin.replace('/', '-')}`;
    expect(keys).toEqual([
      `${folder}/${'0'.repeat(16)}-${'39'.padStart(16, '0')}.jsonl`,
      `${folder}/${'40'.padStart(16, '0')}-${'79'.padStart(16, '0')}.jsonl`,
      `${folder}/${'80'.padStart(16, '0')}-${'99'.padStart(16, '0')}.jsonl`,
    ]);
    const texts = await Promise.all(keys.map((key) => server.text(key)));
    expect(await judge(texts.join(''))).toMatchObject({ ok: true, entries: 100, provedTo: 100 });
    const put = server.requests.find(({ method }) => method === 'PUT');
    expect(put?.headers['x-amz-object-lock-mode']).toBe('COMPLIANCE');
  });

  test('gets a batch that failed again as it was, though the log has grown', async () => {
    await using server = await startS3Server();
    server.fault = { status: 503, code: 'SlowDown' };
    await append(10, 'x');
    {
      await using sinks = ship([bucketSink(server.settings)]);
      await until('it failed', () => sinks.report()[0]?.problem === '503, SlowDown');
    }
    await append(10, 'y');
    server.fault = undefined;
    stack.use(ship([bucketSink(server.settings)], 'another guard'));
    await caughtUp('archive');
    const names = (await server.keys()).map((key) => key.slice(-39));
    expect(names[0]).toBe(`${'0'.repeat(16)}-${'9'.padStart(16, '0')}.jsonl`);
    const texts = await Promise.all((await server.keys()).map((key) => server.text(key)));
    expect(await judge(texts.join(''))).toMatchObject({ ok: true, duplicates: 0, entries: await size() });
  });
});

test('an entry that was changed in the database is not sent as if it were good', async () => {
  await append(20, 'x');
  await bench.tamper('update audit_entry set body = $1 where index = 12', [
    Buffer.from('{"action":"fetch.served"}'),
  ]);
  await using receiver = await startReceiver();
  await using sinks = ship([httpSink(receiver)]);
  await until('it is told', () => sinks.report()[0]?.problem === 'audit/inconsistent');
  expect(receiver.received).toEqual([]);
  expect(leafHash(Buffer.from('x'))).toHaveLength(32);
});
