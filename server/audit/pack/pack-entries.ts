// Walks over the entries of an evidence pack, with its checkpoints, the lines that show the entries again, and the texts
// that were opened. The files come from anyone.
import { hash } from 'node:crypto';
import { parseEntry, type AuditEntry } from '../../../core/audit-entry.ts';
import type { SealedPlace, SoundRun } from '../../../core/entry-run.ts';
import { documentOf, type LogWalk } from '../../../core/log-walk.ts';
import type { Hash } from '../../../core/merkle.ts';
import type { OpenedCheckpoints } from '../../../core/opened-checkpoints.ts';
import { tileWidth } from '../../../core/tile.ts';
import { entriesIn } from '../packed-entries.ts';
import { createRunReader, inOrder, type RunReader } from '../reading/run-reader.ts';
import { coveredRange, packTilePath } from './pack-layout.ts';
import { checkpointsOf, LineComparison, openedTexts } from './pack-lines.ts';
import type { PackReader } from './pack-reader.ts';
import type { PackTiles } from './pack-tiles.ts';

/** What is sealed with a key, and may be in the pack. */
export interface SealedThing {
  readonly key: string;
  readonly isOpened: boolean;
}

/** Of the entries of the period: those with sealed texts, and those that name documents. */
export interface SealedThings {
  readonly sealed: readonly SealedThing[];
  readonly documents: readonly SealedThing[];
}

/** Tiles are read ahead for each run that is worth to be asked for ahead. */
const tilesAhead = 4;

interface PackWalk {
  readonly pack: PackReader;
  readonly tiles: PackTiles;
  /** Stands before the first entry of the pack. */
  readonly walk: LogWalk;
  /** What the walk opens checkpoints with. */
  readonly opened: OpenedCheckpoints;
}

/** A tile of entries: `first` is the first of them, `count` how many the log has there. */
interface EntryTile {
  readonly first: number;
  readonly count: number;
  readonly bundle: Buffer;
  readonly leaves: readonly Hash[];
  /** Undefined where the entries must be looked at one by one. */
  readonly run: SoundRun | undefined;
}

async function readTile({ pack, tiles }: PackWalk, reader: RunReader, first: number): Promise<EntryTile> {
  const count = Math.min(tileWidth, pack.manifest.size - first);
  const leaves = await tiles.leaves(first / tileWidth);
  const path = packTilePath({ level: 'entries', index: first / tileWidth, width: count });
  const bundle = (await pack.read(path)) ?? Buffer.of();
  const run = leaves.length === count ? reader.read({ kind: 'bundle', first, bundle, leaves }) : undefined;
  return { first, count, bundle, leaves, run: await run };
}

type SealedNote = Pick<SealedPlace, 'key' | 'commitment'>;

/** What the entries of a tile say, by index. */
interface EntryNotes {
  readonly sealed: ReadonlyMap<number, SealedNote>;
  readonly documents: ReadonlyMap<number, ReturnType<typeof documentOf>>;
}

function notesOf({ run, first }: EntryTile, bodies: readonly Buffer[]): EntryNotes {
  const sealed: (readonly [number, SealedNote])[] = [];
  const told: AuditEntry[] = [...(run?.told ?? [])];
  for (const place of run?.sealed ?? []) sealed.push([place.index, place]);
  for (const [at, body] of (run === undefined ? bodies : []).entries()) {
    const entry = parseEntry(body);
    if (entry === undefined) continue;
    if (entry.sealed !== undefined) sealed.push([first + at, entry.sealed]);
    told.push({ ...entry, index: first + at });
  }
  return {
    sealed: new Map(sealed),
    documents: new Map(told.map((entry) => [entry.index, documentOf(entry)])),
  };
}

/**
 * Walks over the entries and checkpoints of a pack; what is sealed in those of the period comes back. Rejects with
 * `input/invalid` where a file cannot be read.
 */
export async function walkEntries(parts: PackWalk, threads?: number): Promise<SealedThings> {
  const { pack, walk } = parts;
  const [sealed, documents]: [SealedThing[], SealedThing[]] = [[], []];
  const { first, past } = pack.manifest;
  const { begin, end } = coveredRange(pack.manifest);
  // Tiles that do not reach the beginning were reported; there is no tree to put entries into.
  if (walk.edge.size !== begin) return { sealed, documents };
  const checkpoints = parts.opened.ahead(checkpointsOf(pack));
  let checkpoint = await checkpoints.next();
  let due = checkpoint.done === true ? Infinity : checkpoint.value.size;
  const visitUpTo = async (reached: number): Promise<void> => {
    while (checkpoint.done !== true && due <= reached) {
      if (due > begin) walk.checkpoint(due, checkpoint.value.note);
      checkpoint = await checkpoints.next();
      due = checkpoint.done === true ? Infinity : checkpoint.value.size;
    }
  };
  const lines = new LineComparison(pack, 'entries');
  const texts = openedTexts(pack);
  let text = await texts.next();
  const files = new Set(pack.paths);
  let differs: number | undefined;
  await using reader = createRunReader(end - begin, threads);
  const entryTiles = inOrder(
    (at) => (begin + at * tileWidth < end ? readTile(parts, reader, begin + at * tileWidth) : undefined),
    tilesAhead * reader.ahead,
  );
  for await (const tile of entryTiles) {
    const { first: at, count, leaves, run } = tile;
    const all = entriesIn(tile.bundle);
    if (all.length > count)
      walk.report('entry-misplaced', at + count, 'there are more entries than the log has');
    const bodies = all.slice(0, count);
    const isSound = run !== undefined && walk.begin(run);
    const notes = notesOf(tile, bodies);
    for (const [offset, body] of bodies.entries()) {
      const index = at + offset;
      if (due <= index) await visitUpTo(index);
      const leaf = leaves[offset] ?? Buffer.of();
      if (isSound) walk.sound(leaf);
      else walk.entry(index, body, leaf);
      if (index < first || index >= past) continue;
      const document = notes.documents.get(index);
      if (document !== undefined) {
        const isOpened = files.has(`evidence/${document.digest}.json`);
        documents.push({ key: document.key, isOpened });
      }
      const place = notes.sealed.get(index);
      if (place === undefined) continue;
      const isOpened = text.value?.index === index;
      sealed.push({ key: place.key, isOpened });
      if (!isOpened) continue;
      if (hash('sha256', text.value?.plaintext ?? '', 'base64') !== place.commitment)
        walk.report('text-wrong', index, 'what is in opened/ is not what was sealed in it');
      text = await texts.next();
    }
    const inPeriod = bodies.slice(Math.max(0, first - at), Math.max(0, past - at));
    const matching = differs === undefined ? await lines.matching(inPeriod) : 0;
    if (matching < inPeriod.length) differs ??= Math.max(first, at) + matching;
  }
  await visitUpTo(end);
  walk.end(end);
  if (differs === undefined && !(await lines.isDone())) differs = past;
  if (text.value !== undefined)
    walk.report('text-wrong', text.value.index, 'opened/ holds texts that were not sealed in the period');
  if (differs !== undefined)
    walk.report('entry-changed', differs, 'the lines in entries/ are not the entries of the log');
  return { sealed, documents };
}
