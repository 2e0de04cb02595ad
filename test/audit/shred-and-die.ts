// Run as a process of its own: approves that texts are destroyed, and is killed when that is on record and not yet done.
import process from 'node:process';
import { createAuditLog } from '../../server/audit/log.ts';
import { createShredding } from '../../server/audit/sealing/shredding.ts';
import { openDatabase } from '../../server/db.ts';
import { human } from '../support/human.ts';

export async function shredAndDie(url: string, dataDir: string, shred: string, now: Date): Promise<void> {
  const clock = { now: () => now };
  const database = await openDatabase(url, { migrate: false, maxConnections: 2 });
  const log = await createAuditLog({ database, dataDir, clock });
  const audit: Pick<typeof log, 'append'> = {
    append: async (event) => {
      const receipt = await log.append(event);
      process.kill(process.pid, 'SIGKILL');
      return receipt;
    },
  };
  await createShredding({ database, audit, clock, derived: [] }).approve(human('grace'), 'approving', shred);
}

const [, , url, dataDir, shred, now] = process.argv;
if (
  import.meta.main &&
  url !== undefined &&
  dataDir !== undefined &&
  shred !== undefined &&
  now !== undefined
)
  await shredAndDie(url, dataDir, shred, new Date(now));
