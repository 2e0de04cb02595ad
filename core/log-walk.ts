// Checks a log by walking along it: entries and checkpoints in order, from the database or from an archive. Believes
// nothing that is handed in: every hash is computed again from the entries' bytes. Memory does not grow with the log.
import { parseEntry, type AuditEntry } from './audit-entry.ts';
import { openCheckpoint, type NoteVerifier } from './checkpoint.ts';
import { cosignedAt } from './cosignature.ts';
import type { SoundRun } from './entry-run.ts';
import { keyChangeOf, openHistorical, sameKey, type KeyChange, type KeyHistory } from './key-history.ts';
import { emptyEdge, leafHash, pushLeaf, rootOf, type Edge, type Hash, type TreeNode } from './merkle.ts';
import { sameHash } from './merkle-proof.ts';
import type { OpenCheckpoint } from './opened-checkpoints.ts';
import { tileHeight } from './tile.ts';

export type ProblemKind =
  | 'entry-missing'
  | 'entry-changed'
  | 'entry-misplaced'
  | 'text-missing'
  | 'time-backwards'
  | 'hash-changed'
  | 'key-unknown'
  | 'key-change-unsigned'
  | 'checkpoint-missing'
  | 'checkpoint-unsigned'
  | 'checkpoint-contradicts'
  | 'kept-checkpoint-contradicts'
  | 'witness-missing'
  | 'timestamp-missing'
  // Of archives only:
  | 'file-missing'
  | 'file-unlisted'
  | 'file-changed'
  | 'proof-wrong'
  | 'text-wrong'
  | 'period-incomplete';

export interface Problem {
  readonly kind: ProblemKind;
  /** The entry, or for checkpoints the tree size, that the problem is at. */
  readonly at: number;
  readonly message: string;
}

export interface WalkStart {
  /** The keys of the log as far as they are told; what counts is what the entries say on the way. */
  readonly keys: KeyHistory;
  /** The tree before the first entry that is walked over; must have been checked against a signed root. */
  readonly edge?: Edge;
  /** Opens checkpoints in the place of `openCheckpoint`, with the same outcome. */
  readonly open?: OpenCheckpoint;
}

const maxReported = 20;

/** The key whose sealed texts an entry says were destroyed. */
export function destroyedKeyOf({ action, details }: AuditEntry): string | undefined {
  const { key } = details;
  return action === 'audit.shredded' && typeof key === 'string' ? key : undefined;
}

/** The document that an entry names: its SHA-256, hex, and the key that it is kept under. */
export function documentOf({
  action,
  details,
}: AuditEntry): { readonly digest: string; readonly key: string } | undefined {
  const { digest, key } = details;
  const isNamed = typeof digest === 'string' && /^[0-9a-f]{64}$/.test(digest) && typeof key === 'string';
  return action === 'evidence.kept' && isNamed ? { digest, key } : undefined;
}

/** Up to where an entry says that entries were pruned. */
export function prunedPastOf({ index, details }: AuditEntry): number | undefined {
  const { past } = details;
  return typeof past === 'number' && Number.isSafeInteger(past) && past <= index ? past : undefined;
}

export class LogWalk {
  readonly problems: Problem[] = [];
  problemCount = 0;
  /** Checkpoints that were looked at. */
  checkpoints = 0;
  /** The keys that texts of entries are sealed with, and the first entry with each. */
  readonly sealedBy = new Map<string, number>();
  /** Keys that entries say were destroyed, and those entries. */
  readonly shredded = new Map<string, number>();
  /** Entries of which only the hash is left. */
  prunedEntries = 0;
  #prunedPast = 0;
  /** Up to where entries say that others were pruned. */
  announced = 0;
  /** The right edge of the tree over what was walked. */
  readonly #hashes: Hash[];
  #size: number;
  /** The entry that must come next. */
  next: number;
  #lastTime = '';
  /** Entries of the run under way that say something about the log. */
  #told: ReadonlyMap<number, AuditEntry> = new Map();
  /** Size of the last checkpoint that fitted; entries from there on are not yet vouched for. */
  #vouched: number;
  #contradicted = false;
  #key: NoteVerifier | undefined;
  /** The key before, until a checkpoint has shown that it agrees to the new one. */
  #handover: { readonly at: number; readonly previous: NoteVerifier } | undefined;
  readonly #openNote: OpenCheckpoint;
  readonly #kept = new Map<number, Hash[]>();
  /** The rotations that entries told of. */
  readonly changes: KeyChange[] = [];

