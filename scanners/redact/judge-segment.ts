// Finds what to hide in one segment: every place that any rule is sure enough about, overlaps included, because what is
// hidden takes away the evidence by which one rule outweighed another.
import type { RuleId } from '../catalog.ts';
import { catalog } from '../catalog.ts';
import { type Decoded, decode, type Encoding, locate } from '../decode.ts';
import type { Earlier } from '../find-again.ts';
import type { Candidates } from '../gate.ts';
import { mergeHits } from '../merge.ts';
import type { Hit } from '../rule.ts';
import type { CompiledRules } from '../rules.ts';
import { isTestPath } from '../secrets/test-path.ts';
import type { ScanTarget } from '../target.ts';
import { type Carry, readsAsDocument, scanText, type TextScan } from '../text-scan.ts';
import { findIslands, tableIsland } from './islands.ts';

export interface Span {
  /** Offsets into the segment as stored, half open. */
  readonly start: number;
  readonly end: number;
}

export interface Judgement {
  readonly spans: readonly Span[];
  /** Rules of the values found, one for each value. */
  readonly rules: readonly RuleId[];
  /** What a table or message that goes on hands to the next segment; undefined where none does. */
  readonly carry: Carry | undefined;
  /** What the gate found in the segment. */
  readonly found: Candidates;
}

/** What is the same for all segments of a stream. */
export interface Measure {
  readonly rules: CompiledRules;
  readonly target: ScanTarget;
  readonly encoding: Encoding;
  /** Least confidence of what is hidden. */
  readonly confidence: number;
}

/**
 * Judges one segment. `carry` is what the segment before it handed on; `before` is how the segment was judged before the
 * spans of that judgement were hidden.
 */
export async function judgeSegment(
  measure: Measure,
  bytes: Uint8Array,
  carry: Carry | undefined,
  before?: Judgement,
): Promise<Judgement> {
  const decoded = decode(bytes, measure.encoding);
  // Spans are offsets as stored: in UTF-16 they are none into what the gate reads.
  const earlier =
    before === undefined || measure.encoding !== 'utf-8'
      ? undefined
      : { found: before.found, hidden: before.spans };
  const fresh = await scanFresh(measure, decoded, earlier);
  const hits = [...fresh.hits];
  let next = fresh.carry;
  if (carry !== undefined) {
    const continued = await scanText(measure.rules, inputOf(decoded, measure.target, carry));
    hits.push(...continued.hits);
    next = isActive(continued.carry) ? continued.carry : fresh.carry;
  }
  const sure = hits.filter((hit) => hides(hit, measure.confidence) && hit.end > hit.start);
  return {
    spans: toSpans(decoded, sure),
    rules: mergeHits(sure).map(({ rule }) => rule),
    carry: isActive(next) ? next : undefined,
    found: fresh.found,
  };
}

function inputOf(
  decoded: Decoded,
  target: ScanTarget,
  previous: Carry | undefined,
): Parameters<typeof scanText>[1] {
  // No more hits than bytes: nothing that is found may stay.
  return { target, decoded, from: 0, previous, enough: Math.max(1, decoded.bytes.length) };
}

/** The segment as a document, and each document inside it as one. */
async function scanFresh(
  measure: Measure,
  decoded: Decoded,
  earlier: Earlier | undefined,
): Promise<Pick<TextScan, 'hits' | 'carry' | 'found'>> {
  const whole = await scanText(measure.rules, { ...inputOf(decoded, measure.target, undefined), earlier });
  const hits = [...whole.hits];
  let { carry } = whole;
  /** Names of the documents whose lines were read; what follows them of the same name has the same lines. */
  const read = new Set(isOrdinary(measure.target.path, decoded.view) ? [tableIsland] : []);
  let person = 0;
  for (const { start, path } of findIslands(decoded.view, whole.extra, whole.carry.readers.size > 0)) {
    const part: Decoded = {
      ...decoded,
      bytes: decoded.bytes.subarray(start),
      view: decoded.view.slice(start),
    };
    const target = { kind: 'file', path } as const;
    if (read.has(path)) {
      while (person < whole.persons.length && (whole.persons[person] ?? 0) < start) person += 2;
      const persons = (whole.persons.length - person) / 2;
      if (!readsAsDocument(measure.rules, target, part, persons, whole.found.mask)) continue;
    }
    if (path === tableIsland) read.add(path);
    const island = await scanText(measure.rules, inputOf(part, target, undefined));
    for (const hit of island.hits) hits.push({ ...hit, start: hit.start + start, end: hit.end + start });
    if (!isActive(carry)) ({ carry } = island);
  }
  return { hits, carry, found: whole.found };
}

/** True for a log or text, of whose lines no rule is less sure than of those of a table. */
function isOrdinary(path: string, view: string): boolean {
  return !view.startsWith('#!') && /(?:^|\.)(?:log|out|txt)$/i.test(path) && !isTestPath(path);
}

/** Known synthetic values are nobody's. */
function hides(hit: Hit, confidence: number): boolean {
  return (
    hit.confidence >= confidence && hit.synthetic === undefined && catalog[hit.rule].category !== 'policy'
  );
}

function isActive(carry: Carry): boolean {
  return [...carry.readers.values()].some((state) => state !== null && state !== undefined);
}

function toSpans(decoded: Decoded, hits: readonly Hit[]): readonly Span[] {
  if (decoded.encoding === 'utf-8') return hits.map(({ start, end }) => ({ start, end }));
  const places = locate(
    decoded,
    hits.flatMap(({ start, end }) => [start, end]),
    1,
    1,
  );
  return hits.map(({ start, end }) => ({
    start: places.get(start)?.stored ?? 0,
    end: places.get(end)?.stored ?? 0,
  }));
}
