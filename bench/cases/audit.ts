// Appends to the audit log, each durable and covered by a signed checkpoint when it is acknowledged.
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '../../test/support/temporary-directory.ts';
import type { AuditEvent } from '../../core/audit-event.ts';
import { createAuditLog, type DurableAuditLog } from '../../server/audit/log.ts';
import { createSealing } from '../../server/audit/sealing/sealing.ts';
import { openWrappingKey } from '../../server/audit/sealing/wrapping-key.ts';
import { openDatabase } from '../../server/db.ts';
import { startEmbeddedPostgres } from '../../server/embedded-postgres.ts';
import type { BenchCase } from '../bench-case.ts';
import { type Row, sampleOf, secondsOf } from '../measure.ts';

/** An entry as a fetch leaves it. */
export const benchEvent = (request: string): AuditEvent => ({
  action: 'fetch.served',
  request,
  actor: null,
  repository: 'bench/audit',
  details: { bytes: 1234, refs: 12 },
});

/** An entry with texts that are sealed, as a push leaves it. */
const sealedEvent = (request: string): AuditEvent => ({
  action: 'fetch.served',
  request,
  actor: null,
  repository: 'bench/audit',
  details: {
    address: '192.0.2.1',
    userAgent: 'git/2.50.0',
    refUpdates: [{ ref: 'refs/heads/agent/a-branch', old: '0'.repeat(40), new: 'a'.repeat(40) }],
    findings: [{ rule: 'phi/ssn', path: 'src/fixtures/patients.csv', line: 12 }],
  },
});

interface Appended {
  readonly rate: number;
  /** Milliseconds of each append. */
  readonly waits: readonly number[];
}

/** `writers` append `each` entries one after the other, spread over the guards. */
async function appendMany(
  logs: readonly DurableAuditLog[],
  writers: number,
  each: number,
  event: (request: string) => AuditEvent,
): Promise<Appended> {
  const waits: number[] = [];
  const seconds = await secondsOf(() =>
    Promise.all(
      Array.from({ length: writers }, async (_, writer) => {
        for (let number = 0; number < each; number += 1) {
          const started = performance.now();
          await logs[(writer + number) % logs.length]?.append(event(`bench-${writer}-${number}`));
          waits.push(performance.now() - started);
        }
      }),
    ),
  );
  return { rate: (writers * each) / seconds, waits };
}

const percentile = (values: readonly number[], part: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * part)] ?? 0;

async function measureAppends(
  logs: readonly DurableAuditLog[],
  writers: number,
  each: number,
  rounds: number,
  what: string,
  event = benchEvent,
): Promise<readonly Row[]> {
  await appendMany(logs, writers, 5, event);
  const found: Appended[] = [];
  for (let round = 0; round < rounds; round += 1) found.push(await appendMany(logs, writers, each, event));
  const row = { baseName: '', base: null } as const;
  const p99 = found.map(({ waits }) => percentile(waits, 0.99));
  const p50 = found.map(({ waits }) => percentile(waits, 0.5));
  return [
    { ...row, measure: what, unit: '1/s', ours: sampleOf(found.map(({ rate }) => rate)) },
    { ...row, measure: `${what}: median wait`, unit: 'ms', ours: sampleOf(p50) },
    { ...row, measure: `${what}: 99th percentile`, unit: 'ms', ours: sampleOf(p99) },
  ];
}

/** The audit case. */
export const auditCase: BenchCase = {
  name: 'audit-appends',
  title: 'durable audit appends per second, on the guard’s own PostgreSQL',
  needs: 'nothing',
  run: async ({ quick }) => {
    await using directory = await temporaryDirectory('bench-audit');
    const dataDir = directory.path;
    await using postgres = await startEmbeddedPostgres({ dataDir });
    await using database = await openDatabase(postgres.url);
    const clock = { now: () => new Date() };
    const sealing = createSealing(await openWrappingKey(database, dataDir, undefined));
    await using first = await createAuditLog({ database, dataDir, clock, sealing });
    const rounds = quick ? 2 : 5;
    const rows: Row[] = [];
    for (const [writers, each] of [
      [1, quick ? 100 : 400],
      [64, quick ? 50 : 400],
      [512, quick ? 20 : 100],
    ] as const) {
      rows.push(...(await measureAppends([first], writers, each, rounds, `${writers} waiting at once`)));
    }
    const sealed = quick ? 50 : 400;
    rows.push(
      ...(await measureAppends([first], 64, sealed, rounds, '64 waiting, texts sealed', sealedEvent)),
    );
    const other = join(dataDir, 'other');
    await mkdir(other);
    for (const name of ['audit-signing-key', 'audit-checkpoint'])
      await copyFile(join(dataDir, name), join(other, name));
    await using second = await createAuditLog({ database, dataDir: other, clock, sealing });
    for (const [writers, each] of [
      [1, quick ? 50 : 200],
      [64, quick ? 20 : 200],
    ] as const) {
      const what = `two guards in turns, ${writers} waiting`;
      rows.push(...(await measureAppends([first, second], writers, each, rounds, what)));
    }
    return rows;
  },
};
