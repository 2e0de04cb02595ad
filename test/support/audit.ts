// An audit log of its own for a test: a fresh database, a data directory, a clock that the test moves.
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AuditAction, AuditEvent } from '../../core/audit-event.ts';
import { parseVerifierKey, type NoteVerifier } from '../../core/checkpoint.ts';
import { readCheckpointFile } from '../../server/audit/checkpoint-file.ts';
import { type AuditLogOptions, createAuditLog, type DurableAuditLog } from '../../server/audit/log.ts';
import { readVerifierKey } from '../../server/audit/verifier-key.ts';
import { type Verification, verifyLog } from '../../server/audit/verify.ts';
import type { Database } from '../../server/db.ts';
import { freshDatabase } from './database.ts';
import { temporaryDirectory } from './temporary-directory.ts';

export interface AuditBench extends AsyncDisposable {
  /** The data directory of a further guard on the same database: what an operator copies for it is there. */
  anotherDataDir(): Promise<string>;
  readonly url: string;
  readonly database: Database;
  readonly dataDir: string;
  /** What the log's clock shows. */
  now: Date;
  /** Opens the log; the caller closes it. */
  open(options?: Partial<AuditLogOptions>): Promise<DurableAuditLog>;
  /** Opens the log, appends events one after the other, and closes it. */
  write(events: readonly AuditEvent[]): Promise<void>;
  key(): Promise<NoteVerifier>;
  /** Verifies as the command does. */
  verify(kept?: readonly string[], threads?: number): Promise<Verification>;
  /** Runs SQL with the guard's triggers out of force, as somebody with all rights on the database can. */
  tamper(sql: string, values?: readonly unknown[]): Promise<void>;
}

/** An event of one attempt; `note` goes into the details. */
export function auditEvent(request: string, action: AuditAction = 'push.received', note = ''): AuditEvent {
  return { action, request, actor: null, repository: 'sandbox/demo', details: { note } };
}

export function auditEvents(count: number): readonly AuditEvent[] {
  return Array.from({ length: count }, (_, at) => auditEvent(`request-${at}`));
}

export async function auditBench(): Promise<AuditBench> {
  await using resources = new AsyncDisposableStack();
  const directory = resources.use(await temporaryDirectory('audit'));
  const { url, database } = resources.use(await freshDatabase());
  const dataDir = directory.path;
  const kept = resources.move();
  const bench: AuditBench = {
    url,
    database,
    dataDir,
    now: new Date('2026-03-01T12:00:00.000Z'),
    open: (options) =>
      createAuditLog({ database, dataDir, clock: { now: () => bench.now }, lockWaitMs: 2_000, ...options }),
    write: async (events) => {
      await using log = await bench.open();
      for (const event of events) await log.append(event);
    },
    key: async () => {
      const key = parseVerifierKey((await readVerifierKey(dataDir))?.trim() ?? '');
      if (key === undefined) throw new Error('the log has published no key');
      return key;
    },
    verify: async (notes = [], threads) => {
      const own = await readCheckpointFile(dataDir);
      return verifyLog(database, {
        key: await bench.key(),
        kept: own === undefined ? notes : [own, ...notes],
        threads,
      });
    },
    anotherDataDir: async () => {
      const another = kept.use(await temporaryDirectory('audit'));
      for (const name of ['audit-signing-key', 'audit-checkpoint'])
        await copyFile(join(dataDir, name), join(another.path, name));
      return another.path;
    },
    tamper: (sql, values) =>
      database.transaction(async (client) => {
        await client.query('set local session_replication_role = replica');
        await client.query(sql, values);
      }),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
  return bench;
}
