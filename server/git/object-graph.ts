// The objects of one push and how they hang together: who names whom, which commit brought an object first, and under
// which path. Holds numbers and names only, a few dozen bytes an object, so that its size follows the push.
import type { Oid } from '../../core/oid.ts';
import { GrowingInt32Array } from './growing-array.ts';
import { modes, type TreeEntry } from './object-format.ts';
import { createPacer } from './pacer.ts';
import type { PackIndex } from './pack-index.ts';

export interface CommitLinks {
  /** Positions in the pack; -1 where the object is not in it. */
  readonly tree: number;
  readonly parents: readonly Oid[];
}

/** How an object was reached first, oldest commit first. */
export interface Introduction {
  readonly commit: Oid | undefined;
  /** The ref whose update brought it. */
  readonly ref: string;
  readonly path: string;
}

const noName = -1;

/** Filled once by the inspection, then walked once. Positions are those of the pack index. */
export class ObjectGraph {
  readonly index: PackIndex;
  readonly commits = new Map<number, CommitLinks>();
  readonly tagTargets = new Map<number, number>();
  /** Names of tree entries, each once. */
  readonly names: string[] = [];
  readonly symlinks: Uint8Array;
  /** Position of the first tree that holds each name. */
  readonly #nameTree = new GrowingInt32Array();
  readonly #nameIds = new Map<string, number>();
  readonly #edgeStart: Int32Array;
  readonly #edgeEnd: Int32Array;
  readonly #edgeChild = new GrowingInt32Array();
  readonly #edgeName = new GrowingInt32Array();
  readonly #parentTree: Int32Array;
  readonly #entryName: Int32Array;
  readonly #commitOf: Int32Array;
  readonly #refOf: Int32Array;
  readonly #reached: Uint8Array;
  /** In which order the objects were marked, from 1. */
  readonly #rank: Int32Array;
  #marked = 0;
  #refs: readonly string[] = [];

  constructor(index: PackIndex) {
    this.index = index;
    this.symlinks = new Uint8Array(index.count);
    this.#edgeStart = new Int32Array(index.count);
    this.#edgeEnd = new Int32Array(index.count);
    this.#parentTree = new Int32Array(index.count).fill(-1);
    this.#entryName = new Int32Array(index.count).fill(noName);
    this.#commitOf = new Int32Array(index.count).fill(-1);
    this.#refOf = new Int32Array(index.count).fill(-1);
    this.#reached = new Uint8Array(index.count);
    this.#rank = new Int32Array(index.count);
  }

  /** Notes the entries of one tree. Entries whose object is not in the pack keep their name only. */
  addTree(tree: number, entries: Iterable<TreeEntry>): void {
    this.#edgeStart[tree] = this.#edgeChild.length;
    for (const entry of entries) {
      const name = this.#nameId(Buffer.from(entry.name).toString('utf8'), tree);
      const child = entry.mode === modes.submodule ? -1 : this.index.find(entry.oid);
      if (child < 0) continue;
      if (entry.mode === modes.symlink) this.symlinks[child] = 1;
      this.#edgeChild.push(child);
      this.#edgeName.push(name);
    }
    this.#edgeEnd[tree] = this.#edgeChild.length;
  }

