// Verifies an evidence pack, offline: believes the trusted key and nothing in the pack. `verify.py` does the same with
// other code and finds the same, in the same words.
import { createHash } from 'node:crypto';
import { keyAt, keyChangeOf, openHistorical, sameKey, type KeyHistory } from '../../../core/key-history.ts';
import { parseEntry, type AuditEntry } from '../../../core/audit-entry.ts';
import { openCheckpoint, parseVerifierKey, type NoteVerifier } from '../../../core/checkpoint.ts';
import { GuardError } from '../../../core/errors.ts';
import { destroyedKeyOf, LogWalk, prunedPastOf } from '../../../core/log-walk.ts';
import { leafHash, rootOf, type Hash } from '../../../core/merkle.ts';
import { sameHash, verifyConsistency, verifyInclusion } from '../../../core/merkle-proof.ts';
import { OpenedCheckpoints } from '../../../core/opened-checkpoints.ts';
import { parseConsistency, parseInclusion } from '../../../core/tlog-proof.ts';
import type { OpenedCount, Verification } from '../verify.ts';
import { readTimestamp } from '../timestamps/timestamp.ts';
import { walkEntries, type SealedThing } from './pack-entries.ts';
import { coveredRange, keysSchema } from './pack-layout.ts';
import { checkpointsOf } from './pack-lines.ts';
import { readPack, type PackReader } from './pack-reader.ts';
import { PackTiles } from './pack-tiles.ts';

export interface VerifyPackOptions {
  /** One of the keys that the log had, known by another way than the pack. */
  readonly key: NoteVerifier;
  /** Checkpoints that somebody kept; the log of the pack must continue them. */
  readonly kept: readonly string[];
  /** Keys of witnesses; each must have cosigned the checkpoint that the pack brings along for that. */
  readonly witnesses: readonly NoteVerifier[];
  /** PEM text of time stamping authorities; one of them must have stamped the checkpoint that is there for it. */
  readonly stampedBy?: string | undefined;
  /** Threads that read entries; by default as many as the size of the pack is worth. */
  readonly threads?: number | undefined;
}

export interface PackVerification extends Verification {
  readonly origin: string;
  /** The entries [first, past) are what the pack is about. */
  readonly first: number;
  readonly past: number;
  /** When an authority that was named has stamped a checkpoint of it. */
  readonly stamped: Date | undefined;
}

/** What is known of the pack while it is checked. */
interface Scene {
  readonly pack: PackReader;
  readonly tiles: PackTiles;
  readonly keys: KeyHistory;
  readonly walk: LogWalk;
  readonly opened: OpenedCheckpoints;
  /** The note of the pack's checkpoint. */
  readonly note: string;
  /** The root that is signed; undefined where none is. */
  readonly root: Hash | undefined;
  /** Checkpoints of sizes that are not walked over, by size. */
  readonly other: Map<number, string>;
  /** The roots of sizes that were shown to be continued, by proofs. */
  readonly agreed: Map<number, Hash>;
  /** Entries from outside, by their proofs. */
  readonly proved: Map<number, AuditEntry>;
  /** When the checkpoint was stamped that is there for it, as far as an authority was named. */
  readonly stamped: Date[];
}

async function checkFiles({ pack, walk }: Pick<Scene, 'pack' | 'walk'>): Promise<void> {
  const { files } = pack.manifest;
  const found = new Set(pack.paths);
  for (const path of Object.keys(files).toSorted())
    if (!found.has(path)) walk.report('file-missing', 0, `the file ${path} is missing`);
  for (const path of pack.paths)
    if (files[path] === undefined)
      walk.report('file-unlisted', 0, `the file ${path} does not belong to the pack`);
  for (const path of pack.paths) {
    if (files[path] === undefined) continue;
    const bytes = (await pack.read(path)) ?? Buffer.of();
    if (createHash('sha256').update(bytes).digest('hex') !== files[path])
      walk.report('file-changed', 0, `the file ${path} is not as it was packed`);
  }
}

async function readKeys(pack: PackReader): Promise<KeyHistory> {
  const told = await pack.readJson('keys.json', keysSchema);
  return told.map(({ since, key: text }) => {
    const key = parseVerifierKey(text);
    if (key === undefined)
      throw new GuardError('input/invalid', 'keys.json of the evidence pack holds no key');
    return { since, key };
  });
}

async function readHead(
  pack: PackReader,
  keys: KeyHistory,
  walk: LogWalk,
): Promise<Pick<Scene, 'note' | 'root'>> {
  const { size } = pack.manifest;
  const note = (await pack.read('checkpoint'))?.toString('utf8') ?? '';
  const head = openHistorical(note, keys);
  if (head === undefined) {
    const key = keyAt(keys, size);
    walk.report('checkpoint-unsigned', size, `it is not signed by ${key?.name}, key ${key?.keyId}`);
  } else if (head.size !== size) {
    walk.report('checkpoint-contradicts', size, `it is signed for ${head.size} entries`);
  } else {
    return { note, root: head.root };
  }
  return { note, root: undefined };
}

