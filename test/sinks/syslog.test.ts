// The log over syslog: to rsyslog, which parses by its own rules, and to a receiver that cuts off.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ReceivedLog } from '../../core/received.ts';
import { createAuditStream } from '../../server/audit/stream.ts';
import type { DurableAuditLog } from '../../server/audit/log.ts';
import type { SyslogSink } from '../../server/config.ts';
import { createSinks, type SinksPart } from '../../server/sinks/part.ts';
import { Secret } from '../../server/secret.ts';
import { type AuditBench, auditBench, auditEvent } from '../support/audit.ts';
import { makeCertificates } from '../support/certificates.ts';
import { startRsyslog, startTlsSyslog } from '../support/syslog-server.ts';
import { until } from '../support/until.ts';

const certificates = makeCertificates();
let bench: AuditBench;
let log: DurableAuditLog;
let stack: AsyncDisposableStack;

beforeEach(async () => {
  stack = new AsyncDisposableStack();
  bench = stack.use(await auditBench());
  log = await bench.open();
  stack.defer(() => log[Symbol.asyncDispose]());
});
afterEach(() => stack.disposeAsync());

const style: SyslogSink['style'] = {
  facility: 13,
  enterpriseNumber: 32_473,
  host: 'guard.example.org',
  format: 'json',
  maxMessageBytes: 8_192,
};

const sink = (port: number, more: Partial<SyslogSink> = {}): SyslogSink => ({
  kind: 'syslog',
  name: 'siem',
  filter: [],
  from: 'start',
  host: '127.0.0.1',
  port,
  tls: { ca: certificates.ca, client: undefined },
  style,
  pace: { maxEntries: 50, maxBytes: 2 ** 20, lingerMs: 0, checkpointMs: 0, keepsBatches: false, resend: 10 },
  ...more,
});

const ship = (settings: SyslogSink): SinksPart =>
  createSinks({
    sinks: [settings],
    stream: createAuditStream(bench.database, log.origin),
    database: bench.database,
    holder: { name: 'this guard', predecessors: undefined },
    append: (event) => log.append(event),
    onProblem: () => undefined,
    pace: { pollMs: 20, firstWaitMs: 20, longestWaitMs: 100, lastMs: 2_000, lookMs: 50 },
  });

async function judge(texts: readonly string[]) {
  const received = new ReceivedLog();
  for (const text of texts) received.add(text);
  return received.result(await bench.key());
}

/** What stands behind the structured data. */
const textOf = (message: string): string => message.slice(message.indexOf('] ') + 2).replace(/^\uFEFF/, '');

