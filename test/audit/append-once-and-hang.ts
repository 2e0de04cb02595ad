// Run as a process of its own beside a test's guard: joins its log, takes the turn, and then appends once a second.
import { setTimeout as sleep } from 'node:timers/promises';
import { writeSync } from 'node:fs';
import { createAuditLog } from '../../server/audit/log.ts';
import { openDatabase } from '../../server/db.ts';
import { auditEvent } from '../support/audit.ts';

export async function appendAndHang(url: string, dataDir: string): Promise<void> {
  const database = await openDatabase(url, { migrate: false, maxConnections: 2 });
  const log = await createAuditLog({ database, dataDir, clock: { now: () => new Date() } });
  for (;;) {
    await log.append(auditEvent('other')).catch(() => undefined);
    writeSync(1, 'appended\n');
    await sleep(1_000);
  }
}

const [, , url, dataDir] = process.argv;
if (import.meta.main && url !== undefined && dataDir !== undefined) await appendAndHang(url, dataDir);
