// Opens the audit log: its key, its tree, its second checkpoint store, and its one writer.
import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventOf, parseEntry } from '../../core/audit-entry.ts';
import {
  createSigner,
  parseCheckpoint,
  signCheckpoint,
  verifierKeyText,
  type NoteSigner,
} from '../../core/checkpoint.ts';
import { asGuardError, GuardError } from '../../core/errors.ts';
import { emptyRoot, rootOf, type Hash } from '../../core/merkle.ts';
import type { AuditLog, Clock, OpenAttempt } from '../../core/services.ts';
import type { Database, DatabaseSession, Queryable } from '../db.ts';
import { readCheckpointFile, replaceCheckpointFile } from './checkpoint-file.ts';
import { CheckpointKeeper } from './checkpoint-keeper.ts';
import { checkContinues, checkLastBatch, loadHead } from './head.ts';
import { createSigningKey, readSigningKey, signingKeyPath } from './signing-key.ts';
import { readHead, readOpenAttempts, type StoredHead } from './store.ts';
import { publishVerifierKey } from './verifier-key.ts';
import { AuditWriter, openWriterSession } from './writer.ts';

export interface AuditLogOptions {
  readonly database: Database;
  /** Holds the signing key and the second copy of the last checkpoint. */
  readonly dataDir: string;
  readonly clock: Clock;
  /** Name of a new log, unique in the world, such as `guard.example.com/audit`; a log keeps the name that it got. */
  readonly origin?: string;
  readonly writeDeadlineMs?: number;
  readonly maxQueued?: number;
  /** How long to wait for another guard to give up writing the log. */
  readonly lockWaitMs?: number;
}

export interface LogHead {
  readonly size: number;
  readonly root: Hash;
  /** The signed note; empty for a log without entries. */
  readonly note: string;
}

export interface DurableAuditLog extends AuditLog, AsyncDisposable {
  readonly origin: string;
  /** The verifier key (C2SP signed-note `vkey`) to be given to whoever checks the log. */
  readonly verifierKey: string;
  /** The last acknowledged state. */
  readonly head: LogHead;
}

const defaults = { writeDeadlineMs: 2_000, maxQueued: 10_000, lockWaitMs: 5_000 } as const;
const lockPollMs = 100;

async function becomeWriter(
  database: Database,
  deadlineMs: number,
  waitMs: number,
): Promise<DatabaseSession> {
  const deadline = performance.now() + waitMs;
  for (;;) {
    const session = await openWriterSession(database, deadlineMs);
    if (session !== undefined) return session;
    if (performance.now() >= deadline) {
      throw new GuardError(
        'audit/unavailable',
        'another guard writes the audit log of this database: stop it first',
      );
    }
    await sleep(lockPollMs);
  }
}

/** The signer of the log. A key is made only for a log that has neither entries nor a checkpoint. */
async function loadSigner(
  options: AuditLogOptions,
  stored: StoredHead,
  fileNote: string | undefined,
): Promise<NoteSigner> {
  const isNew = stored.entries === 0 && stored.note === null && fileNote === undefined;
  const found = await readSigningKey(options.dataDir);
  if (found === undefined && !isNew) {
    const path = signingKeyPath(options.dataDir);
    throw new GuardError(
      'audit/inconsistent',
      `the audit log has a history, but its signing key ${path} is missing`,
    );
  }
  const key = found ?? (await createSigningKey(options.dataDir));
  const note = fileNote ?? stored.note;
  const origin =
    note === null ? (options.origin ?? `forgeguard/${randomUUID()}`) : parseCheckpoint(note)?.origin;
  if (origin === undefined) throw new GuardError('audit/inconsistent', 'the last checkpoint cannot be read');
  return createSigner(origin, key);
}

/** The checkpoint file's note, which a new log gets first of all. */
async function ensureCheckpointFile(
  options: AuditLogOptions,
  stored: StoredHead,
  note: string | undefined,
  signer: NoteSigner,
): Promise<string> {
  if (note !== undefined) return note;
  if (stored.entries > 0 || stored.note !== null) {
    throw new GuardError(
      'audit/inconsistent',
      `the audit log has entries, but no checkpoint in ${options.dataDir}`,
    );
  }
  const first = signCheckpoint({ size: 0, root: emptyRoot }, signer);
  await replaceCheckpointFile(options.dataDir, undefined, first);
  return first;
}

async function listOpenAttempts(client: Queryable): Promise<readonly OpenAttempt[]> {
  const rows = await readOpenAttempts(client);
  return rows.map(({ request, lastBody }) => {
    const entry = parseEntry(lastBody);
    if (entry === undefined)
      throw new GuardError('audit/inconsistent', 'the entry of an open attempt was changed');
    return { request, last: eventOf(entry) };
  });
}

async function open(options: AuditLogOptions, session: DatabaseSession): Promise<DurableAuditLog> {
  const { database, dataDir, clock } = options;
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const stored = await readHead(session);
  const foundNote = await readCheckpointFile(dataDir);
  const signer = await loadSigner(options, stored, foundNote);
  const fileNote = await ensureCheckpointFile(options, stored, foundNote, signer);
  const head = await loadHead(session, signer);
  await checkLastBatch(session, head);
  await checkContinues(session, head, fileNote, signer);
  const verifierKey = verifierKeyText(signer);
  await publishVerifierKey(dataDir, verifierKey);

  const keeper = new CheckpointKeeper(dataDir, fileNote, (error) => writer.fail(error));
  const { writeDeadlineMs = defaults.writeDeadlineMs, maxQueued = defaults.maxQueued } = options;
  const writer = new AuditWriter(
    { database, signer, clock, writeDeadlineMs, maxQueued, keeper },
    session,
    head,
  );
  // After a crash the file may lag behind the database; it has been checked that the one continues the other.
  keeper.update(head.note);
  return {
    origin: signer.name,
    verifierKey,
    get head() {
      const { edge, note } = writer.head;
      return { size: edge.size, root: rootOf(edge), note };
    },
    append: (event) => writer.append(event),
    openAttempts: () => listOpenAttempts(database),
    [Symbol.asyncDispose]: async () => {
      await writer[Symbol.asyncDispose]();
      await keeper[Symbol.asyncDispose]();
    },
  };
}

/**
 * Opens the audit log and becomes its writer, making its key where the log is new. Rejects with `audit/unavailable`
 * where another guard writes it or the database cannot be used, and with `audit/inconsistent` where entries, checkpoints,
 * key and checkpoint file do not belong together.
 */
export async function createAuditLog(options: AuditLogOptions): Promise<DurableAuditLog> {
  const { writeDeadlineMs = defaults.writeDeadlineMs, lockWaitMs = defaults.lockWaitMs } = options;
  let session: DatabaseSession | undefined;
  try {
    session = await becomeWriter(options.database, writeDeadlineMs, lockWaitMs);
    return await open(options, session);
  } catch (thrown) {
    session?.destroy();
    throw asGuardError(thrown, 'audit/unavailable', "couldn't open the audit log");
  }
}
