// Hashes of the tree out of the database. Stored are the leaf hashes and the roots of full tiles; a node in between is
// computed from at most 128 of them. What is read is checked by whoever compares the result with a signed root.
import { GuardError } from '../../core/errors.ts';
import {
  coveringNodes,
  foldRight,
  hashLength,
  nodeHash,
  type Edge,
  type Hash,
  type NodeId,
  type ProofStep,
} from '../../core/merkle.ts';
import { tileHeight } from '../../core/tile.ts';
import type { Queryable } from '../db.ts';
import { readHashes, type HashRange } from './store.ts';

/** The stored hashes below a node. */
function storedRange({ level, index }: NodeId): HashRange {
  const width = 2 ** (level % tileHeight);
  return { level: Math.floor(level / tileHeight), begin: index * width, end: (index + 1) * width };
}

/** The root over a power of two of hashes, one after the other in `hashes`. */
function perfectRoot(hashes: Buffer): Hash {
  if (hashes.length <= hashLength) return hashes;
  const middle = hashes.length / 2;
  return nodeHash(perfectRoot(hashes.subarray(0, middle)), perfectRoot(hashes.subarray(middle)));
}

/** The hashes of nodes, in their order. Rejects with `audit/inconsistent` where the database lacks a part of one. */
export async function readNodes(client: Queryable, nodes: readonly NodeId[]): Promise<readonly Hash[]> {
  const ranges = nodes.map(storedRange);
  const stored = await readHashes(client, ranges);
  return ranges.map(({ level, begin, end }, at) => {
    const hashes = stored[at];
    if (hashes?.length === (end - begin) * hashLength) return perfectRoot(hashes);
    throw new GuardError(
      'audit/inconsistent',
      `the audit log lacks hashes from ${begin} on of stored level ${level}`,
    );
  });
}

/** The right edge of the tree over the first `size` entries. */
export async function readEdge(client: Queryable, size: number): Promise<Edge> {
  return { size, hashes: await readNodes(client, coveringNodes(0, size)) };
}

/** The hashes of a proof by its plan. */
export async function readProof(client: Queryable, plan: readonly ProofStep[]): Promise<readonly Hash[]> {
  const hashes = await readNodes(client, plan.flat());
  let at = 0;
  return plan.map((step) => foldRight(hashes.slice(at, (at += step.length))));
}
