// Numbers that governments issue, found by their shape: SSN and ITIN anywhere, others only beside their label.
// A shape alone is weak evidence; the validator and the words around it decide.
import { judgeSsn } from '../validators/ssn.ts';
import { isDea, isMbi, isNpi, isVin } from '../validators/check-digits.ts';
import { fieldKind } from './fields.ts';
import { indexLiterals, literalPlaces } from '../literal-index.ts';
import { matchesOf } from '../matches.ts';
import { isDate } from './values.ts';
import { syntheticDate, syntheticName, syntheticNumber } from './synthetic.ts';
import type { Hit, Line, PatternRule } from '../rule.ts';

const CONTEXT = 48;

const ssnLabel = /(?:\bssn?\b|ssn|social[\s_-]{0,3}sec|soc[\s_-]{0,2}sec|\bss ?#|tax ?payer|\bitin\b)/i;

/** Text of the line in front of an offset, where a label would stand. */
function before(line: Line, at: number): string {
  return line.text.slice(Math.max(0, at - CONTEXT), at);
}

const groupedNumber = /(?<![\w.+-]|\d[_ ])\d{3}([- ._])\d{2}\1\d{4}(?![\w-]|[.]\d)/g;
const numberInName = /(?<=[_-])\d{3}([-_])\d{2}\1\d{4}(?!\d)/g;
const bareNumber =
  /(?:\bssn|social[\s_-]{0,3}security[\s_-]{0,3}(?:number|no|num)|soc[\s_-]?sec)[\w\s"'#.]{0,16}(?:[:=,]|\bis)[\s"']{0,4}(\d{9})(?!\d)/gi;

export const ssnRule: PatternRule = {
  literals: [
    '000-00-0000',
    '000 00 0000',
    '000_00_0000',
    '000.00.0000',
    'ssn',
    'social',
    'soc_sec',
    'soc sec',
  ],
  find(line, emit) {
    for (const match of matchesOf(groupedNumber, line.text))
      grouped(line, match.index, match[0], match[1] ?? '', emit);
    if (line.document.kind === 'names')
      for (const match of matchesOf(numberInName, line.text))
        grouped(line, match.index, match[0], match[1] ?? '', emit);
    for (const match of matchesOf(bareNumber, line.text)) {
      const digits = match[1] ?? '';
      report(line, match.index + match[0].length - 9, 9, digits, 0.92, emit);
    }
  },
};

function grouped(line: Line, at: number, text: string, separator: string, emit: (hit: Hit) => void): void {
  const labelled = ssnLabel.test(before(line, at)) || line.document.kind === 'names';
  if (separator !== '-' && !labelled && !line.document.clinical) return;
  const around = `${line.text[at - 1] ?? ' '}${line.text[at + text.length] ?? ' '}`;
  const loose = /^[\s"'`,;:|>\]()=[*][\s"'`,;:|<\])([.*!?\\]$/.test(around);
  const confidence = labelled
    ? 0.97
    : line.document.clinical
      ? 0.93
      : line.document.binary || !loose
        ? 0.6
        : isOtherValue(line, at)
          ? 0.8
          : 0.87;
  report(line, at, text.length, text.replaceAll(/\D/g, ''), confidence, emit);
}

const data = /^(?:json|jsonl|ndjson|ya?ml|toml|properties|ini|conf|cfg|env|xml)$/;

/** True for the value of a key, in programs and data, that names no number of a person. */
function isOtherValue(line: Line, at: number): boolean {
  if (!line.document.source && !data.test(line.document.extension)) return false;
  const lead = before(line, at);
  const key =
    /([A-Za-z_][\w.-]{0,40})["'`]?\]?\s{0,4}(?::|=>?)\s{0,4}["'`]?$/.exec(lead) ??
    /[([]["'`]([a-z_][a-z\d_]{0,40})["'`],\s?["'`]$/.exec(lead);
  return key !== null && fieldKind(key[1] ?? '') === undefined;
}

function report(
  line: Line,
  at: number,
  length: number,
  digits: string,
  confidence: number,
  emit: (hit: Hit) => void,
): void {
  const verdict = judgeSsn(digits);
  if (verdict.kind === 'impossible') return;
  const place = { start: line.start + at, end: line.start + at + length, confidence };
  if (verdict.kind === 'synthetic') emit({ rule: 'phi/ssn', ...place, synthetic: verdict.reason });
  else emit({ rule: verdict.kind === 'itin' ? 'phi/itin' : 'phi/ssn', ...place });
}

/** Identifiers that need their label in front of them and then a check digit or format. */
const labelled: readonly {
  readonly rule: Hit['rule'];
  readonly literals: readonly string[];
  /** Begins with one of the literals, and is tried where one stands. */
  readonly pattern: RegExp;
  readonly valid: (text: string) => boolean;
  readonly confidence: number;
  readonly known?: ReadonlyMap<string, string>;
}[] = [
  {
    rule: 'phi/npi',
    literals: ['npi'],
    pattern: /\bnpi\b[\w\s"'#.]{0,12}[:=,]?[\s"'#]{0,4}([12]\d{9})(?!\d)/iy,
    valid: isNpi,
    confidence: 0.8,
    known: new Map([['1234567893', 'the number of the CMS example']]),
  },
  {
    rule: 'phi/dea',
    literals: ['dea'],
    pattern: /\bdea\b[\w\s"'#.]{0,16}[:=,]?[\s"'#]{0,4}([a-z][a-z9]\d{7})(?!\d)/iy,
    valid: (text) => isDea(text.toUpperCase()),
    confidence: 0.92,
    known: new Map([['AB1234563', 'a published example']]),
  },
  {
    rule: 'phi/mbi',
    literals: ['mbi', 'medicare', 'hicn', 'beneficiary'],
    pattern:
      /\b(?:mbi|medicare|hicn|beneficiary)\b[\w\s"'#.]{0,24}[:=,]?[\s"'#]{0,4}(\d[a-z][a-z\d]\d-?[a-z][a-z\d]\d-?[a-z]{2}\d{2})(?![a-z\d])/iy,
    valid: (text) => isMbi(text.toUpperCase()),
    confidence: 0.95,
    known: new Map([
      ['1EG4TE5MK73', 'the number of the CMS example card'],
      ['1EG4TE5MK72', 'the number of the CMS example card'],
    ]),
  },
  {
    rule: 'phi/vin',
    literals: ['vin', 'vehicle'],
    pattern: /\b(?:vin|vehicle)\b[\w\s"'#.]{0,20}[:=,]?[\s"'#]{0,4}([a-hj-npr-z\d]{17})(?![a-z\d])/iy,
    valid: (text) => isVin(text.toUpperCase()),
    confidence: 0.88,
    known: new Map([
      ['11111111111111111', 'one digit repeated'],
      ['1M8GDM9AXKP042788', 'a published example'],
    ]),
  },
];

/** Medical record numbers have no check digit: only their label and their place speak for them. */
const mrn =
  /(?<![a-z])(?:mrn|medical[ _-]?record(?:[ _-]?(?:number|num|no))?)(?![a-z])["'\])]{0,2}\s{0,3}(?:is\b)?[#:=_-]{0,2}\s{0,3}["']?([a-z]{0,4}-?\d{5,12})(?![\w]|[.-]\d)/gi;

/** How far from a record number a birth date and a name belong to it. */
const NEAR = 120;
const born =
  /\b(?:dob|born(?: on)?|birth ?date|date of birth)\b[\s:=("']{1,4}(\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}|\d{4}-\d{2}-\d{2})(?!\d)/i;
const named = /\bpatient:? ([A-Z][a-z'-]{1,24}(?: [A-Z][a-z'-]{1,24}){1,2})/i;

/** A comment or message that tells of a patient: the birth date and name around a record number. */
function tellBeside(line: Line, at: number, emit: (hit: Hit) => void): boolean {
  const from = Math.max(0, at - NEAR);
  const around = line.text.slice(from, at + NEAR);
  const date = born.exec(around);
  if (date === null || !isDate(date[1] ?? '')) return false;
  for (const [rule, match] of [
    ['phi/birth-date', date],
    ['phi/name', named.exec(around)],
  ] as const) {
    const value = match?.[1] ?? '';
    if (match === null || (rule === 'phi/name' && !/^[A-Z][a-z'-]* [A-Z]/.test(value))) continue;
    const end = line.start + from + match.index + match[0].length;
    const synthetic = rule === 'phi/name' ? syntheticName(value) : syntheticDate(value);
    const hit = { rule, start: end - value.length, end, confidence: 0.87 };
    emit(synthetic === undefined ? hit : { ...hit, synthetic });
  }
  return true;
}

export const medicalRecordRule: PatternRule = {
  literals: ['mrn', 'medical record', 'medical_record', 'medicalrecord', 'medical-record'],
  find(line, emit) {
    for (const match of matchesOf(mrn, line.text)) {
      const value = match[1] ?? '';
      const end = line.start + match.index + match[0].length - (match[0].endsWith(value) ? 0 : 1);
      const { kind, source, clinical } = line.document;
      const synthetic = syntheticNumber(value);
      const told = synthetic === undefined && kind === 'file' && tellBeside(line, match.index, emit);
      const confidence = clinical || kind !== 'file' ? 0.92 : source && !told ? 0.7 : 0.87;
      const hit = { rule: 'phi/mrn', start: end - value.length, end, confidence } as const;
      emit(synthetic === undefined ? hit : { ...hit, synthetic });
    }
  },
};

const labels = indexLiterals(labelled.map(({ literals }) => literals));

/** What the patterns take behind a label. Without it they would run wherever a word such as `having` or `idea` stands. */
const behind = [' ', '\t', '\xa0', '"', "'", '#', '.', ':', '=', ','];

export const labelledNumberRule: PatternRule = {
  literals: labelled.flatMap(({ literals }) =>
    literals.flatMap((literal) => behind.map((sign) => literal + sign)),
  ),
  find(line, emit) {
    const places = literalPlaces(labels, line);
    /** Where the last match of each row ends: what stands in front of it is read. */
    const read = new Map<number, number>();
    for (let n = 0; n < places.length; n += 2) {
      const [row = 0, at = 0] = [places[n], places[n + 1]];
      const kind = labelled[row];
      if (kind === undefined || at < (read.get(row) ?? 0)) continue;
      kind.pattern.lastIndex = at;
      const match = kind.pattern.exec(line.text);
      if (match === null) continue;
      read.set(row, kind.pattern.lastIndex);
      const value = match[1] ?? '';
      if (!kind.valid(value)) continue;
      const end = line.start + match.index + match[0].length;
      const hit = { rule: kind.rule, start: end - value.length, end, confidence: kind.confidence };
      const synthetic = kind.known?.get(value.toUpperCase().replaceAll('-', ''));
      emit(synthetic === undefined ? hit : { ...hit, synthetic });
    }
  },
};
