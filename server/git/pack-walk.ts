// Ways through the commits of a pack, from a new value of a ref to where the pack ends. Pure.
import type { Oid } from '../../core/oid.ts';
import type { ObjectGraph } from './object-graph.ts';

export interface PackWalk {
  /** Commits of the pack that the tip reaches, itself included. */
  readonly commits: ReadonlySet<Oid>;
  /** Objects outside the pack that those name as parents, or the tip itself. */
  readonly boundary: readonly Oid[];
}

/** Follows all parents. */
export function walkPack(tip: Oid, graph: ObjectGraph | undefined): PackWalk {
  const start = peeled(tip, graph);
  const seen = new Set<Oid>([start]);
  const stack: Oid[] = [start];
  const commits = new Set<Oid>();
  const boundary: Oid[] = [];
  for (let oid = stack.pop(); oid !== undefined; oid = stack.pop()) {
    const position = graph?.index.findOid(oid) ?? -1;
    const links = graph?.commits.get(position);
    if (links === undefined) {
      if (position < 0) boundary.push(oid);
      continue;
    }
    commits.add(oid);
    for (const parent of links.parents) {
      if (!seen.has(parent)) {
        seen.add(parent);
        stack.push(parent);
      }
    }
  }
  return { commits, boundary };
}

/** The tip, its first parent and so on, up to and with the first commit outside the pack. */
export function firstParents(tip: Oid, graph: ObjectGraph | undefined): readonly Oid[] {
  const chain = new Set<Oid>();
  let oid: Oid | undefined = peeled(tip, graph);
  while (oid !== undefined && !chain.has(oid)) {
    chain.add(oid);
    oid = graph?.commits.get(graph.index.findOid(oid))?.parents[0];
  }
  return [...chain];
}

// A tag whose target lies outside the pack stands for itself.
function peeled(tip: Oid, graph: ObjectGraph | undefined): Oid {
  let oid = tip;
  for (let depth = 0; depth < 16; depth += 1) {
    const target = graph?.tagTargets.get(graph.index.findOid(oid));
    const next = target === undefined || target < 0 ? undefined : graph?.index.oid(target);
    if (next === undefined) return oid;
    oid = next;
  }
  return oid;
}
