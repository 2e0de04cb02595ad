// Judges what a receiver has kept of the log: every line once or several times and in any order. Says what is missing,
// doubled or changed, and compares the tree that the lines make with the signed checkpoints. Trusts the key alone.
// Keeps 33 bytes for each entry.
import { parseEntry } from './audit-entry.ts';
import { parseCheckpoint, type NoteVerifier } from './checkpoint.ts';
import { keyChangeOf, keyHistory, openHistorical, type KeyChange, type KeyHistory } from './key-history.ts';
import { coveringNodes, foldRight, leafHash, nodeHash, type Hash } from './merkle.ts';
import { sameHash } from './merkle-proof.ts';
import { parseRecord, type ReceivedRecord } from './shipped-record.ts';

export type ReceivedProblemKind =
  'gap' | 'altered' | 'contradiction' | 'other-log' | 'unsigned' | 'other-history';

export interface ReceivedProblem {
  readonly kind: ReceivedProblemKind;
  /** Place in the log, or a checkpoint's size. */
  readonly at: number;
  readonly message: string;
}

export interface ReceivedResult {
  readonly ok: boolean;
  readonly log: string | undefined;
  /** The first place that is covered, and the one behind the last. */
  readonly first: number;
  readonly past: number;
  readonly entries: number;
  /** Lines that were there already. */
  readonly duplicates: number;
  /** Entries that came without their details, and lines that are none of ours. */
  readonly cut: number;
  readonly unreadable: number;
  /** How many entries were told to be left out, by reason. */
  readonly skipped: Readonly<Record<string, number>>;
  /**
   * Signed checkpoints that the entries agree with, and the stretch [provedFrom, provedTo) that they prove; the last one
   * where there are gaps in between.
   */
  readonly checkpoints: number;
  readonly provedFrom: number;
  readonly provedTo: number;
  /** The first hundred. */
  readonly problems: readonly ReceivedProblem[];
  readonly problemCount: number;
}

const mostTold = 100;
const mostEntries = 50_000_000;
const hashBytes = 32;
const blockEntries = 65_536;

/** Hashes by place, in blocks that are made when they are needed. */
class LeafTable {
  readonly #blocks = new Map<number, { readonly hashes: Buffer; readonly present: Uint8Array }>();

  get(seq: number): Hash | undefined {
    const block = this.#blocks.get(Math.floor(seq / blockEntries));
    const at = seq % blockEntries;
    if (block === undefined || block.present[at] !== 1) return undefined;
    return block.hashes.subarray(at * hashBytes, (at + 1) * hashBytes);
  }

  set(seq: number, leaf: Hash): void {
    const key = Math.floor(seq / blockEntries);
    let block = this.#blocks.get(key);
    if (block === undefined) {
      block = { hashes: Buffer.alloc(blockEntries * hashBytes), present: new Uint8Array(blockEntries) };
      this.#blocks.set(key, block);
    }
    block.hashes.set(leaf, (seq % blockEntries) * hashBytes);
    block.present[seq % blockEntries] = 1;
  }
}

/** A tree that grows by perfect subtrees, each beginning where the one before ends. */
class GrowingTree {
  readonly #stack: { readonly level: number; readonly hash: Hash }[] = [];

  add(level: number, hash: Hash): void {
    let top = { level, hash };
    for (let last = this.#stack.at(-1); last?.level === top.level; last = this.#stack.at(-1)) {
      top = { level: top.level + 1, hash: nodeHash(last.hash, top.hash) };
      this.#stack.pop();
    }
    this.#stack.push(top);
  }

  /** Of a tree that is not empty. */
  root(): Hash {
    return foldRight(this.#stack.map(({ hash }) => hash));
  }
}

/** A perfect subtree of entries that were not sent. */
interface SkippedNode {
  readonly level: number;
  readonly hash: Hash;
  readonly why: string;
}

type RecordOf<Kind extends ReceivedRecord['kind']> = ReceivedRecord & { readonly kind: Kind };

/** Takes lines one by one; `result` judges them together. */
export class ReceivedLog {
  readonly #leaves = new LeafTable();
  /** By the place where they begin; the largest of each place. */
  readonly #skipped = new Map<number, SkippedNode>();
  readonly #notes = new Set<string>();
  readonly #changes = new Map<number, KeyChange>();
  readonly #edges = new Map<number, readonly Hash[]>();
  readonly #problems: ReceivedProblem[] = [];
  #problemCount = 0;
  #log: string | undefined;
  #first = Infinity;
  #past = 0;
  #entries = 0;
  #duplicates = 0;
  #cut = 0;
  #unreadable = 0;

  #problem(kind: ReceivedProblemKind, at: number, message: string): void {
    this.#problemCount += 1;
    if (this.#problems.length < mostTold) this.#problems.push({ kind, at, message });
  }

  /** Takes a line; an empty one is nothing. */
  add(line: string): void {
    if (line.trim() === '') return;
    const record = parseRecord(line);
    if (record === undefined) {
      this.#unreadable += 1;
      return;
    }
    this.#log ??= record.log;
    if (record.log === this.#log) this.#take(record);
    else this.#problem('other-log', 0, `a line belongs to the log ${JSON.stringify(record.log)}`);
  }

  #take(record: ReceivedRecord): void {
    switch (record.kind) {
      case 'entry':
        return this.#addEntry(record);
      case 'skipped':
        return this.#addSkipped(record);
      case 'checkpoint': {
        const { note, edge } = record;
        this.#notes.add(note);
        if (edge.nodes.length === coveringNodes(0, edge.size).length) this.#edges.set(edge.size, edge.nodes);
      }
    }
  }

