// Opens the audit log: its key, its tree, its second checkpoint store, and this guard's writer.
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
import type { Database, Queryable } from '../db.ts';
import { readCheckpointFile, replaceCheckpointFile } from './checkpoint-file.ts';
import { CheckpointKeeper } from './checkpoint-keeper.ts';
import { checkContinues, checkLastBatch, loadHead, readKeyHistory } from './head.ts';
import type { Sealing } from './sealing/sealing.ts';
import type { CheckpointStore } from './shared-checkpoint/checkpoint-store.ts';
import { checkShared, startSharing } from './shared-checkpoint/sharing.ts';
import { createSigningKey, readSigningKey, signerOf, signingKeyPath } from './signing-key.ts';
import { readHead, readOpenAttempts, readTail, type StoredHead } from './store.ts';
import { publishVerifierKey } from './verifier-key.ts';
import { readPresent } from './writer-lock.ts';
import type { Witness } from './witness-client.ts';
import { startWitnessing } from './witnessing.ts';
import { readWriterNumber } from './writer-number.ts';
import { openWriterSession, type WriterSession } from './writer-session.ts';
import { AuditWriter } from './writer.ts';

export interface AuditLogOptions {
  readonly database: Database;
  /** Holds the signing key and the second copy of the last checkpoint. */
  readonly dataDir: string;
  readonly clock: Clock;
  /** Name of a new log, unique in the world, such as `guard.example.com/audit`; a log keeps the name that it got. */
  readonly origin?: string;
  readonly writeDeadlineMs?: number;
  readonly maxQueued?: number;
  /** How long to wait for another guard that runs with the same data directory to stop. */
  readonly lockWaitMs?: number;
  /** How often to look at what other guards have written. */
  readonly followEveryMs?: number;
  /** Where all guards of this log keep the last checkpoint besides: another database. */
  readonly checkpointStore?: CheckpointStore | undefined;
  /** Seals texts that may be personal; without it they stand in the entries. */
  readonly sealing?: Sealing;
  /** Who cosigns the checkpoints, and how often they are asked. */
  readonly witnesses?: readonly Witness[];
  readonly witnessEveryMs?: number;
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
  /** The last state that this guard has acknowledged or seen. */
  readonly head: LogHead;
  /** Has every witness cosign the newest checkpoint now; what fails is on record. */
  witness(): Promise<void>;
  /** Rejects with `audit/unavailable` or `audit/inconsistent` while nothing can be appended. */
  ready(): Promise<void>;
}

const defaults = {
  writeDeadlineMs: 2_000,
  maxQueued: 10_000,
  lockWaitMs: 5_000,
  followEveryMs: 1_000,
} as const;
const pollMs = 100;
/** A guard that seems to be gone is looked at a second time after this many ms: it may have lost its connection only. */
const absenceMs = 3_000;

/** Waits until no other process runs with this data directory. */
async function waitForOthers(client: Queryable, writer: number, waitMs: number): Promise<void> {
  const deadline = performance.now() + waitMs;
  while ((await readPresent(client)).includes(writer)) {
    if (performance.now() >= deadline) {
      throw new GuardError(
        'audit/unavailable',
        'another guard writes the audit log with this data directory: stop it first',
      );
    }
    await sleep(pollMs);
  }
}

function isNewLog({ entries, note }: StoredHead): boolean {
  return entries === 0 && note === null;
}

/** The signer of the log. A key is made only for a log that has neither entries nor a checkpoint. */
async function loadSigner(
  client: Queryable,
  options: AuditLogOptions,
  stored: StoredHead,
  fileNote: string | undefined,
): Promise<NoteSigner> {
  const isNew = isNewLog(stored) && fileNote === undefined;
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
  const signer = createSigner(origin, key);
  const { vkey } = await readTail(client, 0, 0);
  return vkey === null ? signer : newestSigner(options.dataDir, origin, vkey);
}

