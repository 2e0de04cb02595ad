// The Merkle tree of RFC 6962 §2.1 as pure functions: hashes, the growing right edge, and which stored nodes a proof
// needs. Checking proofs is in merkle-proof.ts. Trusts nothing but SHA-256.
import { hash } from 'node:crypto';

export type Hash = Uint8Array;

/** A perfect subtree: the `index`-th one of height `level`, over the leaves [index·2^level, (index+1)·2^level). */
export interface NodeId {
  readonly level: number;
  readonly index: number;
}

export interface TreeNode extends NodeId {
  readonly hash: Hash;
}

/** The perfect subtrees that a tree of `size` leaves is made of, largest (leftmost) first: one per bit of `size`. */
export interface Edge {
  readonly size: number;
  readonly hashes: readonly Hash[];
}

export const hashLength = 32;
/** The root of the tree without leaves (RFC 6962 §2.1: the hash of an empty string). */
export const emptyRoot: Hash = sha256(new Uint8Array(0));
export const emptyEdge: Edge = { size: 0, hashes: [] };

function sha256(bytes: Uint8Array): Hash {
  // As text, and from there into pooled memory: a buffer of its own for each hash costs four times the hashing.
  return Buffer.from(hash('sha256', bytes, 'binary'), 'latin1');
}

/** `SHA-256(0x00 ‖ entry)`. */
export function leafHash(entry: Uint8Array): Hash {
  const hashed = Buffer.allocUnsafe(1 + entry.length);
  hashed[0] = 0x00;
  hashed.set(entry, 1);
  return sha256(hashed);
}

/** `SHA-256(0x01 ‖ left ‖ right)`. */
export function nodeHash(left: Hash, right: Hash): Hash {
  const hashed = Buffer.allocUnsafe(1 + left.length + right.length);
  hashed[0] = 0x01;
  hashed.set(left, 1);
  hashed.set(right, 1 + left.length);
  return sha256(hashed);
}

/**
 * Adds a leaf in place: `hashes` is the edge of a tree of `size` leaves and becomes that of one more. Returns the perfect
 * subtrees above the leaf that it finished, lowest first.
 */
export function pushLeaf(hashes: Hash[], size: number, leaf: Hash): readonly TreeNode[] {
  const completed: TreeNode[] = [];
  let last = leaf;
  let index = size;
  for (let level = 1; index % 2 === 1; level += 1) {
    const left = hashes.pop();
    if (left === undefined) throw new RangeError('the edge does not fit its size');
    last = nodeHash(left, last);
    index = (index - 1) / 2;
    completed.push({ level, index, hash: last });
  }
  hashes.push(last);
  return completed;
}

/** Adds one leaf. `completed` are the perfect subtrees that it finished, the leaf itself first. */
export function appendLeaf(
  edge: Edge,
  leaf: Hash,
): { readonly edge: Edge; readonly completed: readonly TreeNode[] } {
  const hashes = [...edge.hashes];
  const above = pushLeaf(hashes, edge.size, leaf);
  const completed = [{ level: 0, index: edge.size, hash: leaf }, ...above];
  return { edge: { size: edge.size + 1, hashes }, completed };
}

/** The root over an edge, by folding from the right. */
export function rootOf(edge: Edge): Hash {
  return edge.hashes.length === 0 ? emptyRoot : foldRight(edge.hashes);
}

/** The hash of a subtree from the perfect subtrees that it is made of, leftmost first; at least one. */
export function foldRight(hashes: readonly Hash[]): Hash {
  const last = hashes.at(-1);
  if (last === undefined) throw new RangeError('nothing to fold');
  return hashes.slice(0, -1).reduceRight((right, left) => nodeHash(left, right), last);
}

/**
 * The perfect subtrees that cover the leaves [begin, end), leftmost first. `begin` must be a multiple of the largest
 * power of two below `end - begin`, which holds for every subtree that RFC 6962 forms.
 */
export function coveringNodes(begin: number, end: number): readonly NodeId[] {
  const nodes: NodeId[] = [];
  for (let at = begin; at < end;) {
    let level = 0;
    let width = 1;
    while (at % (width * 2) === 0 && at + width * 2 <= end) {
      width *= 2;
      level += 1;
    }
    nodes.push({ level, index: at / width });
    at += width;
  }
  return nodes;
}

/** The largest power of two smaller than `n`; `n` ≥ 2. */
function splitPoint(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

/** One hash of a proof: the fold of these nodes. */
export type ProofStep = readonly NodeId[];

/**
 * What an inclusion proof of leaf `index` in the tree of `size` leaves consists of, in the order of RFC 6962 §2.1.1.
 * Requires 0 ≤ index < size.
 */
export function inclusionPlan(index: number, size: number): readonly ProofStep[] {
  if (!(Number.isSafeInteger(index) && Number.isSafeInteger(size) && 0 <= index && index < size)) {
    throw new RangeError(`there is no leaf ${index} in a tree of ${size}`);
  }
  const steps: ProofStep[] = [];
  let begin = 0;
  let end = size;
  while (end - begin > 1) {
    const middle = begin + splitPoint(end - begin);
    if (index < middle) {
      steps.push(coveringNodes(middle, end));
      end = middle;
    } else {
      steps.push(coveringNodes(begin, middle));
      begin = middle;
    }
  }
  return steps.reverse();
}

/**
 * What a consistency proof from `oldSize` to `newSize` leaves consists of, in the order of RFC 6962 §2.1.2. Requires
 * 0 ≤ oldSize ≤ newSize; empty where either tree needs no proof (nothing before, or nothing added).
 */
export function consistencyPlan(oldSize: number, newSize: number): readonly ProofStep[] {
  if (!(
    Number.isSafeInteger(oldSize) &&
    Number.isSafeInteger(newSize) &&
    0 <= oldSize &&
    oldSize <= newSize
  )) {
    throw new RangeError(`a tree of ${newSize} is no extension of one of ${oldSize}`);
  }
  if (oldSize === 0 || oldSize === newSize) return [];
  const steps: ProofStep[] = [];
  let begin = 0;
  let end = newSize;
  while (oldSize !== end) {
    const middle = begin + splitPoint(end - begin);
    if (oldSize <= middle) {
      steps.push(coveringNodes(middle, end));
      end = middle;
    } else {
      steps.push(coveringNodes(begin, middle));
      begin = middle;
    }
  }
  // The old tree is a subtree of its own here, unless it is the leftmost one, whose hash the old root already is.
  if (begin > 0) steps.push(coveringNodes(begin, end));
  return steps.reverse();
}
