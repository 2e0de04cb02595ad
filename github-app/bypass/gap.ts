// Whether known updates of a ref explain where it stands. Pure.

export interface Move {
  readonly before: string;
  readonly after: string;
}

const longestWalk = 10_000;

/**
 * Undefined where known updates lead from where a ref was known to stand to where it stands; else the update that is
 * missing: from the furthest that they lead to, to the furthest from which they lead on.
 */
export function gapOf(known: string, actual: string, moves: readonly Move[]): Move | undefined {
  const back = Map.groupBy(moves, ({ after }) => after);
  const reached = walk(actual, (at) => (back.get(at) ?? []).map(({ before }) => before));
  if (reached.has(known)) return undefined;
  const on = Map.groupBy(moves, ({ before }) => before);
  const led = walk(known, (at) => (on.get(at) ?? []).map(({ after }) => after));
  return { before: [...led].at(-1) ?? known, after: [...reached].at(-1) ?? actual };
}

/** Everything that is reached, the nearest first. */
function walk(from: string, next: (at: string) => readonly string[]): ReadonlySet<string> {
  const seen = new Set([from]);
  for (const at of seen) {
    if (seen.size >= longestWalk) break;
    for (const found of next(at)) seen.add(found);
  }
  return seen;
}
