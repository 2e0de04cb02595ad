// Run as a process of its own by the crash tests: opens the log as the guard does, on its own database or on one that is
// given, appends without end from several callers, and writes each index to standard output once it is acknowledged.
import { writeSync } from 'node:fs';
import { createAuditLog } from '../../server/audit/log.ts';
import { openDatabase } from '../../server/db.ts';
import { startEmbeddedPostgres } from '../../server/embedded-postgres.ts';
import { auditEvent } from '../support/audit.ts';

const callers = 4;

export async function appendUntilKilled(dataDir: string, url: string | undefined): Promise<void> {
  const database = await openDatabase(url ?? (await startEmbeddedPostgres({ dataDir })).url, {
    migrate: url === undefined,
  });
  const log = await createAuditLog({ database, dataDir, clock: { now: () => new Date() } });
  writeSync(1, `open ${log.head.size}\n`);
  const appendOn = async (caller: number): Promise<void> => {
    for (let count = 0; ; count += 1) {
      const { index } = await log.append(auditEvent(`${process.pid}-${caller}-${count}`));
      writeSync(1, `ack ${index} ${process.pid}-${caller}-${count}\n`);
    }
  };
  await Promise.all(Array.from({ length: callers }, (_, caller) => appendOn(caller)));
}

const [, , dataDir, url] = process.argv;
if (import.meta.main && dataDir !== undefined) await appendUntilKilled(dataDir, url);
