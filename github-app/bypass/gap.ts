// Whether known updates of a ref explain where it stands. Pure.

export interface Move {
  readonly before: string;
  readonly after: string;
}

const longestWalk = 10_000;

/**
 * Goes back from where a ref stands over known updates to where it was known to stand. Undefined where they lead there;
 * else the update that is missing, as far as it can be told. Each known update may be used once.
 */
export function gapOf(known: string, actual: string, moves: readonly Move[]): Move | undefined {
  const byAfter = Map.groupBy(moves, ({ after }) => after);
  const seen = new Set<string>([actual]);
  let open = [actual];
  let furthest = actual;
  while (open.length > 0 && seen.size < longestWalk) {
    if (open.includes(known)) return undefined;
    const next: string[] = [];
    for (const { before } of open.flatMap((at) => byAfter.get(at) ?? [])) {
      if (seen.has(before)) continue;
      seen.add(before);
      next.push(before);
    }
    furthest = next.at(-1) ?? furthest;
    open = next;
  }
  return { before: known, after: furthest };
}