  constructor({ keys, edge = emptyEdge, open = openCheckpoint }: WalkStart) {
    this.#openNote = open;
    this.#hashes = [...edge.hashes];
    this.#size = edge.size;
    this.next = edge.size;
    this.#vouched = edge.size;
    this.#key = keys.findLast(({ since }) => since < edge.size)?.key ?? keys[0]?.key;
  }

  /** The tree over what was walked, as it is now. */
  get edge(): Edge {
    return { size: this.#size, hashes: this.#hashes };
  }

  report(kind: ProblemKind, at: number, message: string): void {
    this.problemCount += 1;
    if (this.problems.length < maxReported) this.problems.push({ kind, at, message });
  }

  /** Takes the next entry; returns the roots of full tiles that it completes, with levels of the tree. */
  entry(index: number, body: Uint8Array, storedLeaf: Hash): readonly TreeNode[] {
    if (index !== this.next)
      this.report('entry-missing', this.next, `the entries ${this.next} to ${index - 1} are missing`);
    this.next = index + 1;
    const leaf = leafHash(body);
    const entry = parseEntry(body);
    if (!sameHash(leaf, storedLeaf))
      this.report('entry-changed', index, 'its bytes are not those that its hash is of');
    else if (entry === undefined)
      this.report('entry-changed', index, 'its bytes are no entry in canonical form');
    if (entry !== undefined) this.#read(entry, index);
    return this.#grow(leaf);
  }

  /**
   * Begins a run that was read before; false where it does not continue the walk, and its entries must be taken one by one.
   * Otherwise `sound` takes them, each in its turn.
   */
  begin({ first, earliest, latest, sealed, told }: SoundRun): boolean {
    if (first !== this.next || earliest < this.#lastTime) return false;
    this.#lastTime = latest;
    for (const { key, index } of sealed) if (!this.sealedBy.has(key)) this.sealedBy.set(key, index);
    this.#told = new Map(told.map((entry) => [entry.index, entry]));
    return true;
  }

  /** Takes the next entry of the run that was begun, as `entry` would. */
  sound(leaf: Hash): readonly TreeNode[] {
    const index = this.next;
    this.next = index + 1;
    const told = this.#told.size === 0 ? undefined : this.#told.get(index);
    if (told !== undefined) this.#learn(told, index);
    return this.#grow(leaf);
  }

  /** Takes the hash of an entry that was pruned; the checkpoints over it say whether it is the right one. */
  pruned(index: number, leaf: Hash): readonly TreeNode[] {
    if (index !== this.next)
      this.report('entry-missing', this.next, `the entries ${this.next} to ${index - 1} are missing`);
    this.next = index + 1;
    this.prunedEntries += 1;
    this.#prunedPast = index + 1;
    return this.#grow(leaf);
  }

  #grow(leaf: Hash): readonly TreeNode[] {
    const completed = pushLeaf(this.#hashes, this.#size, leaf);
    this.#size += 1;
    if (this.#kept.size > 0) this.#compareKept();
    return completed.length < tileHeight ? [] : completed.filter(({ level }) => level % tileHeight === 0);
  }

  #read(entry: AuditEntry, index: number): void {
    if (entry.index !== index)
      this.report('entry-misplaced', index, `it says of itself that it is entry ${entry.index}`);
    if (entry.time < this.#lastTime) {
      this.report('time-backwards', index, `its time ${entry.time} is before that of an earlier entry`);
    } else {
      this.#lastTime = entry.time;
    }
    if (entry.sealed !== undefined && !this.sealedBy.has(entry.sealed.key))
      this.sealedBy.set(entry.sealed.key, index);
    this.#learn(entry, index);
  }

  /** What an entry says about the log. */
  #learn(entry: AuditEntry, index: number): void {
    const destroyed = destroyedKeyOf(entry);
    if (destroyed !== undefined) this.shredded.set(destroyed, index);
    if (entry.action === 'audit.pruned') this.announced = Math.max(this.announced, prunedPastOf(entry) ?? 0);
    if (entry.action !== 'audit.key-rotated') return;
    const change = keyChangeOf(entry);
    if (change === undefined || this.#key === undefined || !sameKey(change.previous, this.#key)) {
      this.report('key-change-unsigned', index, 'it brings a new key that does not follow the one in use');
      return;
    }
    this.#handover = { at: index, previous: change.previous };
    this.#key = change.next;
    this.changes.push(change);
  }

  /** Compares the root so far with a checkpoint of this size. Of a history that was changed only the first place is told. */
  checkpoint(size: number, note: string): void {
    this.checkpoints += 1;
    const checkpoint = this.#open(size, note);
    if (checkpoint === undefined) return;
    if (checkpoint.size !== size) {
      this.report('checkpoint-contradicts', size, `it is signed for ${checkpoint.size} entries`);
    } else if (this.edge.size === size && sameHash(rootOf(this.edge), checkpoint.root)) {
      this.#vouched = size;
    } else if (!this.#contradicted) {
      this.#contradicted = true;
      const range = `${this.#vouched} to ${size - 1}`;
      this.report('checkpoint-contradicts', size, `the entries ${range} are not those that were signed`);
    }
  }

  #open(size: number, note: string): { readonly size: number; readonly root: Hash } | undefined {
    const key = this.#key;
    if (this.#handover !== undefined && openCheckpoint(note, this.#handover.previous) === undefined)
      this.#missHandover(this.#handover);
    this.#handover = undefined;
    const checkpoint = key === undefined ? undefined : this.#openNote(note, key);
    if (checkpoint === undefined) {
      const name = key === undefined ? 'the log' : `${key.name}, key ${key.keyId}`;
      this.report('checkpoint-unsigned', size, `it is not signed by ${name}`);
    }
    return checkpoint;
  }

  #missHandover({ at, previous }: { readonly at: number; readonly previous: NoteVerifier }): void {
    this.report('key-change-unsigned', at, `the key before, ${previous.keyId}, has not signed the new one`);
  }

