// Names, addresses, dates and numbers in running text that speaks of persons. Alone they are weak and do not refuse a
// push; in a clinical note, where they stand beside an illness or a number of a patient, they do.
import type { DocumentContext, FormatReader, Hit } from '../../rule.ts';
import { syntheticName } from '../synthetic.ts';
import { maySpeakOfPersons } from './person-prose.ts';
import { findProseValues } from './structured.ts';
import { gazetteer } from './gazetteer.ts';
import { type Tagged, tagTokens } from './tagger.ts';
import { isGibberish, readTokens, type Token } from './tokens.ts';

/** Paragraphs are tagged whole up to this size. */
const MAX_PARAGRAPH = 4_000;
/** Text beyond this is not tagged; its structured values are still found by the patterns. */
const MAX_TAGGED = 2_000_000;
const WEAK = 0.5;
const CLINICAL = 0.87;
/** A name or place must beat plain text by this much at its surest word (weights of the model). */
const MIN_MARGIN = 14;

const proseExtensions = /^(?:|txt|text|md|markdown|rst|adoc|note|eml|msg|rtf)$/;
const clinical =
  /\b(?:patients?|pt|admitted|admission|discharged?|diagnos\w+|mrn|medical record|history of present|chief complaint|presents? with|presented with|prescribed|mg|symptoms?|surgery|clinic|hospital|physician|nurse|blood pressure|allerg\w+|medications?|treatment|follow[- ]up|biopsy|x-ray|mri|ct scan|insurance id|bp|htn|copd|hx|dx|rx|prn|bid|tid|hpi|rtc|f\/u|c\/o|s\/p|wnl|y\/?o|year[- ]old)\b/gi;

/** Files of software and of its authors that look like prose by their missing extension or their words. */
const noProse =
  /(?:^|\/)(?:makefile|gnumakefile|dockerfile|containerfile|gemfile|rakefile|procfile|jenkinsfile|vagrantfile|brewfile|licen[cs]e|copying|notice|authors|contributors|codeowners|maintainers|changelog|changes|history|news|readme|contributing|security|patents|thanks|credits|code_of_conduct)(?:[-._][\w.-]{0,40})?$/i;

export const proseReader: FormatReader = {
  name: 'prose',
  stateful: false,
  accepts: (head, document) => isProse(document) && maySpeakOfPersons(head),
  read({ view, from, document }, emit) {
    if (!maySpeakOfPersons(view.slice(from))) return null;
    const hits: Hit[] = [];
    const end = Math.min(view.length, from + MAX_TAGGED);
    for (const [start, stop] of paragraphs(view, from, end))
      readParagraph(view, start, stop, (hit) => void hits.push(hit));
    const note = isClinicalNote(view.slice(from, end), hits);
    // Messages name their authors; only a patient's story in one is worth telling.
    if (document.kind === 'message' && !note) return null;
    const confidence = note ? CLINICAL : WEAK;
    for (const hit of hits) emit({ ...hit, confidence: Math.max(confidence, hit.confidence) });
    return null;
  },
};

function isProse(document: DocumentContext): boolean {
  if (document.kind === 'message') return true;
  return (
    document.kind === 'file' &&
    !document.binary &&
    !document.source &&
    proseExtensions.test(document.extension) &&
    !noProse.test(document.path)
  );
}

function* paragraphs(view: string, from: number, end: number): Generator<readonly [number, number]> {
  const gap = /\n[ \t\r]*\n\s*/g;
  let start = from;
  gap.lastIndex = from;
  for (let match = gap.exec(view); match && match.index < end; match = gap.exec(view)) {
    yield* pieces(view, start, match.index);
    start = match.index + match[0].length;
  }
  yield* pieces(view, start, end);
}

function* pieces(view: string, from: number, to: number): Generator<readonly [number, number]> {
  for (const [start, end] of withoutRuns(view, from, to))
    for (let at = start; at < end; at += MAX_PARAGRAPH) yield [at, Math.min(end, at + MAX_PARAGRAPH)];
}

