// Turns the events of one batch into what is stored, as a value: nothing is changed before the database has committed.
import { entryBytes, type PreparedEvent } from '../../core/audit-entry.ts';
import { signCheckpoint, type NoteSigner } from '../../core/checkpoint.ts';
import { appendLeaf, leafHash, rootOf, type Edge, type TreeNode } from '../../core/merkle.ts';
import { tileHeight } from '../../core/tile.ts';
import type { AttemptChange, StoredBatch } from './store.ts';

/** Where the log stands: its tree, the time of its last entry, and the note that says so (empty at the very start). */
export interface Head {
  readonly edge: Edge;
  readonly lastTime: Date;
  readonly note: string;
}

export interface PlannedBatch {
  readonly stored: StoredBatch;
  readonly before: Head;
  readonly after: Head;
}

type AttemptState = { readonly kind: 'open'; readonly change: AttemptChange } | { readonly kind: 'closed' };

/** The state in which a batch leaves each attempt that it touches. */
function attemptStates(
  firstIndex: number,
  events: readonly PreparedEvent[],
): ReadonlyMap<string, AttemptState> {
  const states = new Map<string, AttemptState>();
  for (const [at, { request, effect }] of events.entries()) {
    if (effect === 'closes') states.set(request, { kind: 'closed' });
    if (effect !== 'opens') continue;
    const last = firstIndex + at;
    const known = states.get(request);
    const first = known?.kind === 'open' ? known.change.first : last;
    states.set(request, { kind: 'open', change: { request, first, last } });
  }
  return states;
}

/** Places events after `before` and signs the tree that results, with `further` keys as well where they are given. */
export function planBatch(
  before: Head,
  events: readonly PreparedEvent[],
  signer: NoteSigner,
  ...further: readonly NoteSigner[]
): PlannedBatch {
  const bodies: Buffer[] = [];
  const leafHashes: Buffer[] = [];
  const nodes: TreeNode[] = [];
  let { edge, lastTime } = before;
  for (const event of events) {
    if (event.observed > lastTime) lastTime = event.observed;
    const body = entryBytes(event, { index: edge.size, time: lastTime });
    const leaf = leafHash(body);
    const grown = appendLeaf(edge, leaf);
    edge = grown.edge;
    bodies.push(body);
    leafHashes.push(Buffer.from(leaf));
    nodes.push(...grown.completed.filter(({ level }) => level > 0 && level % tileHeight === 0));
  }
  const states = [...attemptStates(before.edge.size, events)];
  const note = signCheckpoint({ size: edge.size, root: rootOf(edge) }, signer, ...further);
  const stored = {
    firstIndex: before.edge.size,
    bodies,
    leafHashes,
    nodes: nodes.map((node) => ({ ...node, level: node.level / tileHeight })),
    opened: states.flatMap(([, state]) => (state.kind === 'open' ? [state.change] : [])),
    closed: states.flatMap(([request, state]) => (state.kind === 'closed' ? [request] : [])),
    size: edge.size,
    note,
  };
  return { stored, before, after: { edge, lastTime, note } };
}
