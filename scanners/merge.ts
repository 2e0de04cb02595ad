// Decides between hits that overlap, so that one value is reported once, by the rule that knows most about it.
import type { RuleId } from './catalog.ts';
import type { Hit } from './rule.ts';

/** Rules that guess; any other rule at the same place knows better. */
const weakRules: ReadonlySet<RuleId> = new Set([
  'secret/generic',
  'secret/password',
  'secret/known-format',
  'phi/other',
]);

/** Keeps the best hit of every group of overlapping hits; returns them in order of place. */
export function mergeHits(hits: readonly Hit[]): readonly Hit[] {
  if (hits.length === 0) return hits;
  const sorted = [...hits].sort((a, b) => a.start - b.start || b.end - a.end);
  const kept: Hit[] = [];
  for (const hit of sorted) {
    const last = kept.at(-1);
    if (last === undefined || hit.start >= last.end) kept.push(hit);
    else if (weight(hit) > weight(last)) kept[kept.length - 1] = hit;
  }
  return kept;
}

function weight(hit: Hit): number {
  return hit.confidence + (weakRules.has(hit.rule) ? -0.35 : 0) + (hit.place === undefined ? 0 : 0.3);
}
