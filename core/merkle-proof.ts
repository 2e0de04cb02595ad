// Checks inclusion and consistency proofs (RFC 6962 §2.1, by the algorithms of RFC 9162 §2.1.3.2 and §2.1.4.2). Proofs
// come from outside: every length and index is checked, nothing here throws on a bad one.
import { emptyRoot, hashLength, nodeHash, type Hash } from './merkle.ts';

/** Bytes compared for equality; hashes are public, so the time it takes tells nothing. */
export function sameHash(a: Hash, b: Hash): boolean {
  return Buffer.compare(a, b) === 0;
}

function areHashes(hashes: readonly Hash[]): boolean {
  return hashes.every((hash) => hash.length === hashLength);
}

function isSize(n: number): boolean {
  return Number.isSafeInteger(n) && n >= 0;
}

// Sizes go beyond 32 bits, where the operators on bits would cut them.
const half = (n: number): number => Math.floor(n / 2);
const isOdd = (n: number): boolean => n % 2 === 1;

/** True where `proof` shows that `leaf` (a leaf hash) stands at `index` in the tree of `size` leaves with `root`. */
export function verifyInclusion(claim: {
  readonly index: number;
  readonly size: number;
  readonly leaf: Hash;
  readonly root: Hash;
  readonly proof: readonly Hash[];
}): boolean {
  if (!isSize(claim.index) || !isSize(claim.size) || claim.index >= claim.size) return false;
  if (!areHashes([claim.leaf, claim.root, ...claim.proof])) return false;
  let node = claim.index;
  let last = claim.size - 1;
  let running = claim.leaf;
  for (const sibling of claim.proof) {
    if (last === 0) return false;
    if (isOdd(node) || node === last) {
      running = nodeHash(sibling, running);
      while (!isOdd(node) && node !== 0) {
        node = half(node);
        last = half(last);
      }
    } else {
      running = nodeHash(running, sibling);
    }
    node = half(node);
    last = half(last);
  }
  return last === 0 && sameHash(running, claim.root);
}

/** True where `proof` shows that the tree of `oldSize` leaves is the beginning of the one of `newSize` leaves. */
export function verifyConsistency(claim: {
  readonly oldSize: number;
  readonly newSize: number;
  readonly oldRoot: Hash;
  readonly newRoot: Hash;
  readonly proof: readonly Hash[];
}): boolean {
  const { oldSize, newSize, oldRoot, newRoot, proof } = claim;
  if (!isSize(oldSize) || !isSize(newSize) || oldSize > newSize) return false;
  if (!areHashes([oldRoot, newRoot, ...proof])) return false;
  if (oldSize === newSize) return proof.length === 0 && sameHash(oldRoot, newRoot);
  if (oldSize === 0) return proof.length === 0 && sameHash(oldRoot, emptyRoot);

  let node = oldSize - 1;
  let last = newSize - 1;
  while (isOdd(node)) {
    node = half(node);
    last = half(last);
  }
  // Where the old tree is one perfect subtree, its root opens the path without being sent.
  const path = node === 0 ? [oldRoot, ...proof] : proof;
  const [first, ...rest] = path;
  if (first === undefined) return false;
  let oldRunning = first;
  let newRunning = first;
  for (const sibling of rest) {
    if (last === 0) return false;
    if (isOdd(node) || node === last) {
      oldRunning = nodeHash(sibling, oldRunning);
      newRunning = nodeHash(sibling, newRunning);
      while (!isOdd(node) && node !== 0) {
        node = half(node);
        last = half(last);
      }
    } else {
      newRunning = nodeHash(newRunning, sibling);
    }
    node = half(node);
    last = half(last);
  }
  return last === 0 && sameHash(oldRunning, oldRoot) && sameHash(newRunning, newRoot);
}
