// Puts the newest checkpoint into a place elsewhere every so often, each under a name of its own that is never written
// again: write-once storage, a share of the auditors, a bucket with Object Lock, a work tree that is pushed elsewhere.
// Whoever reads one later can tell whether the log still continues it.
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { parseCheckpoint } from '../../core/checkpoint.ts';
import { GuardError } from '../../core/errors.ts';
import type { AuditLog } from '../../core/services.ts';
import type { Queryable } from '../db.ts';
import { storageProblem } from '../s3.ts';
import { recordOutages, startRounds, type Rounds } from './rounds.ts';
import { readNewestCosigned, readNewestNote } from './store.ts';

export interface AnchoringOptions {
  readonly database: Queryable;
  readonly append: AuditLog['append'];
  readonly place: AnchorPlace;
  readonly everyMs: number;
}

/** Where anchors are put. */
export interface AnchorPlace {
  /** What it is called in the log. */
  readonly name: 'directory' | 's3' | 'git';
  /** Keeps the text under the name; one that is there already stays. Rejects with the code of what stands in the way. */
  put(name: string, text: string): Promise<void>;
}

/** The name of the anchor of so many entries; in the order of the sizes. */
export function anchorName(size: number): string {
  return `audit-${String(size).padStart(16, '0')}.checkpoint`;
}

/** Files of their own in a directory. */
export function anchorDirectory(directory: string): AnchorPlace {
  return {
    name: 'directory',
    put: async (name, text) => {
      try {
        await using file = await open(join(directory, name), 'wx', 0o444);
        await file.writeFile(text);
        await file.sync();
      } catch (error) {
        // Another guard was faster.
        if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
      }
    },
  };
}

/** The code of what stands in the way; never its text. */
function problemOf(error: unknown): string {
  if (error instanceof GuardError)
    return error.code === 'storage/failed' ? storageProblem(error) : error.code;
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
}

/** Writes an anchor in each round in which there is something new; the first at once. Dispose of it before the log. */
export function startAnchoring(options: AnchoringOptions): Rounds {
  const { database, place } = options;
  let written = '';
  const record = recordOutages({
    append: options.append,
    failed: 'audit.anchor-failed',
    resumed: 'audit.anchor-resumed',
    details: { place: place.name },
  });

  async function anchor(): Promise<void> {
    const note = await readNewestNote(database);
    const size = note === undefined ? undefined : parseCheckpoint(note)?.size;
    if (note === undefined || size === undefined || note === written) return;
    const cosigned = await readNewestCosigned(database, size);
    try {
      await place.put(anchorName(size), cosigned?.size === size ? cosigned.note : note);
      written = note;
    } catch (error) {
      await record(problemOf(error));
      return;
    }
    await record(undefined);
  }

  return startRounds({ work: anchor, everyMs: options.everyMs, startsAtOnce: true });
}