  #cover(from: number, past: number): void {
    this.#first = Math.min(this.#first, from);
    this.#past = Math.max(this.#past, past);
  }

  #addEntry({ seq, leaf, body }: RecordOf<'entry'>): void {
    const before = this.#leaves.get(seq);
    if (before !== undefined) {
      this.#duplicates += 1;
      if (!sameHash(before, leaf)) this.#problem('contradiction', seq, 'it came twice, with two leaf hashes');
    } else {
      if (this.#entries >= mostEntries) throw new RangeError(`more than ${mostEntries} entries`);
      this.#leaves.set(seq, leaf);
      this.#entries += 1;
    }
    this.#cover(seq, seq + 1);
    if (body === undefined) this.#cut += 1;
    else if (sameHash(leafHash(body), leaf)) this.#checkBody(seq, body);
    else this.#problem('altered', seq, 'the entry is not that of its leaf hash');
  }

  #checkBody(seq: number, body: Uint8Array): void {
    const entry = parseEntry(body);
    if (entry?.index !== seq) this.#problem('altered', seq, 'it is no entry of this place');
    const change = entry === undefined ? undefined : keyChangeOf(entry);
    if (change !== undefined) this.#changes.set(seq, change);
  }

  #addSkipped({ from, past, nodes, why }: RecordOf<'skipped'>): void {
    const ids = past > from ? coveringNodes(from, past) : [];
    if (ids.length === 0 || ids.length !== nodes.length) {
      this.#unreadable += 1;
      return;
    }
    for (const [at, { level, index }] of ids.entries()) {
      const begin = index * 2 ** level;
      const hash = nodes[at];
      if (hash !== undefined && (this.#skipped.get(begin)?.level ?? -1) < level)
        this.#skipped.set(begin, { level, hash, why });
    }
    this.#cover(from, past);
  }

  /** Judges by the log's key, or any one of its keys where its changes are among the entries. `kept`: more checkpoints. */
  result(key: NoteVerifier, kept: readonly string[] = []): ReceivedResult {
    const first = this.#first === Infinity ? 0 : this.#first;
    const changes = [...this.#changes.values()].toSorted((a, b) => a.index - b.index);
    const keys = keyHistory(changes, key) ?? [{ since: -1, key }];
    const roots = this.#signedRoots(keys, kept);
    const skipped: Record<string, number> = {};
    let tree = first === 0 ? new GrowingTree() : undefined;
    let checkpoints = 0;
    let provedFrom = 0;
    let provedTo = 0;
    let since = 0;
    let at = first;
    while (at < this.#past) {
      // Where older lines are not kept any more, an edge stands for them; the signed root then proves it as well.
      if (tree === undefined && this.#edges.has(at)) {
        tree = seeded(at, this.#edges.get(at) ?? []);
        since = at;
      }
      const node = this.#skippedAt(at);
      const leaf = this.#leaves.get(at);
      if (node !== undefined) {
        const width = 2 ** node.level;
        tree?.add(node.level, node.hash);
        skipped[node.why] = (skipped[node.why] ?? 0) + width;
        at += width;
      } else if (leaf !== undefined) {
        tree?.add(0, leaf);
        at += 1;
      } else {
        const next = this.#nextKnown(at);
        this.#problem('gap', at, next === at + 1 ? 'is missing' : `to ${next - 1} are missing`);
        tree = undefined;
        at = next;
      }
      for (const root of tree === undefined ? [] : (roots.get(at) ?? [])) {
        if (tree !== undefined && sameHash(tree.root(), root)) {
          checkpoints += 1;
          provedFrom = since;
          provedTo = at;
        } else {
          this.#problem('other-history', at, 'the entries before do not make the tree that was signed');
        }
      }
    }
    for (const size of roots.keys())
      if (size > this.#past) this.#problem('gap', this.#past, `the log goes on to ${size} entries`);
    return {
      ok: this.#problemCount === 0,
      log: this.#log,
      first,
      past: this.#past,
      entries: this.#entries,
      duplicates: this.#duplicates,
      cut: this.#cut,
      unreadable: this.#unreadable,
      skipped,
      checkpoints,
      provedFrom,
      provedTo,
      problems: this.#problems,
      problemCount: this.#problemCount,
    };
  }

  /** The subtree that begins here and stands for entries of which one at least was not sent. */
  #skippedAt(at: number): SkippedNode | undefined {
    const node = this.#skipped.get(at);
    if (node === undefined) return undefined;
    for (let seq = at; seq < at + 2 ** node.level; seq += 1)
      if (this.#leaves.get(seq) === undefined) return node;
    return undefined;
  }

  #nextKnown(from: number): number {
    let at = from + 1;
    while (at < this.#past && this.#leaves.get(at) === undefined && !this.#skipped.has(at)) at += 1;
    return at;
  }

  /** Roots that were signed, by size. */
  #signedRoots(keys: KeyHistory, kept: readonly string[]): ReadonlyMap<number, readonly Hash[]> {
    const roots = new Map<number, Hash[]>();
    for (const note of new Set([...this.#notes, ...kept])) {
      const opened = openHistorical(note, keys);
      if (opened === undefined)
        this.#problem('unsigned', parseCheckpoint(note)?.size ?? 0, 'a checkpoint is not signed by the log');
      else roots.set(opened.size, [...(roots.get(opened.size) ?? []), opened.root]);
    }
    return roots;
  }
}

function seeded(size: number, nodes: readonly Hash[]): GrowingTree {
  const tree = new GrowingTree();
  for (const [at, { level }] of coveringNodes(0, size).entries())
    tree.add(level, nodes[at] ?? new Uint8Array());
  return tree;
}
