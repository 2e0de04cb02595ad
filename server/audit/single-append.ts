// One entry from a program beside the guard, such as a command: takes its turn at writing, appends, and goes.
import { prepareEvent } from '../../core/audit-entry.ts';
import type { AuditEvent } from '../../core/audit-event.ts';
import { createSigner, parseCheckpoint, verifierKeyText, type NoteSigner } from '../../core/checkpoint.ts';
import { GuardError } from '../../core/errors.ts';
import type { Clock } from '../../core/services.ts';
import type { Database, Queryable } from '../db.ts';
import { planBatch } from './batch.ts';
import { readCheckpointFile } from './checkpoint-file.ts';
import { checkContinues, checkLastBatch, loadHead, readKeyHistory } from './head.ts';
import { createNextKey, adoptNextKey, readSigningKey, signerOf } from './signing-key.ts';
import { insertBatch, insertKey, readTail } from './store.ts';
import { publishVerifierKey } from './verifier-key.ts';
import { openWriterSession, type WriterSession } from './writer-session.ts';

export interface SingleAppendOptions {
  readonly database: Database;
  /** Where the signing key and the last checkpoint are. */
  readonly dataDir: string;
  readonly clock: Clock;
}

const deadlineMs = 10_000;

async function withTurn<T>(
  { database }: SingleAppendOptions,
  work: (opened: WriterSession) => Promise<T>,
): Promise<T> {
  const opened = await openWriterSession({ database, deadlineMs, evictAfterMs: deadlineMs / 2, writer: 0 });
  try {
    await opened.takeTurn();
    return await work(opened);
  } finally {
    opened.destroy();
  }
}

/** The signer in use and where the log stands, checked as at a start of the guard. */
async function openHead({ session }: WriterSession, { dataDir }: SingleAppendOptions) {
  const fileNote = await readCheckpointFile(dataDir);
  const origin = fileNote === undefined ? undefined : parseCheckpoint(fileNote)?.origin;
  const key = await readSigningKey(dataDir);
  if (fileNote === undefined || origin === undefined || key === undefined) {
    throw new GuardError('audit/unavailable', `there is no audit log that can be written from ${dataDir}`);
  }
  const { vkey } = await readTail(session, 0, 0);
  const found = vkey === null ? createSigner(origin, key) : await signerOf(dataDir, origin, vkey);
  if (found === undefined) {
    throw new GuardError('audit/unavailable', `${dataDir} does not hold the signing key that is in use`);
  }
  const keys = await readKeyHistory(session, found);
  const head = await loadHead(session, keys);
  await checkLastBatch(session, head);
  await checkContinues(session, head, fileNote, keys);
  return { signer: found, head };
}

/** Work in the transaction that appends the entry `index`. */
export type AlongWith = (client: Queryable, index: number) => Promise<void>;

/** Appends one entry; durable and covered by a signed checkpoint when it fulfils. Rejects as the guard's own appends do. */
export function appendOnce(
  options: SingleAppendOptions,
  event: AuditEvent,
  alongWith?: AlongWith,
): Promise<number> {
  return withTurn(options, async (opened) => {
    const { session } = opened;
    const { signer, head } = await openHead(opened, options);
    const plan = planBatch(head, [prepareEvent(event, options.clock.now())], signer);
    const index = plan.stored.firstIndex;
    if (alongWith === undefined) {
      await insertBatch(session, plan.stored, 0);
      return index;
    }
    await session.query('begin');
    await insertBatch(session, plan.stored, 0);
    await alongWith(session, index);
    await session.query('commit');
    return index;
  });
}

/**
 * Gives the log a new signing key: an entry says so, and the checkpoint over it is signed by both. The old key is gone
 * afterwards. `event` is the entry for the two verifier keys.
 */
export function rotateKey(
  options: SingleAppendOptions,
  event: (previous: string, next: string) => AuditEvent,
): Promise<{ readonly previous: string; readonly next: string }> {
  return withTurn(options, async (opened) => {
    const { session } = opened;
    const { signer, head } = await openHead(opened, options);
    // On disk before the log knows of it: what the log is signed with must never be lost.
    const next: NoteSigner = await createNextKey(options.dataDir, signer.name);
    const [previousText, nextText] = [verifierKeyText(signer), verifierKeyText(next)];
    const prepared = prepareEvent(event(previousText, nextText), options.clock.now());
    const plan = planBatch(head, [prepared], signer, next);
    await session.query('begin');
    await insertBatch(session, plan.stored, 0);
    await insertKey(session, plan.stored.firstIndex, nextText);
    await session.query('commit');
    await adoptNextKey(options.dataDir);
    await publishVerifierKey(options.dataDir, nextText);
    return { previous: previousText, next: nextText };
  });
}
