// The tree against a naive reading of RFC 6962 §2.1 and against the published vectors of Certificate Transparency.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  appendLeaf,
  consistencyPlan,
  coveringNodes,
  emptyEdge,
  emptyRoot,
  foldRight,
  inclusionPlan,
  leafHash,
  nodeHash,
  rootOf,
  type Edge,
  type Hash,
  type NodeId,
  type TreeNode,
} from '../../core/merkle.ts';
import { verifyConsistency, verifyInclusion } from '../../core/merkle-proof.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

/** MTH(D[n]), word for word. */
function naiveRoot(leaves: readonly Uint8Array[]): Buffer {
  const [only] = leaves;
  if (only === undefined) return sha256(Buffer.alloc(0));
  if (leaves.length === 1) return sha256(Buffer.concat([Buffer.of(0), only]));
  const k = naiveSplit(leaves.length);
  return sha256(Buffer.concat([Buffer.of(1), naiveRoot(leaves.slice(0, k)), naiveRoot(leaves.slice(k))]));
}

function naiveSplit(n: number): number {
  return 2 ** Math.ceil(Math.log2(n) - 1);
}

/** PATH(m, D[n]), word for word. */
function naivePath(m: number, leaves: readonly Uint8Array[]): Buffer[] {
  if (leaves.length === 1) return [];
  const k = naiveSplit(leaves.length);
  return m < k
    ? [...naivePath(m, leaves.slice(0, k)), naiveRoot(leaves.slice(k))]
    : [...naivePath(m - k, leaves.slice(k)), naiveRoot(leaves.slice(0, k))];
}

/** SUBPROOF(m, D[n], b), word for word. */
function naiveSubproof(m: number, leaves: readonly Uint8Array[], isComplete: boolean): Buffer[] {
  if (m === leaves.length) return isComplete ? [] : [naiveRoot(leaves)];
  const k = naiveSplit(leaves.length);
  return m <= k
    ? [...naiveSubproof(m, leaves.slice(0, k), isComplete), naiveRoot(leaves.slice(k))]
    : [...naiveSubproof(m - k, leaves.slice(k), false), naiveRoot(leaves.slice(0, k))];
}

interface Grown {
  readonly edge: Edge;
  readonly nodes: ReadonlyMap<string, Hash>;
}

const nameOf = ({ level, index }: NodeId): string => `${level}/${index}`;

function grow(leaves: readonly Uint8Array[]): Grown {
  const completed: TreeNode[] = [];
  let edge = emptyEdge;
  for (const leaf of leaves) {
    const step = appendLeaf(edge, leafHash(leaf));
    edge = step.edge;
    completed.push(...step.completed);
  }
  return { edge, nodes: new Map(completed.map((node) => [nameOf(node), node.hash])) };
}

function evaluate(plan: readonly (readonly NodeId[])[], { nodes }: Grown): readonly Hash[] {
  return plan.map((step) =>
    foldRight(
      step.map((node) => {
        const hash = nodes.get(nameOf(node));
        if (hash === undefined)
          throw new Error(`the plan names ${nameOf(node)}, which is no perfect subtree`);
        return hash;
      }),
    ),
  );
}

const leavesOf = (size: number): Buffer[] =>
  Array.from({ length: size }, (_, at) => Buffer.from(`leaf ${at}`));
/** Tree sizes with their neighbours of powers of two, and two numbers to derive positions from. */
const sizes = fc.oneof(fc.integer({ min: 1, max: 70 }), fc.constantFrom(127, 128, 129, 255, 256, 257, 300));

/** The inputs and roots that Certificate Transparency implementations share as reference data. */
const ctInputs = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
];
const ctRoots = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

describe('the roots of Certificate Transparency', () => {
  test('the empty tree', () => {
    expect(hex(emptyRoot)).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(rootOf(emptyEdge)).toEqual(emptyRoot);
  });

  test.each(ctRoots.map((root, at) => ({ root, size: at + 1 })))('$size leaves', ({ root, size }) => {
    const leaves = ctInputs.slice(0, size).map((input) => Buffer.from(input, 'hex'));
    expect(hex(rootOf(grow(leaves).edge))).toBe(root);
  });
});

