// Which paths differ between two trees. Reads only directories that differ, level by level.
import { GuardError } from '../../core/errors.ts';
import { type ObjectFormat, type Oid, parseOid } from '../../core/oid.ts';
import { modes, treeEntries } from './object-format.ts';
import type { ObjectReader } from './object-reader.ts';

export interface TreeChange {
  readonly path: string;
  readonly change: 'add' | 'modify' | 'delete';
  /** Octal Git mode after the change; `000000` where deleted. */
  readonly mode: string;
  /** The file before; null where there was none. */
  readonly old: FileVersion | null;
  /** The file after; null where there is none. */
  readonly new: FileVersion | null;
}

export interface FileVersion {
  readonly oid: Oid;
  /** Octal Git mode. */
  readonly mode: string;
}

/** An object that neither the push nor the cache of the upstream's trees holds. */
export class MissingObjectError extends Error {
  readonly oid: Oid;
  constructor(oid: Oid) {
    super(`object ${oid} is not here`);
    this.name = 'MissingObjectError';
    this.oid = oid;
  }
}

// Paths are unfolded, objects are not: a few trees that name each other can stand for any number of paths.
const maxPaths = 250_000;

interface Entry {
  readonly mode: number;
  readonly oid: Oid;
}

interface Pair {
  readonly path: string;
  readonly before: Oid | undefined;
  readonly after: Oid | undefined;
}

/** Compares two root trees; an undefined one is empty. Throws `MissingObjectError` or `git/limit`. */
export async function diffTrees(
  reader: ObjectReader,
  format: ObjectFormat,
  before: Oid | undefined,
  after: Oid | undefined,
): Promise<readonly TreeChange[]> {
  const changes: TreeChange[] = [];
  let directories = 0;
  let level: readonly Pair[] = before === after ? [] : [{ path: '', before, after }];
  while (level.length > 0) {
    const trees = await readTrees(reader, format, level);
    const deeper: Pair[] = [];
    for (const pair of level) {
      for (const next of comparePair(pair, trees, changes)) deeper.push(next);
      if (changes.length + directories + deeper.length > maxPaths)
        throw new GuardError('git/limit', `the push changes more than ${maxPaths} paths`);
    }
    directories += deeper.length;
    level = deeper;
  }
  return changes;
}

async function readTrees(
  reader: ObjectReader,
  format: ObjectFormat,
  pairs: readonly Pair[],
): Promise<Map<Oid, Map<string, Entry>>> {
  const wanted = [...new Set(pairs.flatMap((pair) => [pair.before, pair.after]))].filter(
    (oid) => oid !== undefined,
  );
  const trees = new Map<Oid, Map<string, Entry>>();
  let missing: Oid | undefined;
  let at = 0;
  for await (const read of reader.contents(wanted)) {
    const oid = wanted[at];
    at += 1;
    if (oid === undefined) continue;
    if (read === undefined) missing ??= oid;
    else trees.set(oid, entriesOf(read.data, format));
  }
  if (missing !== undefined) throw new MissingObjectError(missing);
  return trees;
}

function entriesOf(data: Uint8Array, format: ObjectFormat): Map<string, Entry> {
  const entries = new Map<string, Entry>();
  for (const entry of treeEntries(data, format)) {
    const oid = parseOid(Buffer.from(entry.oid).toString('hex'), format);
    if (oid !== undefined) entries.set(Buffer.from(entry.name).toString('utf8'), { mode: entry.mode, oid });
  }
  return entries;
}

const noEntries: ReadonlyMap<string, Entry> = new Map();

function comparePair(
  pair: Pair,
  trees: ReadonlyMap<Oid, ReadonlyMap<string, Entry>>,
  changes: TreeChange[],
): readonly Pair[] {
  const before = (pair.before === undefined ? undefined : trees.get(pair.before)) ?? noEntries;
  const after = (pair.after === undefined ? undefined : trees.get(pair.after)) ?? noEntries;
  const deeper: Pair[] = [];
  for (const name of new Set([...before.keys(), ...after.keys()])) {
    const old = before.get(name);
    const now = after.get(name);
    if (old?.oid === now?.oid && old?.mode === now?.mode) continue;
    const path = pair.path === '' ? name : `${pair.path}/${name}`;
    const oldTree = old?.mode === modes.directory ? old.oid : undefined;
    const newTree = now?.mode === modes.directory ? now.oid : undefined;
    if (oldTree !== undefined || newTree !== undefined)
      deeper.push({ path, before: oldTree, after: newTree });
    const oldFile = oldTree === undefined ? old : undefined;
    const newFile = newTree === undefined ? now : undefined;
    if (newFile === undefined && oldFile === undefined) continue;
    changes.push({
      path,
      change: newFile === undefined ? 'delete' : oldFile === undefined ? 'add' : 'modify',
      mode: newFile === undefined ? '000000' : octal(newFile.mode),
      old: versionOf(oldFile),
      new: versionOf(newFile),
    });
  }
  return deeper;
}

function octal(mode: number): string {
  return mode.toString(8).padStart(6, '0');
}

function versionOf(entry: Entry | undefined): FileVersion | null {
  return entry === undefined ? null : { oid: entry.oid, mode: octal(entry.mode) };
}