async function newestSigner(dataDir: string, origin: string, vkey: string): Promise<NoteSigner> {
  const signer = await signerOf(dataDir, origin, vkey);
  if (signer !== undefined) return signer;
  throw new GuardError(
    'audit/unavailable',
    `the signing key was rotated, and ${signingKeyPath(dataDir)} is not the new one: copy it from where that was done`,
  );
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

/** Attempts of this data directory, and of guards that do not run any more. */
async function listOpenAttempts(
  client: Queryable,
  writer: number,
  sealing: Sealing | undefined,
): Promise<readonly OpenAttempt[]> {
  let rows = await readOpenAttempts(client);
  for (const waitMs of [0, absenceMs]) {
    if (rows.every((row) => row.writer === writer)) break;
    await sleep(waitMs);
    const present = await readPresent(client);
    rows = rows.filter((row) => row.writer === writer || !present.includes(row.writer));
  }
  const attempts: OpenAttempt[] = [];
  for (const { request, lastBody } of rows) {
    const entry = parseEntry(lastBody);
    if (entry === undefined)
      throw new GuardError('audit/inconsistent', 'the entry of an open attempt was changed');
    const opened = sealing === undefined ? entry : await sealing.open(client, entry);
    attempts.push({ request, last: eventOf(opened) });
  }
  return attempts;
}

async function open(
  options: AuditLogOptions,
  opened: WriterSession,
  number: number,
): Promise<DurableAuditLog> {
  const { session } = opened;
  const { database, dataDir, clock } = options;
  const stored = await readHead(session);
  const foundNote = await readCheckpointFile(dataDir);
  const found = await loadSigner(session, options, stored, foundNote);
  const fileNote = await ensureCheckpointFile(options, stored, foundNote, found);
  const keys = await readKeyHistory(session, found);
  // The key may have been changed since it was looked up.
  const newest = verifierKeyText(keys.at(-1)?.key ?? found);
  const signer = newest === verifierKeyText(found) ? found : await newestSigner(dataDir, found.name, newest);
  const head = await loadHead(session, keys);
  await checkLastBatch(session, head);
  await checkContinues(session, head, fileNote, keys);
  const store = options.checkpointStore;
  await store?.prepare();
  if (store !== undefined) await checkShared({ database, store, key: () => signer });
  const verifierKey = verifierKeyText(signer);
  await publishVerifierKey(dataDir, verifierKey);

  const keeper = new CheckpointKeeper(dataDir, fileNote, (error) => writer.fail(error));
  const {
    writeDeadlineMs = defaults.writeDeadlineMs,
    maxQueued = defaults.maxQueued,
    followEveryMs = defaults.followEveryMs,
  } = options;
  const writer = new AuditWriter(
    {
      database,
      clock,
      writer: number,
      signerOf: (vkey) => newestSigner(dataDir, signer.name, vkey),
      writeDeadlineMs,
      maxQueued,
      sealing: options.sealing,
      keeper,
      followEveryMs,
    },
    signer,
    head,
  );
  writer.adopt(opened);
  // After a crash the file may lag behind the database; it has been checked that the one continues the other.
  keeper.update(head.note);
  const { witnesses = [], witnessEveryMs } = options;
  const witnessing = startWitnessing({
    database,
    witnesses,
    append: (event) => writer.append(event),
    key: () => writer.signer,
    onFork: (error) => writer.fail(error),
    ...(witnessEveryMs === undefined ? {} : { everyMs: witnessEveryMs }),
  });
  const sharing =
    store === undefined
      ? undefined
      : startSharing({
          database,
          store,
          append: (event) => writer.append(event),
          key: () => writer.signer,
          note: () => writer.head.note,
          onFork: (error) => writer.fail(error),
        });
  return {
    origin: signer.name,
    verifierKey,
    get head() {
      const { edge, note } = writer.head;
      return { size: edge.size, root: rootOf(edge), note };
    },
    append: (event) => writer.append(event),
    openAttempts: () => listOpenAttempts(database, number, options.sealing),
    witness: () => witnessing.round(),
    ready: () => writer.ready(),
    [Symbol.asyncDispose]: async () => {
      await sharing?.[Symbol.asyncDispose]();
      await witnessing[Symbol.asyncDispose]();
      await writer[Symbol.asyncDispose]();
      await keeper[Symbol.asyncDispose]();
    },
  };
}

/**
 * Opens the audit log, making its key where the log is new. Several guards may write one log, each with a data directory
 * of its own. Rejects with `audit/unavailable` where another process uses the same data directory or the database cannot
 * be used, and with `audit/inconsistent` where entries, checkpoints, key and checkpoint file do not belong together.
 */
export async function createAuditLog(options: AuditLogOptions): Promise<DurableAuditLog> {
  const { writeDeadlineMs = defaults.writeDeadlineMs, lockWaitMs = defaults.lockWaitMs } = options;
  let opened: WriterSession | undefined;
  try {
    const { database, dataDir } = options;
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    const writer = await readWriterNumber(dataDir);
    await waitForOthers(database, writer, lockWaitMs);
    opened = await openWriterSession({
      database,
      deadlineMs: writeDeadlineMs,
      evictAfterMs: writeDeadlineMs / 2,
      writer,
    });
    // Only the making of a log needs the turn; what is there is read beside those who write.
    if (isNewLog(await readHead(opened.session))) await opened.takeTurn();
    return await open(options, opened, writer);
  } catch (thrown) {
    opened?.destroy();
    throw asGuardError(thrown, 'audit/unavailable', "couldn't open the audit log");
  }
}
