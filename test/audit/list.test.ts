// Entries by what they say: each condition, all of them together, and memory that does not grow with the log.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AuditEvent } from '../../core/audit-event.ts';
import type { Principal } from '../../core/principal.ts';
import { listEntries, type EntryFilter } from '../../server/audit/list.ts';
import { forgeguard } from '../cli/program.ts';
import { auditBench, type AuditBench, auditEvent, auditEvents } from '../support/audit.ts';

let bench: AuditBench;
const agent: Principal = {
  kind: 'agent',
  id: 'agent:bot',
  issuer: 'guard',
  subject: 'bot',
  groups: [],
  onBehalfOf: ['human:ada@example.org'],
  session: 'session',
  proof: 'guard-token',
};

const by = (event: AuditEvent, more: Partial<AuditEvent>): AuditEvent => ({ ...event, ...more });

beforeAll(async () => {
  bench = await auditBench();
  await bench.write([auditEvent('a'), by(auditEvent('a', 'push.refused'), { actor: agent })]);
  bench.now = new Date('2026-03-02T12:00:00.000Z');
  await bench.write([
    by(auditEvent('b', 'fetch.served'), { repository: 'forge/team/app' }),
    by(auditEvent('c', 'push.forwarded'), { actor: agent, repository: 'forge/team/app' }),
  ]);
  bench.now = new Date('2026-03-03T12:00:00.000Z');
  await bench.write([auditEvent('d', 'push.unknown')]);
});
afterAll(() => bench[Symbol.asyncDispose]());

async function found(filter: EntryFilter): Promise<readonly number[]> {
  const indices: number[] = [];
  for await (const { entry } of listEntries(bench.database, 5, filter)) indices.push(entry.index);
  return indices;
}

test.each<[EntryFilter, readonly number[]]>([
  [{}, [0, 1, 2, 3, 4]],
  [{ action: 'push.refused' }, [1]],
  [{ action: 'push.' }, [0, 1, 3, 4]],
  [{ action: 'push' }, []],
  [{ actor: 'agent:bot' }, [1, 3]],
  [{ actor: 'human:ada@example.org' }, [1, 3]],
  [{ repository: 'forge/team/app' }, [2, 3]],
  [{ request: 'a' }, [0, 1]],
  [{ from: new Date('2026-03-02T12:00:00.000Z') }, [2, 3, 4]],
  [{ to: new Date('2026-03-02T12:00:00.000Z') }, [0, 1]],
  [{ from: new Date('2026-03-02T00:00:00.000Z'), to: new Date('2026-03-03T00:00:00.000Z') }, [2, 3]],
  [{ from: new Date('2027-01-01T00:00:00.000Z') }, []],
  [{ action: 'push.', actor: 'agent:bot', repository: 'forge/team/app' }, [3]],
])('%j', async (filter, indices) => {
  expect(await found(filter)).toEqual(indices);
});

test('as a command, which is on record', async () => {
  const env = { FORGEGUARD_DATA_DIR: bench.dataDir, DATABASE_URL: bench.url };
  const run = (...args: string[]) => forgeguard(bench.dataDir, ['audit', 'list', ...args], env);
  const text = await run('--actor', 'agent:bot', '--from', '2026-03-02');
  expect(text).toMatchObject({
    code: 0,
    stderr: '',
    stdout: '3  2026-03-02T12:00:00.000Z  push.forwarded  agent:bot  forge/team/app  c\n',
  });
  const lines = (await run('--action', 'audit.exported', '--format', 'jsonl')).stdout.trim().split('\n');
  expect(lines.map((line): unknown => JSON.parse(line))).toMatchObject([
    {
      action: 'audit.exported',
      details: { what: 'list', size: 5, filter: { actor: 'agent:bot', from: '2026-03-02T00:00:00.000Z' } },
    },
  ]);
});

test('of a long log in little memory', async () => {
  await using long = await auditBench();
  await using log = await long.open({ writeDeadlineMs: 20_000 });
  for (let round = 0; round < 10; round += 1)
    await Promise.all(auditEvents(5_000).map((event) => log.append(event)));
  const before = process.memoryUsage().heapUsed;
  let highest = before;
  let count = 0;
  for await (const { entry } of listEntries(long.database, 50_000, { action: 'push.' })) {
    if (entry.index !== count) throw new Error('out of order');
    count += 1;
    if (count % 5_000 === 0) highest = Math.max(highest, process.memoryUsage().heapUsed);
  }
  expect(count).toBe(50_000);
  expect((highest - before) / 2 ** 20).toBeLessThan(100);
});