async function checkTiles({ pack, tiles, walk, root }: Scene): Promise<void> {
  await tiles.check(walk);
  const { size } = pack.manifest;
  const edge = await tiles.edgeAt(size);
  if (root !== undefined && (edge === undefined || !sameHash(rootOf(edge), root)))
    walk.report('checkpoint-contradicts', size, 'the tiles are not those of the tree that was signed');
}

async function checkProofs({ pack, walk, note, root, keys, other, agreed, proved }: Scene): Promise<void> {
  const { size } = pack.manifest;
  for (const path of pack.paths.filter((name) => name.startsWith('proofs/'))) {
    const text = (await pack.read(path))?.toString('utf8') ?? '';
    const inclusion = parseInclusion(text);
    const consistency = parseConsistency(text);
    if ((inclusion ?? consistency)?.checkpoint !== note) {
      walk.report('proof-wrong', 0, `${path} is not about the checkpoint of the pack`);
    } else if (inclusion !== undefined) {
      const { index, hashes, entry = Buffer.of() } = inclusion;
      const leaf = leafHash(entry);
      const told = parseEntry(entry);
      const isThere = root !== undefined && verifyInclusion({ index, size, leaf, root, proof: hashes });
      if (isThere && told !== undefined) proved.set(index, told);
      else walk.report('proof-wrong', index, `the entry of ${path} is not in the log`);
    } else if (consistency !== undefined) {
      const { oldSize, hashes } = consistency;
      const old = openHistorical(other.get(oldSize) ?? '', keys);
      const claim = { oldSize, newSize: size, oldRoot: old?.root, newRoot: root };
      const { oldRoot, newRoot } = claim;
      const continues =
        oldRoot !== undefined &&
        newRoot !== undefined &&
        verifyConsistency({ oldSize, newSize: size, oldRoot, newRoot, proof: hashes });
      if (continues) agreed.set(oldSize, oldRoot);
      else walk.report('checkpoint-contradicts', oldSize, 'the log does not continue it');
    }
  }
}

async function keepCheckpoints(
  { pack, tiles, walk, keys, agreed }: Scene,
  kept: readonly string[],
): Promise<void> {
  const { begin, end } = coveredRange(pack.manifest);
  const { size } = pack.manifest;
  for (const note of kept) {
    const checkpoint = openHistorical(note, keys);
    const isWalked =
      checkpoint === undefined ||
      checkpoint.size > size ||
      (begin <= checkpoint.size && checkpoint.size <= end);
    if (isWalked) {
      walk.keep(note, keys, size);
      continue;
    }
    const edge = await tiles.edgeAt(checkpoint.size);
    const root = agreed.get(checkpoint.size) ?? (edge === undefined ? undefined : rootOf(edge));
    if (root === undefined) {
      const message = `the pack does not reach back to the kept checkpoint of ${checkpoint.size} entries`;
      throw new GuardError('input/invalid', message);
    }
    walk.compareKept(checkpoint.size, checkpoint.root, root);
  }
}

/** Each witness must have signed the checkpoint that is there for it, and the log must continue that. */
async function checkWitnesses(scene: Scene, witnesses: readonly NoteVerifier[]): Promise<void> {
  const note = (await scene.pack.read('cosigned'))?.toString('utf8');
  scene.walk.witnessed(note, witnesses);
  if (note !== undefined) await keepCheckpoints(scene, [note]);
}

/** Where an authority is named, it must have stamped the checkpoint that is there for it. */
async function checkTimestamp(scene: Scene, authorities: string | undefined): Promise<void> {
  const note = (await scene.pack.read('timestamped'))?.toString('utf8');
  if (note !== undefined) await keepCheckpoints(scene, [note]);
  if (authorities === undefined) return;
  const response = (await scene.pack.read('timestamp.tsr')) ?? Buffer.of();
  const reading = note === undefined ? undefined : await readTimestamp(response, { note, authorities });
  if (reading?.kind === 'good') scene.stamped.push(reading.at);
  else
    scene.walk.report(
      'timestamp-missing',
      0,
      'no time stamp of a checkpoint of it is signed by the authority',
    );
}

/** How many there are, and how many of these were destroyed, as entries of the log say. */
function countOpened(things: readonly SealedThing[], { walk, proved }: Scene): OpenedCount {
  const told = [...proved.values()].map(destroyedKeyOf);
  const isDestroyed = (key: string): boolean => walk.shredded.has(key) || told.includes(key);
  return {
    entries: things.length,
    opened: things.filter(({ isOpened }) => isOpened).length,
    destroyed: things.filter(({ key, isOpened }) => !isOpened && isDestroyed(key)).length,
  };
}

