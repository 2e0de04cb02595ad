// Names, addresses, dates and numbers in running text that speaks of persons. Alone they are weak and do not refuse a
// push; in a clinical note, where they stand beside an illness or a number of a patient, they do.
import type { DocumentContext, FormatReader, Hit } from '../../rule.ts';
import { fieldKinds } from '../fields.ts';
import { labelledValues } from '../labelled-value.ts';
import { judgeFields, recordHits } from '../record.ts';
import { syntheticName } from '../synthetic.ts';
import { maySpeakOfPersons } from './person-prose.ts';
import { findProseValues, titledNames } from './structured.ts';
import { isLineTime, isNoName, lastOfName } from './no-names.ts';
import { gazetteer } from './gazetteer.ts';
import { clinicalWords } from './other-words.ts';
import { findOtherLanguage, isOtherLanguage } from './other-language.ts';
import { type Tagged, tagTokens } from './tagger.ts';
import { isSure, isUnknownLanguage } from './unknown-language.ts';
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
  /\b(?:patients?|pt|admitted|admission|discharged?|diagnos\w+|mrn|medical record|history of present|chief complaint|presents? with|presented with|prescribed|mg|symptoms?|surgery|clinic|hospital|physician|nurse|blood pressure|allerg\w+|medications?|treatment|follow[- ]up|biopsy|x-ray|mri|ct scan|insurance id|bp|htn|copd|hx|dx|rx|prn|bid|tid|hpi|rtc|f\/u|c\/o|s\/p|wnl|y\/?o|year[- ]old|pcp|pmh|nkda|meds|lmp|admit|dispo|cc|vs|rn|pod|d\/c)\b/gi;
/** The same in German, French, Spanish and Portuguese; bytes of UTF-8. */
const care = clinicalExpression();

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
    const other = isOtherLanguage(view.slice(from, end), false);
    for (const [start, stop] of paragraphs(view, from, end))
      readParagraph(view, start, stop, other, (hit) => void hits.push(hit));
    for (const hit of labelledHits(view, from, end)) if (!overlaps(hits, hit)) hits.push(hit);
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

function readParagraph(
  view: string,
  from: number,
  to: number,
  other: boolean,
  emit: (hit: Hit) => void,
): void {
  const text = view.slice(from, to);
  const foreign = isOtherLanguage(text, other);
  const values = findProseValues(text, from);
  for (const { rule, start, end, synthetic, confidence } of values) {
    const hit = { rule, start, end, confidence: confidence ?? WEAK };
    emit(synthetic === undefined ? hit : { ...hit, synthetic });
  }
  const taken = (part: { readonly start: number; readonly end: number }) =>
    values.some(({ start, end }) => part.start < end && part.end > start);
  if (foreign) {
    for (const { rule, start, end } of findOtherLanguage(text)) {
      const hit = { rule, start: from + start, end: from + end, confidence: WEAK };
      if (!taken(hit)) emit(named(view, hit));
    }
    return;
  }
  const tokens = readTokens(view, from, to);
  if (isGibberish(tokens)) return;
  const unknown = isUnknownLanguage(tokens);
  const timed = tokens.filter((_, at) => isLineTime(tokens, at)).length >= 2;
  const told: Hit[] = [];
  for (const [first, until, tag] of spans(tokens, tagTokens(tokens))) {
    const start = timed && isLineTime(tokens, first) ? first + 1 : first;
    const last = tag === 'N' ? lastOfName(tokens, start, until) : until;
    const span = tokens.slice(start, last + 1);
    const [begin, end] = [span[0], span.at(-1)];
    if (begin === undefined || end === undefined || taken(begin) || taken(end)) continue;
    if (isNoName(span, tag === 'L') || (unknown && !isSure(span, tag === 'L'))) continue;
    const value = view.slice(begin.start, end.end);
    if (value.length < 2 || (tag === 'N' && !/[A-Za-z\x80-\xff]{2}/.test(value))) continue;
    const rule = tag === 'N' ? 'phi/name' : 'phi/address';
    told.push(named(view, { rule, start: begin.start, end: end.end, confidence: WEAK }));
  }
  for (const [start, end] of titledNames(text)) {
    const hit: Hit = { rule: 'phi/name', start: from + start, end: from + end, confidence: WEAK };
    if (!isWord(text.slice(start, end)) && !taken(hit) && !overlaps(told, hit)) told.push(named(view, hit));
  }
  told.forEach(emit);
}

const MAX_LINE = 2_000;

/** Numbers of a person that have their label beside them: one alone is weak, and a note has many. */
function* labelledHits(view: string, from: number, to: number): Generator<Hit> {
  for (let at = from; at < to;) {
    const newline = view.indexOf('\n', at);
    const end = newline < 0 || newline > to ? to : newline;
    const line = view.slice(at, Math.min(end, at + MAX_LINE));
    for (const { kind, start, end: stop } of /\d/.test(line) ? labelledValues(line, true) : []) {
      const { role } = fieldKinds[kind];
      if (role !== 'anchor' && role !== 'account') continue;
      const judged = judgeFields(view, [{ kind, start: at + start, end: at + stop }]);
      yield* recordHits(judged, WEAK, 'labelled prose');
    }
    at = end + 1;
  }
}

function overlaps(hits: readonly Hit[], { start, end }: Hit): boolean {
  return hits.some((hit) => start < hit.end && end > hit.start);
}

/** Common words of English, bits of the gazetteer's first two lists of words; and names. */
const COMMON = 0b110_0000;
const NAMES = 0b11;

/** True for a common word in lower case that is nobody's name. */
function isWord(text: string): boolean {
  const known = gazetteer()(text);
  return /^[a-z]/.test(text) && (known & COMMON) !== 0 && (known & NAMES) === 0;
}

/** A hit, with the reason where it names nobody. */
function named(view: string, hit: Hit): Hit {
  const synthetic = hit.rule === 'phi/name' ? syntheticName(view.slice(hit.start, hit.end)) : undefined;
  return synthetic === undefined ? hit : { ...hit, synthetic };
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

function clinicalExpression(): RegExp {
  const text = Buffer.from(clinicalWords, 'utf8').toString('latin1');
  return new RegExp(`(?<![\\w\\x80-\\xff])(?:${text})(?![\\w\\x80-\\xff])`, 'gi');
}

/** Several clinical words, a name and something else that identifies, or without a name two such things more. */
function isClinicalNote(text: string, hits: readonly Hit[]): boolean {
  const matches = [...text.matchAll(clinical), ...text.matchAll(care)];
  const words = new Set(matches.map((match) => match[0].toLowerCase()));
  const rules = new Set(hits.filter(({ synthetic }) => synthetic === undefined).map(({ rule }) => rule));
  return words.size >= 4 && rules.size >= (rules.has('phi/name') ? 2 : 3);
}
