// Finds hits in one decoded text: the literal gate first, then the readers of the formats that it looks like, then the
// pattern rules on the candidate lines. Work is bounded: who has found more than is kept stops looking.
import { type Candidates, findCandidates } from './gate.ts';
import { type Earlier, findAgain } from './find-again.ts';
import { decode, type Decoded } from './decode.ts';
import { decodeRuns } from './encoded-text.ts';
import { decodeEscapes } from './escapes.ts';
import { describeDocument } from './document.ts';
import { Harvest } from './harvest.ts';
import { personLines } from './person-lines.ts';
import type { DocumentContext, FormatReader, Hit, Line } from './rule.ts';
import { type CompiledRules, patternRules } from './rules.ts';
import { lintLines } from './secrets/secretlint.ts';
import { loadVocabulary, tokenEfficiency } from './secrets/token-efficiency.ts';
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
  /** Start and end of the lines with a name of a person's field, two numbers each, in order. */
  readonly persons: readonly number[];
  /** Start and end of the lines with a literal that was looked for besides, two numbers each, in order. */
  readonly extra: readonly number[];
  readonly found: Candidates;
}

/** What is scanned, and what is known about it. */
export interface TextScanInput {
  readonly target: ScanTarget;
  readonly decoded: Decoded;
  /** Where unread text begins; what stands before it is context of an earlier window. */
  readonly from: number;
  readonly previous: Carry | undefined;
  /** Hits after which a reader, or all patterns together, stop. */
  readonly enough: number;
  /** True for text that was decoded from text: it is not decoded again. */
  readonly decodedOnce?: true;
  /** What an earlier scan of the same text found, in which values were hidden since. */
  readonly earlier?: Earlier | undefined;
}

/**
 * Scans a decoded text.
 * A reader that fails on malformed input loses only its own hits: the patterns still run.
 */
export async function scanText(rules: CompiledRules, input: TextScanInput): Promise<TextScan> {
  const { target, decoded, previous } = input;
  const found =
    input.earlier === undefined || decoded.binary
      ? findCandidates(rules.gate, decoded.bytes, decoded.binary, rules.quietMask)
      : findAgain(rules.gate, decoded.bytes, rules.quietMask, input.earlier);
  const persons = personLines(decoded.view, found.quietLines, rules.personMask, rules.surePersonMask);
  const head = decoded.view.slice(0, HEAD);
  const plain = describeDocument(target, decoded, head);
  const read = readFormats(rules, input, plain, head, persons, found.mask);
  const clinical = previous?.clinical === true || isClinical(read.hits);
  const document = clinical ? { ...plain, clinical } : plain;
  const loud = found.triples.length > 0 || (found.mask & rules.textMask) !== 0;
  const matched = loud
    ? await matchPatterns(decoded, found, rules.textMask, document, input.enough)
    : nothing;
  const alsoMatched = clinical ? await matchClinical(rules, decoded, document, input.enough) : nothing;
  const lintBit = 1 << rules.secretlintBit;
  const linted =
    (found.mask & lintBit) === 0 ? nothing : await lintCandidates(decoded.view, found.triples, lintBit);
  const inner =
    input.decodedOnce === true
      ? nothing
      : await scanEncoded(rules, input, linesOf(found.quietLines, rules.escapeMask));
  return {
    hits: [...read.hits, ...matched, ...alsoMatched, ...linted, ...inner],
    carry: { readers: read.readers, clinical },
    persons,
    extra: linesOf(found.quietLines, rules.extraMask),
    found,
  };
}

/**
 * True where a reader that is given whole documents sees one in this text, which has so many lines of persons' fields and
 * no literals of other rules than those of `mask`.
 */
export function readsAsDocument(
  rules: CompiledRules,
  target: ScanTarget,
  decoded: Decoded,
  persons: number,
  mask: number,
): boolean {
  const head = decoded.view.slice(0, HEAD);
  const document = describeDocument(target, decoded, head);
  return rules.readers.some(
    ({ reader, anchorMask }) =>
      reader.local !== true && reader.accepts(head, document, persons, (mask & anchorMask) !== 0),
  );
}

/** Characters that tell what a document is. */
const HEAD = 4_096;

const nothing: readonly Hit[] = [];

/** Scans what is written in base64, hex or escapes; hits stand where the encoded form stands. */
async function scanEncoded(
  rules: CompiledRules,
  input: TextScanInput,
  escaped: readonly number[],
): Promise<readonly Hit[]> {
  const { target, decoded, enough } = input;
  if (target.kind === 'names') return [];
  const hits: Hit[] = [];
  const escapes = decodeEscapes(decoded.bytes, decoded.view, escaped);
  const pieces = escapes === undefined ? [] : [escapes];
  for (const piece of concat(pieces, decodeRuns(decoded.bytes, decoded.view))) {
    const inside = decode(piece.bytes, 'utf-8');
    const found = await scanText(rules, {
      ...{ target, decoded: inside, from: 0, previous: undefined, enough },
      decodedOnce: true,
    });
    for (const hit of found.hits)
      if (hit.end > hit.start)
        hits.push({ ...hit, start: piece.start(hit.start), end: piece.end(hit.end - 1) });
    if (hits.length > enough) break;
  }
  return hits;
}

/** Start and end of the quiet lines with a literal of `mask`. */
function linesOf(quietLines: readonly number[], mask: number): readonly number[] {
  const lines: number[] = [];
  for (let at = 0; at < quietLines.length; at += 3)
    if (((quietLines[at + 2] ?? 0) & mask) !== 0) lines.push(quietLines[at] ?? 0, quietLines[at + 1] ?? 0);
  return lines;
}

function* concat<T>(first: Iterable<T>, second: Iterable<T>): Generator<T> {
  yield* first;
  yield* second;
}

