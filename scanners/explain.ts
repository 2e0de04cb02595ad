// Why a line is, or is not, a finding: what the document was taken for, which words of rules stand in the line, what was
// suspected there and what became of it. Says nothing of the line's own text.
import { decode, type Decoded, type Encoding, sniffEncoding } from './decode.ts';
import { describeDocument } from './document.ts';
import { findCandidates } from './gate.ts';
import type { RuleId } from './catalog.ts';
import { mergeHits } from './merge.ts';
import type { Hit } from './rule.ts';
import { compileRules, type CompiledRules, patternRules } from './rules.ts';
import type { ScanTarget } from './target.ts';
import { scanText } from './text-scan.ts';

export type Outcome =
  | { readonly kind: 'reported' }
  /** Another suspicion about the same bytes knows more. */
  | { readonly kind: 'outweighed'; readonly by: RuleId }
  /** Text that a language model reads in few tokens is words, not a credential. */
  | { readonly kind: 'reads-like-words' };

export interface Suspicion {
  readonly rule: RuleId;
  /** 1-based, in bytes of the line as UTF-8. */
  readonly column: number;
  readonly length: number;
  readonly confidence: number;
  /** Field of the format, such as `HL7 v2 PID-5`; absent for a pattern. */
  readonly place?: string | undefined;
  /** Why the value is known to be synthetic. */
  readonly synthetic?: string | undefined;
  readonly outcome: Outcome;
}

export interface LineExplanation {
  readonly encoding: Encoding;
  readonly binary: boolean;
  /** Taken for program source, where a literal must be quoted to be a value. */
  readonly source: boolean;
  /** A record of a patient was recognised in the document. */
  readonly clinical: boolean;
  /** Readers of formats that took part. */
  readonly readers: readonly string[];
  /** Words of pattern rules that stand in the line; `0` is any digit. Without any no pattern runs. */
  readonly words: readonly string[];
  readonly suspicions: readonly Suspicion[];
}

/** Explains line `number`, 1-based; undefined where the document has no such line. For texts read as a whole. */
export async function explainLine(
  target: ScanTarget,
  bytes: Uint8Array,
  number: number,
): Promise<LineExplanation | undefined> {
  const decoded = decode(bytes, sniffEncoding(bytes));
  const extent = findLine(decoded.view, number);
  if (extent === undefined) return undefined;
  const [start, end] = extent;
  const rules = compileRules();
  const input = { target, decoded, from: 0, previous: undefined, enough: decoded.bytes.length + 1 };
  const { hits, carry } = await scanText(rules, input);
  const plain = describeDocument(target, decoded, decoded.view.slice(0, 4_096));
  const document = { ...plain, clinical: carry.clinical };
  const merged = mergeHits(hits);
  const refuted = patternHits(rules, decoded, extent, document).filter(
    (hit) => hit.unproven === true && !hits.some((kept) => isSame(kept, hit)),
  );
  return {
    encoding: decoded.encoding,
    binary: decoded.binary,
    source: document.source,
    clinical: carry.clinical,
    readers: [...carry.readers.keys()],
    words: wordsOf(decoded.view.slice(start, end)),
    suspicions: [
      ...hits
        .filter((hit) => hit.start < end && hit.end > start)
        .map((hit) => suspicion(hit, start, outcomeOf(hit, merged))),
      ...refuted.map((hit) => suspicion(hit, start, { kind: 'reads-like-words' })),
    ].sort((a, b) => a.column - b.column),
  };
}

function findLine(view: string, number: number): readonly [number, number] | undefined {
  let start = 0;
  for (let line = 1; line < number; line++) {
    const newline = view.indexOf('\n', start);
    if (newline < 0) return undefined;
    start = newline + 1;
  }
  const end = view.indexOf('\n', start);
  return [start, end < 0 ? view.length : end];
}

/** What the pattern rules say of the line before anything is dropped. */
function patternHits(
  rules: CompiledRules,
  decoded: Decoded,
  [start, end]: readonly [number, number],
  document: ReturnType<typeof describeDocument>,
): readonly Hit[] {
  const bytes = decoded.bytes.subarray(start, end);
  const triples = (document.clinical ? [rules.gate, rules.clinicalGate] : [rules.gate]).flatMap(
    (gate) => findCandidates(gate, bytes, decoded.binary, 0).triples,
  );
  const hits: Hit[] = [];
  for (let at = 0; at < triples.length; at += 3) {
    const from = start + (triples[at] ?? 0);
    const text = decoded.view.slice(from, start + (triples[at + 1] ?? 0));
    const line = { view: decoded.view, bytes: decoded.bytes, text, start: from, document };
    for (const [bit, rule] of patternRules.entries())
      if (((triples[at + 2] ?? 0) & (1 << bit)) !== 0) rule.find(line, (hit) => void hits.push(hit));
  }
  return hits;
}

function isSame(a: Hit, b: Hit): boolean {
  return a.rule === b.rule && a.start === b.start && a.end === b.end;
}

function outcomeOf(hit: Hit, merged: readonly Hit[]): Outcome {
  if (merged.includes(hit)) return { kind: 'reported' };
  const winner = merged.find((kept) => kept.start < hit.end && kept.end > hit.start);
  return winner === undefined || isSame(winner, hit)
    ? { kind: 'reported' }
    : { kind: 'outweighed', by: winner.rule };
}

function suspicion(hit: Hit, lineStart: number, outcome: Outcome): Suspicion {
  return {
    rule: hit.rule,
    column: Math.max(0, hit.start - lineStart) + 1,
    length: hit.end - hit.start,
    confidence: hit.confidence,
    place: hit.place,
    synthetic: hit.synthetic,
    outcome,
  };
}

/** Words of the rules, never of the line: what is told is our own vocabulary. */
function wordsOf(line: string): readonly string[] {
  const folded = line.toLowerCase().replaceAll(/\d/g, '0');
  const words = patternRules.flatMap(({ literals }) => literals);
  return [...new Set(words)].filter((word) => folded.includes(word.toLowerCase().replaceAll(/\d/g, '0')));
}
