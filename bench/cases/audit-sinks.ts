// How fast a log that has waited goes out to receivers on this machine: into a file, and over HTTP.
import { join } from 'node:path';
import { createAuditStream } from '../../server/audit/stream.ts';
import type { SinkSettings } from '../../server/config.ts';
import { Secret } from '../../server/secret.ts';
import { createSinks } from '../../server/sinks/part.ts';
import { auditBench } from '../../test/support/audit.ts';
import { setup } from '../../test/support/database.ts';
import { startReceiver } from '../../test/support/receiver.ts';
import { until } from '../../test/support/until.ts';
import type { BenchCase } from '../bench-case.ts';
import { type Row, sampleOf, secondsOf } from '../measure.ts';
import { benchEvent } from './audit.ts';

const pace = {
  maxEntries: 500,
  maxBytes: 2 ** 20,
  lingerMs: 0,
  checkpointMs: 60_000,
  keepsBatches: false,
  resend: 0,
};

/** Entries a second, for each kind of sink. */
export const auditSinksCase: BenchCase = {
  name: 'audit-sinks',
  title: 'The audit log sent to receivers',
  needs: 'nothing',
  run: async ({ quick }) => {
    const stop = await setup();
    try {
      return await measure(quick ? 2_000 : 20_000);
    } finally {
      await stop();
    }
  },
};

async function measure(entries: number): Promise<readonly Row[]> {
  await using bench = await auditBench();
  await using log = await bench.open();
  for (let at = 0; at < entries; at += 500)
    await Promise.all(Array.from({ length: 500 }, (_, more) => log.append(benchEvent(`r-${at + more}`))));
  await using receiver = await startReceiver();
  const common = { filter: [], from: 'start', pace } as const;
  const url = new Secret(receiver.url);
  const http = { kind: 'http', ...common, url, headers: [] } as const;
  const sinks: readonly SinkSettings[] = [
    { kind: 'file', name: 'file', ...common, path: join(bench.dataDir, 'audit.jsonl') },
    { ...http, name: 'http-json', format: 'json' },
    { ...http, name: 'http-ocsf', format: 'ocsf' },
  ];
  const rows: Row[] = [];
  for (const sink of sinks) {
    const shipped = async (): Promise<boolean> => {
      const [row] = await bench.database.query<{ next: number }>(
        'select next::int from audit_sink where name = $1',
        [sink.name],
      );
      return (row?.next ?? 0) >= entries;
    };
    const seconds = await secondsOf(async () => {
      await using part = createSinks({
        sinks: [sink],
        stream: createAuditStream(bench.database, log.origin),
        database: bench.database,
        holder: { name: 'bench', predecessors: undefined },
        append: (event) => log.append(event),
        onProblem: () => undefined,
      });
      await until(`${sink.name} has everything`, shipped, 120_000);
      part.report();
    });
    rows.push({
      measure: `entries sent, ${sink.name}`,
      unit: '1/s',
      baseName: '',
      base: null,
      ours: sampleOf([entries / seconds]),
    });
  }
  return rows;
}