describe('syslog over TLS', () => {
  test('is understood by rsyslog, and what it kept proves itself', async () => {
    await using rsyslog = await startRsyslog();
    await using server = await startTlsSyslog(certificates, { wantsClient: true });
    const onward = connect({ host: '127.0.0.1', port: rsyslog.port });
    stack.defer(() => void onward.destroy());
    server.forward = (bytes) => void onward.write(bytes);
    const odd = 'a ] and a " and a \\ and ü';
    await log.append({ ...auditEvent('r-1', 'push.refused'), repository: `forge/${odd}` });
    await log.append(auditEvent('r-2', 'fetch.served', 'line\nbreak'));
    await log.append(auditEvent('r-3', 'guard.started', 'x'.repeat(20_000)));
    const client = { certificate: certificates.client.cert, key: new Secret(certificates.client.key) };
    stack.use(ship(sink(server.port, { tls: { ca: certificates.ca, client } })));
    await until('rsyslog has it', async () => (await rsyslog.parsed()).length >= 4);
    expect(server.clients).toEqual(['guard']);
    const [first, second, third, checkpoint] = await rsyslog.parsed();
    expect(first).toMatchObject({
      pri: String(13 * 8 + 4),
      host: 'guard.example.org',
      app: 'forgeguard',
      id: 'push.refused',
    });
    expect(first?.time).toMatch(/^2026-03-01T12:00:00\.000/);
    const element = first?.all['rfc5424-sd']['forgeguard@32473'];
    expect(element).toMatchObject({ seq: '0', log: log.origin, request: 'r-1' });
    expect(element?.['repository']).toBe(`forge/${odd}`);
    expect(second).toMatchObject({ pri: String(13 * 8 + 6), id: 'fetch.served' });
    expect(JSON.parse(third?.text.trim() ?? '')).toHaveProperty('cut');
    expect(checkpoint?.id).toBe('checkpoint');
    const result = await judge((await rsyslog.parsed()).map(({ text }) => text));
    expect(result).toMatchObject({ ok: true, entries: 3, cut: 1, provedTo: 3 });
  });

  test('what a connection may have lost is sent again over the next', async () => {
    await using server = await startTlsSyslog(certificates);
    for (let at = 0; at < 40; at += 1) await log.append(auditEvent(`r-${at}`, 'fetch.served'));
    stack.use(ship(sink(server.port)));
    await until('it counts', async () => {
      const [row] = await bench.database.query<{ next: number }>('select next::int from audit_sink');
      return row?.next === 40;
    });
    server.cut();
    await log.append(auditEvent('later', 'fetch.served'));
    await until('it has the rest', () => server.messages().some((message) => message.includes('"later"')));
    expect(server.connections).toHaveLength(2);
    // Ten entries before the cursor, and the new one.
    const again = server.connections[1]?.filter((message) => message.includes('fetch.served'));
    expect(again?.map((message) => /seq="(\d+)"/.exec(message)?.[1])).toEqual(
      Array.from({ length: 11 }, (_, at) => String(30 + at)),
    );
    const result = await judge(server.messages().map(textOf));
    expect(result).toMatchObject({ ok: true, entries: 41, duplicates: 10 });
  });

  test('a receiver that cannot prove itself gets nothing', async () => {
    const others = makeCertificates();
    await using server = await startTlsSyslog(others);
    await log.append(auditEvent('r', 'fetch.served'));
    await using sinks = ship(sink(server.port));
    await until('it is told', () => sinks.report()[0]?.problem !== undefined);
    expect(sinks.report()[0]?.problem).toMatch(/UNABLE_TO|SELF_SIGNED|CERT/);
    expect(server.messages()).toEqual([]);
  });

  test('a receiver that demands a certificate refuses a guard without', async () => {
    await using server = await startTlsSyslog(certificates, { wantsClient: true });
    await log.append(auditEvent('r', 'fetch.served'));
    await using sinks = ship(sink(server.port));
    await until('it is told', () => sinks.report()[0]?.failingSince !== undefined);
    expect(server.messages()).toEqual([]);
    const [row] = await bench.database.query('select next::int from audit_sink');
    expect(row).toEqual({ next: 0 });
  });

  test('a receiver that takes calls and hangs up has taken nothing', async () => {
    const server = createServer((socket) => void socket.on('error', () => undefined).end());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    stack.defer(() => void server.close());
    await log.append(auditEvent('r', 'fetch.served'));
    await using sinks = ship(sink((server.address() as AddressInfo).port, { tls: undefined }));
    await until('it is told', () => sinks.report()[0]?.failingSince !== undefined);
    const [row] = await bench.database.query('select next::int from audit_sink');
    expect(row).toEqual({ next: 0 });
  });
});

test('plain TCP carries CEF', async () => {
  await using rsyslog = await startRsyslog();
  await log.append({ ...auditEvent('r-1', 'push.refused'), details: { reason: 'a=b | c\\d\nnext' } });
  stack.use(ship(sink(rsyslog.port, { tls: undefined, style: { ...style, format: 'cef' } })));
  await until('it arrived', async () => (await rsyslog.parsed()).length > 0);
  const [first] = await rsyslog.parsed();
  expect(first?.text.trim()).toMatch(
    /^CEF:0\|Forgeguard\|Forgeguard\|[^|]+\|push\.refused\|push\.refused on sandbox\/demo\|5\|/,
  );
  expect(first?.text).toContain(String.raw`reason=a\=b | c\\d\nnext `);
  expect(first?.text).toContain('externalId=0');
});