  /** Compares a checkpoint that was kept elsewhere with the root that the log had at its size. */
  compareKept(size: number, kept: Hash, root: Hash): void {
    if (sameHash(kept, root)) return;
    const message = `the first ${size} entries are not those of a kept checkpoint`;
    this.report('kept-checkpoint-contradicts', size, message);
  }

  /** Demands that each witness has signed the cosigned checkpoint, where there is one. */
  witnessed(note: string | undefined, witnesses: readonly NoteVerifier[]): void {
    for (const witness of witnesses) {
      if (note !== undefined && cosignedAt(note, witness) !== undefined) continue;
      const message = `the witness ${witness.name}, key ${witness.keyId}, has not signed a checkpoint of it`;
      this.report('witness-missing', 0, message);
    }
  }

  /** Demands that the log continues a checkpoint that was kept elsewhere; call it before the first entry. */
  keep(note: string, keys: KeyHistory, size: number): void {
    const checkpoint = openHistorical(note, keys);
    if (checkpoint === undefined) {
      const last = keys.at(-1)?.key;
      const name = last === undefined ? 'the log' : `${last.name}, key ${last.keyId}`;
      this.report('checkpoint-unsigned', 0, `a kept checkpoint is not signed by ${name}`);
    } else if (checkpoint.size > size) {
      const message = `${checkpoint.size} entries were signed once, the log has ${size}: its end is missing`;
      this.report('kept-checkpoint-contradicts', checkpoint.size, message);
    } else {
      this.#kept.set(checkpoint.size, [...(this.#kept.get(checkpoint.size) ?? []), checkpoint.root]);
      if (checkpoint.size === this.edge.size) this.#compareKept();
    }
  }

  #compareKept(): void {
    const { size } = this.edge;
    const roots = this.#kept.get(size);
    if (roots === undefined) return;
    for (const root of roots) this.compareKept(size, root, rootOf(this.edge));
    this.#kept.delete(size);
  }

  /** Tells what is missing at the end of a log of `size` entries. */
  end(size: number): void {
    if (this.#handover !== undefined) this.#missHandover(this.#handover);
    if (this.#prunedPast > this.announced) {
      const range = `${this.announced} to ${this.#prunedPast - 1}`;
      this.report(
        'entry-missing',
        this.announced,
        `of ${range} entries are gone that no entry says were pruned`,
      );
    }
    if (this.next < size)
      this.report('entry-missing', this.next, `the entries ${this.next} to ${size - 1} are missing`);
  }
}
