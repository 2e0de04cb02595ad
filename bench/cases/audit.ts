// Appends to the audit log, each durable and covered by a signed checkpoint when it is acknowledged.
import { temporaryDirectory } from '../../test/support/temporary-directory.ts';
import type { AuditEvent } from '../../core/audit-event.ts';
import { createAuditLog, type DurableAuditLog } from '../../server/audit/log.ts';
import { openDatabase } from '../../server/db.ts';
import { startEmbeddedPostgres } from '../../server/embedded-postgres.ts';
import { migrate } from '../../server/migrate.ts';
import type { BenchCase } from '../bench-case.ts';
import { type Row, sampleOf, secondsOf } from '../measure.ts';

const event = (request: string): AuditEvent => ({
  action: 'fetch.served',
  request,
  actor: null,
  repository: 'bench/audit',
  details: { bytes: 1234, refs: 12 },
});

async function appendMany(log: DurableAuditLog, writers: number, each: number): Promise<number> {
  const seconds = await secondsOf(() =>
    Promise.all(
      Array.from({ length: writers }, async (_, writer) => {
        for (let number = 0; number < each; number += 1) await log.append(event(`bench-${writer}-${number}`));
      }),
    ),
  );
  return (writers * each) / seconds;
}

/** The audit case. */
export const auditCase: BenchCase = {
  name: 'audit-appends',
  title: 'durable audit appends per second, on the guard’s own PostgreSQL',
  needs: 'nothing',
  run: async ({ quick }) => {
    await using directory = await temporaryDirectory('bench-audit');
    await using postgres = await startEmbeddedPostgres({ dataDir: directory.path });
    await using database = await openDatabase(postgres.url);
    await migrate(database, true);
    await using log = await createAuditLog({
      database,
      dataDir: directory.path,
      clock: { now: () => new Date() },
    });
    const rounds = quick ? 2 : 5;
    const rows: Row[] = [];
    for (const [writers, each] of [
      [1, quick ? 100 : 400],
      [64, quick ? 50 : 200],
      [512, quick ? 20 : 50],
    ] as const) {
      await appendMany(log, writers, 5);
      const rates: number[] = [];
      for (let round = 0; round < rounds; round += 1) rates.push(await appendMany(log, writers, each));
      rows.push({
        measure: `${writers} waiting at once`,
        unit: '1/s',
        baseName: '',
        base: null,
        ours: sampleOf(rates),
      });
    }
    return rows;
  },
};