function readFormats(
  rules: CompiledRules,
  { decoded, from, previous, enough }: TextScanInput,
  document: DocumentContext,
  head: string,
  persons: readonly number[],
  mask: number,
): { readonly hits: readonly Hit[]; readonly readers: ReadonlyMap<string, unknown> } {
  const hits: Hit[] = [];
  const readers = new Map<string, unknown>();
  for (const { reader, anchorMask } of rules.readers) {
    const anchored = (mask & anchorMask) !== 0;
    const known = previous?.readers.has(reader.name) === true;
    if (!known && !reader.accepts(head, document, persons.length / 2, anchored)) continue;
    // A stateful reader that refused the first window has no state to go on with.
    if (previous !== undefined && reader.stateful && !known) continue;
    const harvest = new Harvest(decoded.view, enough);
    const carry = previous?.readers.get(reader.name);
    const start = reader.stateful ? from : 0;
    const { view } = decoded;
    const failed = harvest.run((emit) => {
      const state =
        reader.local === true
          ? readPieces(reader, view, document, persons, emit)
          : reader.read({ view, from: start, document, carry, anchored, persons }, emit);
      readers.set(reader.name, state);
    });
    if (!failed) for (const hit of harvest.hits) hits.push(hit);
  }
  return { hits, readers };
}

/** Characters around a person's field that can belong to its record. */
const REACH = 3_000;

/** Gives a local reader the lines around fields of persons; neighbours that touch are one piece. */
function readPieces(
  reader: FormatReader,
  view: string,
  document: DocumentContext,
  persons: readonly number[],
  emit: (hit: Hit) => void,
): void {
  let stop = 0;
  for (let at = 0; at < persons.length;) {
    const first = Math.max(0, (persons[at] ?? 0) - REACH);
    const start = Math.max(stop, view.lastIndexOf('\n', first) + 1);
    let end = persons[at] ?? 0;
    for (; at < persons.length && (persons[at] ?? 0) - REACH <= end; at += 2)
      end = (persons[at + 1] ?? 0) + REACH;
    const newline = view.indexOf('\n', end);
    stop = newline < 0 ? view.length : newline;
    const piece = view.slice(start, stop);
    reader.read({ view: piece, from: 0, document, carry: undefined, anchored: false }, (hit) =>
      emit({ ...hit, start: hit.start + start, end: hit.end + start }),
    );
  }
}

/** Two values from places where a format keeps a patient's data make the document clinical. */
function isClinical(hits: readonly Hit[]): boolean {
  return hits.filter((hit) => hit.place !== undefined).length >= 2;
}

/** The rules that are about clinical documents alone. */
async function matchClinical(
  rules: CompiledRules,
  decoded: Decoded,
  document: DocumentContext,
  enough: number,
): Promise<readonly Hit[]> {
  const found = findCandidates(rules.clinicalGate, decoded.bytes, decoded.binary, rules.textMask);
  return matchPatterns(decoded, found, rules.textMask, document, enough);
}

/** Unproven hits that are judged together. */
const BATCH = 512;

async function matchPatterns(
  { view, bytes }: Decoded,
  { triples, mask }: Candidates,
  textMask: number,
  document: DocumentContext,
  enough: number,
): Promise<readonly Hit[]> {
  const kept: Hit[] = [];
  let fresh: Hit[] = [];
  const emit = (hit: Hit) => void fresh.push(hit);
  for (let rest = mask & textMask; rest !== 0; rest &= rest - 1)
    patternRules[31 - Math.clz32(rest & -rest)]?.find({ view, bytes, text: view, start: 0, document }, emit);
  for (let at = 0; at < triples.length && kept.length <= enough; at += 3) {
    const start = triples[at] ?? 0;
    const line: Line = { view, bytes, text: view.slice(start, triples[at + 1]), start, document };
    for (let rest = triples[at + 2] ?? 0; rest !== 0; rest &= rest - 1)
      patternRules[31 - Math.clz32(rest & -rest)]?.find(line, emit);
    if (fresh.length < BATCH) continue;
    for (const hit of await proven(view, fresh)) kept.push(hit);
    fresh = [];
  }
  for (const hit of await proven(view, fresh)) kept.push(hit);
  return kept;
}

/** Characters per token above which a value reads like words. */
const READABLE = 2.2;

/** Characters per token below which letters are random: of words hardly one has so few. */
const RANDOM = 1.9;

/** Drops unproven hits whose values read like words, and raises those that are random beyond doubt. */
async function proven(view: string, hits: readonly Hit[]): Promise<readonly Hit[]> {
  if (!hits.some((hit) => hit.unproven === true || hit.ifRandom !== undefined)) return hits;
  const vocabulary = await loadVocabulary();
  return hits.flatMap((hit) => {
    if (hit.unproven !== true && hit.ifRandom === undefined) return hit;
    const efficiency = tokenEfficiency(vocabulary, view.slice(hit.start, hit.end));
    if (efficiency >= READABLE && hit.unproven === true) return [];
    return efficiency <= RANDOM ? { ...hit, confidence: hit.ifRandom ?? hit.confidence } : hit;
  });
}

/** secretlint takes about 0.1 ms a line; a file with more candidates than this is data, not configuration. */
const MAX_LINTED_LINES = 2_000;

async function lintCandidates(
  view: string,
  triples: readonly number[],
  bit: number,
): Promise<readonly Hit[]> {
  const lines: [number, number][] = [];
  for (let at = 0; at < triples.length && lines.length < MAX_LINTED_LINES; at += 3)
    if (((triples[at + 2] ?? 0) & bit) !== 0) lines.push([triples[at] ?? 0, triples[at + 1] ?? 0]);
  return lines.length === 0 ? [] : lintLines(view, lines);
}
