// Moves the checkpoint file along behind the database. It may lag by a moment, never by more: while the file cannot be
// written the log takes no new entries.
import { asGuardError, type GuardError } from '../../core/errors.ts';
import { replaceCheckpointFile } from './checkpoint-file.ts';

/** Commits within this many ms share one write of the file. */
const lagMs = 100;

export class CheckpointKeeper implements AsyncDisposable {
  readonly #dataDir: string;
  readonly #onConflict: (error: GuardError) => void;
  #written: string;
  #wanted: string;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #problem: GuardError | undefined;

  /** `written` is what the file holds; `onConflict` is told when something else has written to it. */
  constructor(dataDir: string, written: string, onConflict: (error: GuardError) => void) {
    this.#dataDir = dataDir;
    this.#written = written;
    this.#wanted = written;
    this.#onConflict = onConflict;
  }

  /** Has the file hold `note` soon; an empty note is that of a log without entries. */
  update(note: string): void {
    if (note === '' || note === this.#written) return;
    this.#wanted = note;
    this.#timer ??= setTimeout(() => void this.#write(), lagMs);
  }

  /** Rejects with `audit/unavailable` where the file cannot be written; tries again first. */
  async ready(): Promise<void> {
    if (this.#problem === undefined) return;
    await this.#write();
    if (this.#problem !== undefined) throw this.#problem;
  }

  #write(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#writing.then(() => this.#replace());
    return this.#writing;
  }

  async #replace(): Promise<void> {
    const note = this.#wanted;
    if (note === this.#written) return;
    try {
      await replaceCheckpointFile(this.#dataDir, this.#written, note);
      this.#written = note;
      this.#problem = undefined;
    } catch (thrown) {
      const problem = asGuardError(
        thrown,
        'audit/unavailable',
        "couldn't write the audit log's checkpoint file",
      );
      this.#problem = problem;
      if (problem.code === 'audit/inconsistent') this.#onConflict(problem);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#write();
  }
}