  #nameId(name: string, tree: number): number {
    const known = this.#nameIds.get(name);
    if (known !== undefined) return known;
    const id = this.names.length;
    this.names.push(name);
    this.#nameIds.set(name, id);
    this.#nameTree.push(tree);
    return id;
  }

  /**
   * Walks from the new values of the refs, commits oldest first, and notes for each object the first commit and path
   * that reach it. What stays unreached is named by no ref of the push.
   */
  async walk(tips: readonly { readonly ref: string; readonly oid: Oid }[]): Promise<void> {
    this.#refs = tips.map((tip) => tip.ref);
    const pace = createPacer();
    for (const [ref, tip] of tips.entries()) {
      const start = this.#peel(this.index.findOid(tip.oid), ref);
      if (start < 0) continue;
      if (!this.commits.has(start)) await this.#walkTree(start, -1, ref, pace);
      for (const commit of this.#oldestFirst(start)) {
        this.#mark(commit, commit, ref);
        await this.#walkTree(this.commits.get(commit)?.tree ?? -1, commit, ref, pace);
        await pace();
      }
    }
  }

  /** Marks a chain of tags and returns what the last of them names, or -1 where that is not in the pack. */
  #peel(from: number, ref: number): number {
    let at = from;
    for (let target = this.tagTargets.get(at); target !== undefined; target = this.tagTargets.get(at)) {
      if (this.#reached[at] === 0) this.#mark(at, -1, ref);
      at = target;
    }
    return at;
  }

  #mark(object: number, commit: number, ref: number): void {
    this.#reached[object] = 1;
    this.#rank[object] = this.#marked += 1;
    this.#commitOf[object] = commit;
    this.#refOf[object] = ref;
  }

  /** Commits of the pack that are reached from `start` and not yet marked, parents before children. */
  *#oldestFirst(start: number): Generator<number> {
    const entered = new Set<number>();
    const stack: { readonly commit: number; readonly parents: number[] }[] = [];
    const enter = (commit: number): void => {
      if (commit < 0 || this.#reached[commit] === 1 || entered.has(commit)) return;
      const links = this.commits.get(commit);
      if (links === undefined) return;
      entered.add(commit);
      stack.push({ commit, parents: links.parents.map((parent) => this.index.findOid(parent)) });
    };
    enter(start);
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const parent = top.parents.pop();
      if (parent !== undefined) {
        enter(parent);
      } else {
        stack.pop();
        yield top.commit;
      }
    }
  }

  async #walkTree(root: number, commit: number, ref: number, pace: () => Promise<void>): Promise<void> {
    if (root < 0 || this.#reached[root] === 1) return;
    this.#mark(root, commit, ref);
    const stack = [root];
    for (let tree = stack.pop(); tree !== undefined; tree = stack.pop()) {
      const end = this.#edgeEnd[tree] ?? 0;
      for (let edge = this.#edgeStart[tree] ?? 0; edge < end; edge += 1) {
        const child = this.#edgeChild.at(edge);
        if (this.#reached[child] === 1) continue;
        this.#mark(child, commit, ref);
        this.#parentTree[child] = tree;
        this.#entryName[child] = this.#edgeName.at(edge);
        stack.push(child);
      }
      await pace();
    }
  }

  isReached(object: number): boolean {
    return this.#reached[object] === 1;
  }

  /** Orders commits and tags as the walk met them, parents first; what it did not meet comes last. */
  rank(oid: string | undefined): number {
    const object = oid === undefined ? -1 : this.index.find(Buffer.from(oid, 'hex'));
    return (object < 0 ? 0 : this.#rank[object]) || Infinity;
  }

  /** Where an object was brought in. `shown` maps a name to how it may be shown. */
  introduction(object: number, shown: (name: string) => string = (name) => name): Introduction {
    const names: string[] = [];
    for (let at = object; at >= 0 && names.length < 4096; at = this.#parentTree[at] ?? -1) {
      const name = this.#entryName[at] ?? noName;
      if (name !== noName) names.unshift(shown(this.names[name] ?? ''));
    }
    const commit = this.#commitOf[object] ?? -1;
    return {
      commit: commit < 0 ? undefined : this.index.oid(commit),
      ref: this.#refs[this.#refOf[object] ?? -1] ?? '',
      path: names.join('/'),
    };
  }

  /** Where a name of a tree entry was brought in first. */
  introductionOfName(name: number, shown: (name: string) => string): Introduction {
    const holder = this.introduction(this.#nameTree.at(name), shown);
    const own = shown(this.names[name] ?? '');
    return { ...holder, path: holder.path === '' ? own : `${holder.path}/${own}` };
  }

  /** Objects of the pack that no ref of the push reaches. */
  unreached(): readonly number[] {
    const found: number[] = [];
    for (let object = 0; object < this.index.count; object += 1)
      if (this.#reached[object] === 0) found.push(object);
    return found;
  }
}
