// Has witnesses cosign the log's newest checkpoint every so often. A witness that is gone delays nobody and is on record;
// one that shows a checkpoint with this log's own signature that the log does not continue has proved a fork: the guard
// stops writing.
import { parseCheckpoint, type NoteVerifier } from '../../core/checkpoint.ts';
import { GuardError } from '../../core/errors.ts';
import type { AuditLog } from '../../core/services.ts';
import type { Database } from '../db.ts';
import { checkContinues, loadHead, readKeyHistory } from './head.ts';
import { proveConsistency } from './proofs.ts';
import { recordOutages, startRounds, type Rounds } from './rounds.ts';
import { insertCosignature, readCosignedSize, readNewestNote } from './store.ts';
import { addCheckpoint, fetchCosigned, type Witness } from './witness-client.ts';

export interface WitnessingOptions {
  readonly database: Database;
  readonly witnesses: readonly Witness[];
  readonly append: AuditLog['append'];
  /** The key that the log is signed with now. */
  readonly key: () => NoteVerifier;
  /** Called once it is proved that another history of this log was signed. */
  readonly onFork: (error: GuardError) => void;
  readonly everyMs?: number;
}

const defaultEveryMs = 10_000;

/** Asks every witness in each round. Dispose of it before the log: without its witness the log closes as well. */
export function startWitnessing(options: WitnessingOptions): Rounds {
  const { database } = options;
  const records = new Map(
    options.witnesses.map(({ key: { name } }) => [
      name,
      recordOutages({
        append: options.append,
        failed: 'audit.witness-failed',
        resumed: 'audit.witness-resumed',
        details: { witness: name },
      }),
    ]),
  );
  const record = async (witness: Witness, problem: string | undefined): Promise<void> =>
    records.get(witness.key.name)?.(problem);

  /** Rejects with `audit/inconsistent` where the witness has cosigned another history that our key has signed. */
  async function compare(witness: Witness, origin: string): Promise<void> {
    const note = await fetchCosigned(witness, origin);
    if (note === undefined) return;
    const keys = await readKeyHistory(database, options.key());
    await checkContinues(database, await loadHead(database, keys), note, keys);
  }

  async function submit(witness: Witness): Promise<void> {
    const note = await readNewestNote(database);
    const checkpoint = note === undefined ? undefined : parseCheckpoint(note);
    const name = `${witness.key.name}+${witness.key.keyId}`;
    let oldSize = await readCosignedSize(database, name);
    if (note === undefined || checkpoint === undefined || checkpoint.size <= oldSize) return;
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const hashes = await proveConsistency(database, oldSize, checkpoint.size);
      const answer = await addCheckpoint(witness, { oldSize, hashes: hashes ?? [], checkpoint: note });
      if (answer.kind === 'cosigned') return insertCosignature(database, checkpoint.size, name, answer.line);
      if (answer.kind === 'refused' || answer.size > checkpoint.size) {
        await compare(witness, checkpoint.origin);
        if (answer.kind === 'conflict') return;
        throw new GuardError('audit/witness', `the witness ${witness.key.name} answered ${answer.status}`);
      }
      // It knows of another size than this log: another guard was faster, or it has lost what it knew.
      oldSize = answer.size;
    }
  }

  async function askOne(witness: Witness): Promise<void> {
    try {
      await submit(witness);
      await record(witness, undefined);
    } catch (thrown) {
      if (!(thrown instanceof GuardError)) throw thrown;
      await record(witness, thrown.code).catch(() => undefined);
      if (thrown.code === 'audit/inconsistent') options.onFork(thrown);
    }
  }

  return startRounds({
    work: async () => void (await Promise.all(options.witnesses.map(askOne))),
    everyMs: options.everyMs ?? defaultEveryMs,
  });
}