describe('against the definition', () => {
  test('roots', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 80 }), (leaves) => {
        expect(hex(rootOf(grow(leaves).edge))).toBe(hex(naiveRoot(leaves)));
      }),
    );
  });

  test('completed subtrees have the hash of their leaves', () => {
    const leaves = leavesOf(70);
    for (const [name, hash] of grow(leaves).nodes) {
      const [level = 0, index = 0] = name.split('/').map(Number);
      const width = 2 ** level;
      expect(hex(hash)).toBe(hex(naiveRoot(leaves.slice(index * width, (index + 1) * width))));
    }
  });

  test('inclusion proofs, which verify', () => {
    fc.assert(
      fc.property(sizes, fc.nat(), (size, seed) => {
        const leaves = leavesOf(size);
        const index = seed % size;
        const tree = grow(leaves);
        const proof = evaluate(inclusionPlan(index, size), tree);
        expect(proof.map(hex)).toEqual(naivePath(index, leaves).map(hex));
        const claim = {
          index,
          size,
          leaf: leafHash(leaves[index] ?? Buffer.alloc(0)),
          root: rootOf(tree.edge),
          proof,
        };
        expect(verifyInclusion(claim)).toBe(true);
      }),
    );
  });

  test('consistency proofs, which verify', () => {
    fc.assert(
      fc.property(sizes, fc.nat(), (newSize, seed) => {
        const leaves = leavesOf(newSize);
        const oldSize = seed % (newSize + 1);
        const tree = grow(leaves);
        const proof = evaluate(consistencyPlan(oldSize, newSize), tree);
        const naive = oldSize === 0 ? [] : naiveSubproof(oldSize, leaves, true);
        expect(proof.map(hex)).toEqual(naive.map(hex));
        const oldRoot = naiveRoot(leaves.slice(0, oldSize));
        expect(verifyConsistency({ oldSize, newSize, oldRoot, newRoot: rootOf(tree.edge), proof })).toBe(
          true,
        );
      }),
    );
  });

  test('covering nodes tile the range, are as few as can be, and need no leaf twice', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 40), (size) => {
        const nodes = coveringNodes(0, size);
        let at = 0;
        for (const { level, index } of nodes) {
          expect(index * 2 ** level).toBe(at);
          at += 2 ** level;
        }
        expect(at).toBe(size);
        expect(nodes.length).toBe(size.toString(2).replaceAll('0', '').length);
      }),
    );
  });
});

describe('what is no proof', () => {
  /** Each way of spoiling a list of hashes. */
  const spoilings: Readonly<Record<string, (proof: readonly Hash[]) => readonly Hash[]>> = {
    'one more hash': (proof) => [...proof, emptyRoot],
    'one less hash': (proof) => proof.slice(1),
    'a changed hash': (proof) => proof.map((hash, at) => (at === 0 ? nodeHash(hash, hash) : hash)),
    'a short hash': (proof) => proof.map((hash, at) => (at === 0 ? hash.subarray(1) : hash)),
  };

  test.each(Object.entries(spoilings))('%s', (_name, spoil) => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 40 }), fc.nat(), (size, seed) => {
        const leaves = leavesOf(size);
        const tree = grow(leaves);
        const root = rootOf(tree.edge);
        const index = seed % size;
        const path = spoil(evaluate(inclusionPlan(index, size), tree));
        const leaf = leafHash(leaves[index] ?? Buffer.alloc(0));
        expect(verifyInclusion({ index, size, leaf, root, proof: path })).toBe(false);
        const oldSize = 1 + (seed % (size - 1));
        const proof = spoil(evaluate(consistencyPlan(oldSize, size), tree));
        const oldRoot = naiveRoot(leaves.slice(0, oldSize));
        expect(verifyConsistency({ oldSize, newSize: size, oldRoot, newRoot: root, proof })).toBe(false);
      }),
    );
  });

  test('a proof for another leaf, index, size or root', () => {
    const tree = grow(leavesOf(11));
    const good = {
      index: 6,
      size: 11,
      leaf: leafHash(Buffer.from('leaf 6')),
      root: rootOf(tree.edge),
      proof: evaluate(inclusionPlan(6, 11), tree),
    };
    expect(verifyInclusion(good)).toBe(true);
    for (const change of [
      { index: 7 },
      { index: 11 },
      { index: -1 },
      { index: 0.5 },
      { size: 6 },
      { size: Number.NaN },
      { leaf: leafHash(Buffer.from('leaf 5')) },
      { root: emptyRoot },
    ]) {
      expect(verifyInclusion({ ...good, ...change }), JSON.stringify(change)).toBe(false);
    }
  });

  test('a history that was rewritten is not consistent', () => {
    const leaves = leavesOf(20);
    const old = grow(leaves.slice(0, 12));
    const rewritten = grow(leaves.with(3, Buffer.from('another')));
    const proof = evaluate(consistencyPlan(12, 20), rewritten);
    const claim = {
      oldSize: 12,
      newSize: 20,
      oldRoot: rootOf(old.edge),
      newRoot: rootOf(rewritten.edge),
      proof,
    };
    expect(verifyConsistency(claim)).toBe(false);
  });

  test('plans for what is not in the tree throw', () => {
    expect(() => inclusionPlan(3, 3)).toThrow(new RangeError('there is no leaf 3 in a tree of 3'));
    expect(() => consistencyPlan(4, 3)).toThrow(new RangeError('a tree of 3 is no extension of one of 4'));
  });
});
