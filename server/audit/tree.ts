// Hashes of the tree out of the database. Stored are the leaf hashes and the roots of full tiles; a node in between is
// computed from at most 128 of them. What is read is checked by whoever compares the result with a signed root.
import { GuardError } from '../../core/errors.ts';
import {
  coveringNodes,
  foldRight,
  nodeHash,
  type Edge,
  type Hash,
  type NodeId,
  type ProofStep,
} from '../../core/merkle.ts';
import { tileHeight } from '../../core/tile.ts';
import type { Queryable } from '../db.ts';
import { readLeafHashes, readStoredNodes } from './store.ts';

/** The stored hashes below a node: `count` of them at a stored level. */
interface StoredRange {
  readonly level: number;
  readonly begin: number;
  readonly end: number;
}

function storedRange({ level, index }: NodeId): StoredRange {
  const width = 2 ** (level % tileHeight);
  return { level: Math.floor(level / tileHeight), begin: index * width, end: (index + 1) * width };
}

const nameOf = (level: number, index: number): string => `${level}/${index}`;

/** The root over a power of two of hashes. */
function perfectRoot(hashes: readonly Hash[]): Hash {
  if (hashes.length <= 1) return foldRight(hashes);
  const middle = hashes.length / 2;
  return nodeHash(perfectRoot(hashes.slice(0, middle)), perfectRoot(hashes.slice(middle)));
}

async function readRanges(
  client: Queryable,
  ranges: readonly StoredRange[],
): Promise<ReadonlyMap<string, Hash>> {
  const leaves = ranges.filter(({ level }) => level === 0);
  const nodes = ranges.filter(({ level }) => level > 0);
  const begins = (some: readonly StoredRange[]): readonly number[] => some.map(({ begin }) => begin);
  const ends = (some: readonly StoredRange[]): readonly number[] => some.map(({ end }) => end);
  const [leafRows, nodeRows] = await Promise.all([
    leaves.length === 0 ? [] : readLeafHashes(client, begins(leaves), ends(leaves)),
    nodes.length === 0
      ? []
      : readStoredNodes(
          client,
          nodes.map(({ level }) => level),
          begins(nodes),
          ends(nodes),
        ),
  ]);
  const found = [...leafRows, ...nodeRows];
  return new Map(found.map(({ level, index, hash }) => [nameOf(level, index), hash]));
}

/** The hashes of nodes, in their order. Rejects with `audit/inconsistent` where the database lacks a part of one. */
export async function readNodes(client: Queryable, nodes: readonly NodeId[]): Promise<readonly Hash[]> {
  const stored = await readRanges(client, nodes.map(storedRange));
  return nodes.map((node) => {
    const { level, begin, end } = storedRange(node);
    const hashes: Hash[] = [];
    for (let index = begin; index < end; index += 1) {
      const hash = stored.get(nameOf(level, index));
      if (hash === undefined) {
        throw new GuardError(
          'audit/inconsistent',
          `the audit log lacks the hash ${index} of stored level ${level}`,
        );
      }
      hashes.push(hash);
    }
    return perfectRoot(hashes);
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
