// Compares findings with labelled spans. A demanded label is found where a finding is at least half the same bytes, where
// findings that lie mostly inside it cover half of it together, or where a finding that is mostly labelled bytes covers
// half of it. A finding is true where half of it is demanded or it is half the same as a demanded label, ignored where
// half of it is labelled at all, false otherwise. Findings of equal extent count once.
import type { Finding } from '../../scanners/finding.ts';
import { byPlace, covered, type Interval, joined, overlap, shared, size } from './intervals.ts';
import type { SpanLabel, SpanRow } from './labels.ts';
import { ratio, type Ratio, share } from './ratio.ts';

interface Prediction extends Interval {
  readonly identifiers: ReadonlySet<string>;
}

interface Label extends Interval {
  readonly identifier: string;
  readonly narrative: boolean;
}

interface Tally {
  labels: number;
  found: number;
  /** Found by a finding of the same identifier. */
  typed: number;
  true: number;
  false: number;
}

export interface SpanScore extends Ratio {
  readonly labels: number;
  readonly found: number;
  readonly typedRecall: number;
  readonly true: number;
  readonly false: number;
  readonly ignored: number;
  /** One to one, each half the same bytes. */
  readonly strict: Ratio;
  readonly documents: number;
  readonly documentsCaught: number;
  readonly narrative: number;
  readonly narrativeFound: number;
  readonly negatives: number;
  /** Negatives with a PHI finding, per 1,000. */
  readonly negativesFlagged: number;
  readonly byIdentifier: Readonly<Record<string, Ratio & { readonly labels: number }>>;
}

/** Scores the findings of a set at one threshold of confidence. `findings` gives those of a file. */
export function scoreSpans(
  rows: readonly SpanRow[],
  findings: (file: string) => readonly Finding[],
  threshold: number,
): SpanScore {
  const tallies = new Map<string, Tally>();
  const tallyOf = (identifier: string): Tally => {
    const known = tallies.get(identifier);
    if (known !== undefined) return known;
    const made = { labels: 0, found: 0, typed: 0, true: 0, false: 0 };
    tallies.set(identifier, made);
    return made;
  };
  const sum = {
    strict: 0,
    true: 0,
    false: 0,
    ignored: 0,
    documents: 0,
    documentsCaught: 0,
    narrative: 0,
    narrativeFound: 0,
    negatives: 0,
    negativesFlagged: 0,
  };
  for (const row of rows) {
    const predictions = toPredictions(findings(row.file), threshold);
    const labels = row.spans.map(toLabel);
    const demanded = labels.filter((_, at) => row.spans[at]?.optional !== true).sort(byPlace);
    const demandedBytes = joined(demanded);
    const labelledBytes = joined(labels);
    for (const label of demanded) {
      const tally = tallyOf(label.identifier);
      const hits = predictions.filter((prediction) => supports(prediction, label, labelledBytes));
      const isFound = findsLabel(hits, label, labelledBytes);
      tally.labels++;
      if (label.narrative) sum.narrative++;
      if (!isFound) continue;
      tally.found++;
      if (label.narrative) sum.narrativeFound++;
      if (hits.some(({ identifiers }) => identifiers.has(label.identifier))) tally.typed++;
    }
    sum.strict += countPairs(demanded, predictions);
    let isTouched = false;
    for (const prediction of predictions) {
      const labelled = covered(prediction, labelledBytes);
      if (labelled > 0) isTouched = true;
      const isTrue =
        covered(prediction, demandedBytes) >= size(prediction) / 2 ||
        demanded.some((label) => overlap(prediction, label) >= 0.5);
      const verdict = isTrue ? 'true' : labelled >= size(prediction) / 2 ? 'ignored' : 'false';
      sum[verdict]++;
      if (verdict !== 'ignored')
        for (const identifier of prediction.identifiers) tallyOf(identifier)[verdict]++;
    }
    if (demanded.length > 0) {
      sum.documents++;
      if (isTouched) sum.documentsCaught++;
    }
    if (labels.length === 0) {
      sum.negatives++;
      if (predictions.length > 0) sum.negativesFlagged++;
    }
  }
  const all = [...tallies.values()];
  const labels = all.reduce((total, tally) => total + tally.labels, 0);
  const found = all.reduce((total, tally) => total + tally.found, 0);
  const typed = all.reduce((total, tally) => total + tally.typed, 0);
  const judged = sum.true + sum.false;
  return {
    ...sum,
    ...ratio(share(sum.true, judged), share(found, labels)),
    labels,
    found,
    typedRecall: share(typed, labels),
    strict: ratio(share(sum.strict, judged), share(sum.strict, labels)),
    negativesFlagged: 1000 * share(sum.negativesFlagged, sum.negatives),
    byIdentifier: Object.fromEntries(
      [...tallies]
        .sort(([, a], [, b]) => b.labels - a.labels)
        .map(([identifier, tally]) => [
          identifier,
          {
            ...ratio(share(tally.true, tally.true + tally.false), share(tally.found, tally.labels)),
            labels: tally.labels,
          },
        ]),
    ),
  };
}

function toLabel({ byteStart, byteEnd, identifier, narrative }: SpanLabel): Label {
  return { start: byteStart, end: byteEnd, identifier, narrative: narrative === true };
}

function toPredictions(findings: readonly Finding[], threshold: number): readonly Prediction[] {
  const byExtent = new Map<string, { start: number; end: number; identifiers: Set<string> }>();
  for (const { category, confidence, byteStart, byteEnd, identifier } of findings) {
    if (category !== 'phi' || confidence < threshold || byteEnd <= byteStart) continue;
    const key = `${byteStart} ${byteEnd}`;
    const known = byExtent.get(key) ?? { start: byteStart, end: byteEnd, identifiers: new Set() };
    known.identifiers.add(identifier);
    byExtent.set(key, known);
  }
  return [...byExtent.values()].sort(byPlace);
}

/** True for a finding that has a part in finding the label. */
function supports(prediction: Prediction, label: Label, labelledBytes: readonly Interval[]): boolean {
  const common = shared(prediction, label);
  if (common === 0) return false;
  return (
    overlap(prediction, label) >= 0.5 ||
    common >= size(prediction) / 2 ||
    spansNeighbours(prediction, label, labelledBytes)
  );
}

/** Covers half of the label and is itself half labelled: one finding over several labels. */
function spansNeighbours(prediction: Prediction, label: Label, labelledBytes: readonly Interval[]): boolean {
  return (
    shared(prediction, label) >= size(label) / 2 && covered(prediction, labelledBytes) >= size(prediction) / 2
  );
}

function findsLabel(hits: readonly Prediction[], label: Label, labelledBytes: readonly Interval[]): boolean {
  return (
    hits.some((hit) => overlap(hit, label) >= 0.5 || spansNeighbours(hit, label, labelledBytes)) ||
    (hits.length > 0 && covered(label, joined(hits)) >= size(label) / 2)
  );
}

/** Pairs of one label and one finding, the best first for each label in order. */
function countPairs(labels: readonly Label[], predictions: readonly Prediction[]): number {
  const used = new Set<Prediction>();
  for (const label of labels) {
    const [best] = predictions
      .filter((prediction) => !used.has(prediction))
      .map((prediction) => ({ prediction, same: overlap(prediction, label) }))
      .filter(({ same }) => same >= 0.5)
      .sort((a, b) => b.same - a.same);
    if (best !== undefined) used.add(best.prediction);
  }
  return used.size;
}
