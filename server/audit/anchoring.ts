// Puts the newest checkpoint into a directory every so often, each into a file of its own that is never written again:
// write-once storage, a share of the auditors, a work tree that is pushed elsewhere. Whoever reads one later can tell
// whether the log still continues it.
import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { parseCheckpoint } from '../../core/checkpoint.ts';
import type { AuditLog } from '../../core/services.ts';
import type { Queryable } from '../db.ts';
import { readNewestCosigned, readNewestNote } from './store.ts';

export interface AnchoringOptions {
  readonly database: Queryable;
  readonly append: AuditLog['append'];
  readonly directory: string;
  readonly everyMs: number;
}

export interface Anchoring extends AsyncDisposable {
  /** Writes an anchor now, where there is something new; runs by itself as well. */
  round(): Promise<void>;
}

/** The name of the anchor of so many entries; in the order of the sizes. */
export function anchorName(size: number): string {
  return `audit-${String(size).padStart(16, '0')}.checkpoint`;
}

/** Writes a file that must not exist yet; false where it does: another guard was faster. */
async function writeOnce(path: string, text: string): Promise<boolean> {
  try {
    await using file = await open(path, 'wx', 0o444);
    await file.writeFile(text);
    await file.sync();
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

const longestTimer = 2 ** 31 - 1;

/** Starts; the first anchor is written at once. Dispose of it before the log. */
export function startAnchoring(options: AnchoringOptions): Anchoring {
  const { database, directory } = options;
  let written = '';
  let problem: string | undefined;
  let running: Promise<void> | undefined;

  async function record(now: string | undefined): Promise<void> {
    if (problem === now) return;
    problem = now;
    await options.append({
      action: now === undefined ? 'audit.anchor-resumed' : 'audit.anchor-failed',
      request: randomBytes(8).toString('hex'),
      actor: null,
      repository: null,
      details: now === undefined ? {} : { problem: now },
    });
  }

  async function anchor(): Promise<void> {
    const note = await readNewestNote(database);
    const size = note === undefined ? undefined : parseCheckpoint(note)?.size;
    if (note === undefined || size === undefined || note === written) return;
    const cosigned = await readNewestCosigned(database, size);
    try {
      await writeOnce(join(directory, anchorName(size)), cosigned?.size === size ? cosigned.note : note);
      written = note;
    } catch (error) {
      await record(error instanceof Error && 'code' in error ? String(error.code) : 'unknown');
      return;
    }
    await record(undefined);
  }

  const round = (): Promise<void> => {
    running ??= anchor().finally(() => (running = undefined));
    return running;
  };
  // What fails now is tried again in the next round.
  const turn = (): void => void round().catch(() => undefined);
  const timer = setInterval(turn, Math.min(options.everyMs, longestTimer));
  timer.unref();
  turn();
  return {
    round,
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await running?.catch(() => undefined);
    },
  };
}
