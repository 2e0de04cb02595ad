// Finds hits in one decoded text: the literal gate first, then the readers of the formats that it looks like, then the
// pattern rules on the candidate lines.
import { findCandidates } from './gate.ts';
import type { Decoded } from './decode.ts';
import { describeDocument } from './document.ts';
import type { Hit, Line } from './rule.ts';
import { type CompiledRules, formatReaders, patternRules } from './rules.ts';
import { lintLines } from './secrets/secretlint.ts';
import { tokenEfficiency } from './secrets/token-efficiency.ts';
import type { ScanTarget } from './target.ts';

/** What one window hands to the next. */
export interface Carry {
  /** State of each reader that took part, by name. */
  readonly readers: ReadonlyMap<string, unknown>;
  readonly clinical: boolean;
}

export interface TextScan {
  readonly hits: readonly Hit[];
  readonly carry: Carry;
}

/**
 * Scans a decoded text. `from` is where unread text begins; what stands before it is context of an earlier window.
 * A reader that fails on malformed input loses only its own hits: the patterns still run.
 */
export async function scanText(
  rules: CompiledRules,
  target: ScanTarget,
  decoded: Decoded,
  from: number,
  previous: Carry | undefined,
): Promise<TextScan> {
  const hits: Hit[] = [];
  const readers = new Map<string, unknown>();
  const emit = (hit: Hit) => void hits.push(hit);
  const found = findCandidates(rules.gate, decoded.bytes, decoded.binary, 1 << rules.personBit);
  const persons = found.counts[rules.personBit] ?? 0;
  const head = decoded.view.slice(0, 4_096);
  const plain = describeDocument(target, decoded, head, false);
  for (const reader of formatReaders) {
    const known = previous?.readers.has(reader.name) === true;
    if (!known && !reader.accepts(head, plain, persons)) continue;
    // A stateful reader that refused the first window has no state to go on with.
    if (previous !== undefined && reader.stateful && !known) continue;
    const mark = hits.length;
    try {
      const start = reader.stateful ? from : 0;
      const state = previous?.readers.get(reader.name);
      readers.set(
        reader.name,
        reader.read({ view: decoded.view, from: start, document: plain, carry: state }, emit),
      );
    } catch {
      hits.length = mark;
    }
  }
  const clinical = previous?.clinical === true || isClinical(hits);
  const document = describeDocument(target, decoded, head, clinical);
  const linted: [number, number][] = [];
  for (let at = 0; at < found.triples.length; at += 3) {
    const start = found.triples[at] ?? 0;
    const text = decoded.view.slice(start, found.triples[at + 1]);
    const line: Line = { view: decoded.view, text, start, document };
    for (let rest = found.triples[at + 2] ?? 0; rest !== 0; rest &= rest - 1)
      patternRules[31 - Math.clz32(rest & -rest)]?.find(line, emit);
    if (((found.triples[at + 2] ?? 0) & (1 << rules.secretlintBit)) !== 0)
      linted.push([start, start + text.length]);
  }
  if (linted.length > 0) hits.push(...(await lintLines(decoded.view, linted.slice(0, MAX_LINTED_LINES))));
  return { hits: await proven(decoded.view, hits), carry: { readers, clinical } };
}

/** Two values from places where a format keeps a patient's data make the document clinical. */
function isClinical(hits: readonly Hit[]): boolean {
  return hits.filter((hit) => hit.place !== undefined).length >= 2;
}

/** secretlint takes about 0.1 ms a line; a file with more candidates than this is data, not configuration. */
const MAX_LINTED_LINES = 2_000;
/** Characters per token above which a value reads like words (js-tiktoken, cl100k_base). */
const READABLE = 2.2;

/** Drops unproven hits whose values read like words. */
async function proven(view: string, hits: readonly Hit[]): Promise<readonly Hit[]> {
  const open = hits.filter((hit) => hit.unproven === true);
  if (open.length === 0) return hits;
  const efficiency = await tokenEfficiency(open.map((hit) => view.slice(hit.start, hit.end)));
  const refuted = new Set(open.filter((_, at) => (efficiency[at] ?? 0) >= READABLE));
  return hits.filter((hit) => !refuted.has(hit));
}