/** A run that is longer than any word or number: a key, encoded data, a line that is drawn. Addresses of pages stay. */
const run = /(?<![\w+/=.?&%:~#-])[\w+/=-]{48,}/g;

/** The text between such runs. */
function* withoutRuns(view: string, from: number, to: number): Generator<readonly [number, number]> {
  let start = from;
  for (const { index, 0: text } of view.slice(from, to).matchAll(run)) {
    if (from + index > start + 3) yield [start, from + index];
    start = from + index + text.length;
  }
  if (start < to) yield [start, to];
}

function readParagraph(view: string, from: number, to: number, emit: (hit: Hit) => void): void {
  const values = findProseValues(view.slice(from, to), from);
  for (const { rule, start, end, synthetic, confidence } of values) {
    const hit = { rule, start, end, confidence: confidence ?? WEAK };
    emit(synthetic === undefined ? hit : { ...hit, synthetic });
  }
  const tokens = readTokens(view, from, to);
  if (isGibberish(tokens)) return;
  const foreign = isForeign(tokens);
  const taken = (token: Token) => values.some(({ start, end }) => token.start < end && token.end > start);
  for (const [first, last, tag] of spans(tokens, tagTokens(tokens))) {
    const [begin, end] = [tokens[first], tokens[last]];
    if (begin === undefined || end === undefined || taken(begin) || taken(end)) continue;
    if (foreign && !isSure(tokens, first, last, tag)) continue;
    const text = view.slice(begin.start, end.end);
    if (text.length < 2 || (tag === 'N' && !/[A-Za-z\x80-\xff]{2}/.test(text))) continue;
    const synthetic = tag === 'N' ? syntheticName(text) : undefined;
    const rule = tag === 'N' ? 'phi/name' : 'phi/address';
    const hit = { rule, start: begin.start, end: end.end, confidence: WEAK } as const;
    emit(synthetic === undefined ? hit : { ...hit, synthetic });
  }
}

const GIVEN_OR_FAMILY = 0b11;
const ENGLISH = 0b1_1110_0000;

/** True for a paragraph of another language than English, whose words the model does not know. */
function isForeign(tokens: readonly Token[]): boolean {
  if (!tokens.some(({ shape }) => shape === 'capital')) return false;
  const words = tokens.filter(({ shape, word }) => shape === 'lower' && word.length > 1);
  const english = words.filter(({ word }) => (gazetteer()(word) & ENGLISH) !== 0);
  return words.length >= 4 && english.length < words.length * 0.5;
}

/** In another language only a listed name and a place with a number are believed. */
function isSure(tokens: readonly Token[], first: number, last: number, tag: 'N' | 'L'): boolean {
  const span = tokens.slice(first, last + 1);
  if (tag === 'L') return span.some(({ shape }) => shape === 'number');
  return (
    span.length <= 5 &&
    span.some(({ shape, word }) => shape === 'capital' && (gazetteer()(word) & GIVEN_OR_FAMILY) !== 0)
  );
}

/** Runs of tokens of a name or place on one line, without signs at their ends. */
function* spans(
  tokens: readonly Token[],
  tagged: readonly Tagged[],
): Generator<readonly [number, number, 'N' | 'L']> {
  const bare = (at: number) => /^(?:sign|line)$/.test(tokens[at]?.shape ?? 'sign');
  for (let at = 0; at < tokens.length; at++) {
    const tag = tagged[at]?.tag;
    if ((tag !== 'N' && tag !== 'L') || bare(at)) continue;
    let end = at;
    while (tagged[end + 1]?.tag === tag && tokens[end + 1]?.shape !== 'line') end++;
    let last = end;
    while (last > at && bare(last) && tokens[last]?.word !== '.') last--;
    const margin = Math.max(...tagged.slice(at, last + 1).map((each) => each.margin));
    if (margin >= MIN_MARGIN) yield [at, last, tag];
    at = end;
  }
}

/** Several clinical words, a name and something else that identifies, or without a name two such things more. */
function isClinicalNote(text: string, hits: readonly Hit[]): boolean {
  const words = new Set(Array.from(text.matchAll(clinical), (match) => match[0].toLowerCase()));
  const rules = new Set(hits.filter(({ synthetic }) => synthetic === undefined).map(({ rule }) => rule));
  return words.size >= 4 && rules.size >= (rules.has('phi/name') ? 2 : 3);
}
