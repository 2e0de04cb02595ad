// Writes a check at GitHub within its limits, and only where something has changed. A run is open while the work is under
// way, and remembered before anything is added to it: whoever goes on after a failure, or after a guard that has died,
// finishes the same run and adds what is missing. Where annotations have changed, a new run takes its place.
import { createHash } from 'node:crypto';
import { GuardError } from '../../core/errors.ts';
import type { Database } from '../../server/db.ts';
import type { Annotation, CheckContent } from './check-content.ts';
import { changeRun, countNotes, createRun, findRun, finished, type RunPlace, underWay } from './check-run.ts';
import { type CheckRunState, writeRun } from '../store.ts';

const notesAtOnce = 50;
/** How often a batch of annotations is sent whose answer was lost, or an answer says that it was not taken. */
const mostTries = 3;

export interface Publication extends RunPlace {
  readonly database: Database;
  /** Whether an earlier attempt at the same work may have left something at GitHub. */
  readonly isRetry: boolean;
  /** Whether a run is made although nothing has changed. */
  readonly isForced: boolean;
}

const digestOf = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex');

/** True for a run that was opened and not finished. */
export function isOpen(known: CheckRunState): boolean {
  return known.run !== null && known.published === null;
}

/**
 * Shows that the work has begun, so that a required check is seen to be pending; gives what is known then. Nothing is
 * done where the commit has a check already, or where requests that change something wait for their turn.
 */
export async function beginCheck(
  publication: Publication,
  known: CheckRunState | undefined,
): Promise<CheckRunState | undefined> {
  const { hub, key, head, isForced } = publication;
  const hasRun = known?.head === head && known.run !== null;
  if (hasRun && (isOpen(known) || !isForced)) return known;
  if (hub.api.isBusy(key.repository)) return known;
  return openRun(publication, hasRun ? (known.run ?? 0) : 0);
}

/** Opens a run after the one that is known, or takes up one that an earlier attempt has left. */
async function openRun(publication: Publication, known: number): Promise<CheckRunState> {
  const { head, isRetry } = publication;
  const left = isRetry ? await findRun(publication, known) : undefined;
  const run = left ?? (await createSurely(publication, known, underWay, []));
  const state = { head, run, published: null, annotations: left === undefined ? null : unknownNotes };
  await writeRun(publication.database, publication.key, state);
  return state;
}

/** Of a run of which it is not known what was added to it. */
const unknownNotes = 'unknown';

/** Where the answer is lost, the run may be there all the same. */
async function createSurely(
  publication: Publication,
  known: number,
  body: Parameters<typeof createRun>[1],
  notes: readonly Annotation[],
): Promise<number> {
  try {
    return await createRun(publication, body, notes);
  } catch (thrown) {
    if (!isLost(thrown)) throw thrown;
    return (await findRun(publication, known)) ?? (await createRun(publication, body, notes));
  }
}

function isLost(thrown: unknown): boolean {
  return thrown instanceof GuardError && thrown.code === 'upstream/unreachable';
}

/** Writes the check. Rejects as `GithubApi.ask` does; what was begun is gone on with the next time. */
export async function publishCheck(
  publication: Publication,
  known: CheckRunState | undefined,
  content: CheckContent,
): Promise<CheckRunState> {
  const { head, isForced, database, key } = publication;
  const { annotations: notes, ...rest } = content;
  const wanted = { head, published: digestOf(rest), annotations: digestOf(notes) };
  const own = known?.head === head && known.run !== null ? { ...known, run: known.run } : undefined;
  let run: number;
  if (own !== undefined && isOpen(own)) {
    run = await fill(publication, own, content, wanted.annotations);
  } else if (own !== undefined && own.annotations === wanted.annotations && !isForced) {
    run = own.run;
    if (own.published === wanted.published) return { ...wanted, run };
    await changeRun(publication, run, finished(content), []);
  } else if (notes.length <= notesAtOnce && !publication.isRetry) {
    run = await createSurely(publication, own?.run ?? 0, finished(content), notes);
  } else {
    const opened = await openRun(publication, own?.run ?? 0);
    run = await fill(publication, opened, content, wanted.annotations);
  }
  const state = { ...wanted, run };
  await writeRun(database, key, state);
  return state;
}

/** Adds what the open run lacks and finishes it; one that holds other annotations is left behind. Gives its id. */
async function fill(
  publication: Publication,
  opened: CheckRunState,
  content: CheckContent,
  digest: string,
): Promise<number> {
  const { database, key, head } = publication;
  const { annotations: notes } = content;
  let run = opened.run ?? 0;
  let written = opened.annotations === null ? 0 : await countNotes(publication, run);
  const isSame = opened.annotations === digest || opened.annotations === unknownNotes;
  if (written > notes.length || (written > 0 && !isSame)) {
    run = await createSurely(publication, run, underWay, []);
    written = 0;
  }
  if (notes.length > 0) await writeRun(database, key, { head, run, published: null, annotations: digest });
  do {
    const batch = notes.slice(written, written + notesAtOnce);
    const isLast = written + batch.length === notes.length;
    await addBatch(publication, run, isLast ? finished(content) : underWay, batch, written);
    written += batch.length;
  } while (written < notes.length);
  return run;
}

/** Adds a batch once, whatever becomes of the answers. */
async function addBatch(
  publication: Publication,
  run: number,
  body: Parameters<typeof changeRun>[2],
  batch: readonly Annotation[],
  before: number,
): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await changeRun(publication, run, body, batch);
      return;
    } catch (thrown) {
      if (!isLost(thrown) || batch.length === 0 || tries === mostTries) throw thrown;
      if ((await countNotes(publication, run)) >= before + batch.length) return;
    }
  }
}