/** Each key but the first must have been brought by an entry of the log, and signed by the key before. */
function checkChanges({ pack, keys, walk, other, proved }: Scene): void {
  const { begin, end } = coveredRange(pack.manifest);
  for (const [at, { since, key }] of keys.entries()) {
    const previous = keys[at - 1]?.key;
    if (previous === undefined) continue;
    const isWalked = since >= begin && since < end;
    const entry = proved.get(since);
    const told = isWalked ? walk.changes.find(({ index }) => index === since) : entry && keyChangeOf(entry);
    const isTold = told !== undefined && sameKey(told.previous, previous) && sameKey(told.next, key);
    // For those that were walked over the walk has looked at the signature.
    const over = [...other].filter(([size]) => size > since).toSorted(([a], [b]) => a - b)[0]?.[1] ?? '';
    const isSigned = isWalked || openCheckpoint(over, previous) !== undefined;
    if (isTold && isSigned) continue;
    const message = `the key before, ${previous.keyId}, has not signed the new one`;
    walk.report('key-change-unsigned', since, message);
  }
}

/** Folders whose files are named for their own SHA-256. */
const namedForDigest: Readonly<Record<string, string>> = { policies: 'policy', evidence: 'document' };

async function checkDigestNames({ pack, walk }: Scene): Promise<void> {
  for (const path of pack.paths) {
    const [folder = '', name = ''] = path.split('/');
    const what = namedForDigest[folder];
    if (what === undefined) continue;
    const digest = createHash('sha256')
      .update((await pack.read(path)) ?? Buffer.of())
      .digest('hex');
    if (name.split('.')[0] !== digest)
      walk.report('file-changed', 0, `the file ${path} is not the ${what} that it is named for`);
  }
}

/**
 * The entries before the first and behind the last show that the period is whole; where entries were pruned, the entry
 * that says so, inside of the period or proved.
 */
function checkPeriod({ pack, walk, proved }: Scene): void {
  const { first, past, size, from, to } = pack.manifest;
  const before = proved.get(first - 1)?.time ?? '';
  const isFirst = first === 0 || (from !== null && before !== '' && before < from);
  const announced = [...proved.values()].map((entry) =>
    entry.action === 'audit.pruned' ? prunedPastOf(entry) : undefined,
  );
  if (!isFirst && walk.announced < first && !announced.includes(first))
    walk.report('period-incomplete', first, 'it is not shown that no earlier entry is of the period');
  const behind = proved.get(past)?.time ?? '';
  if (past < size && !(to !== null && behind >= to))
    walk.report('period-incomplete', past, 'it is not shown that no later entry is of the period');
}

async function startScene(pack: PackReader, key: NoteVerifier): Promise<Scene> {
  const { begin, end } = coveredRange(pack.manifest);
  const keys = await readKeys(pack);
  const tiles = new PackTiles(pack);
  const edge = await tiles.edgeAt(begin);
  const opened = new OpenedCheckpoints(keys);
  const walk = new LogWalk({ keys, open: opened.open, ...(edge === undefined ? {} : { edge }) });
  await checkFiles({ pack, walk });
  if (!keys.some((one) => sameKey(one.key, key)))
    walk.report('key-unknown', 0, `${key.name}, key ${key.keyId}, is none of the keys that the log had`);
  const other = new Map<number, string>();
  for await (const { size, note } of checkpointsOf(pack)) {
    if (size > begin && size <= end) continue;
    const checkpoint = openHistorical(note, keys);
    const signer = keyAt(keys, size);
    if (checkpoint === undefined) {
      walk.report('checkpoint-unsigned', size, `it is not signed by ${signer?.name}, key ${signer?.keyId}`);
    } else if (checkpoint.size !== size) {
      walk.report('checkpoint-contradicts', size, `it is signed for ${checkpoint.size} entries`);
    } else {
      other.set(size, note);
    }
  }
  return {
    pack,
    tiles,
    keys,
    walk,
    opened,
    ...(await readHead(pack, keys, walk)),
    other,
    agreed: new Map(),
    proved: new Map(),
    stamped: [],
  };
}

/** Verifies the pack in a directory. Rejects with `input/invalid` where it is none or does not reach a kept checkpoint. */
export async function verifyPack(
  directory: string,
  { key, kept, witnesses, stampedBy, threads }: VerifyPackOptions,
): Promise<PackVerification> {
  const pack = await readPack(directory);
  const scene = await startScene(pack, key);
  await checkTiles(scene);
  await checkProofs(scene);
  await checkWitnesses(scene, witnesses);
  await checkTimestamp(scene, stampedBy);
  await keepCheckpoints(scene, kept);
  const { sealed, documents } = await walkEntries(scene, threads);
  checkChanges(scene);
  await checkDigestNames(scene);
  checkPeriod(scene);
  const { origin, first, past, size } = pack.manifest;
  const { problems, problemCount, checkpoints } = scene.walk;
  const root = scene.root ?? Buffer.of();
  return {
    ok: problemCount === 0,
    origin,
    first,
    past,
    size,
    root,
    checkpoints,
    pruned: 0,
    sealed: countOpened(sealed, scene),
    documents: countOpened(documents, scene),
    stamped: scene.stamped[0],
    problems,
    problemCount,
  };
}
