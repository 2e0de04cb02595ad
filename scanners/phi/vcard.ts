// vCard (RFC 2426, RFC 6350) and jCard (RFC 7095): contact data of one person, one property a line or an array.
//   line = [group "."] name *(";" parameter) ":" value;  a line that begins with a blank continues the one before
//   array = [name, {parameters}, type, value]
import { matchesOf } from '../matches.ts';
import type { FormatReader, Hit } from '../rule.ts';
import type { FieldKind } from './fields.ts';
import { judgeFields, recordConfidence, type RecordField, recordHits } from './record.ts';
import { type Part, splitAt } from './split.ts';

/** What the components of a property are; those of one kind are one list. */
const properties: Readonly<Record<string, readonly (FieldKind | undefined)[]>> = {
  fn: ['full-name'],
  // Family and given names stand together: they are one name with the sign between them.
  n: ['family-name', 'given-name', 'given-name'],
  nickname: ['given-name'],
  bday: ['birth-date'],
  deathdate: ['birth-date'],
  tel: ['phone'],
  email: ['email'],
  adr: ['street', 'street', 'street', 'city', undefined, 'zip'],
  url: ['url'],
};
const line = /^(?:[\w-]{1,40}\.)?([A-Za-z]{1,20})((?:;[^:\r\n]{0,200})?):([^\r\n]{1,400})/gm;
const array =
  /\[\s{0,40}"([a-z]{1,20})"\s{0,8},\s{0,8}\{[^{}]{0,300}\}\s{0,8},\s{0,8}"[a-z-]{1,20}"\s{0,8},\s{0,8}(\[[^[\]]{0,600}\]|"[^"\\\n]{0,300}")/g;
const text = /"([^"\\\n]{0,200})"/g;

export const vcardReader: FormatReader = {
  name: 'vcard',
  stateful: false,
  anchors: ['begin:vcard', '"vcard"'],
  accepts: (_head, document, _persons, anchored) => anchored && document.kind !== 'names' && !document.binary,
  read({ view, from }, emit) {
    readCards(view, from, emit);
    readArrays(view, from, emit);
    return null;
  },
};

const MAX_FIELDS = 64;

function readCards(view: string, from: number, emit: (hit: Hit) => void): void {
  let fields: RecordField[] = [];
  line.lastIndex = from;
  for (let match = line.exec(view); match !== null; match = line.exec(view)) {
    const name = (match[1] ?? '').toLowerCase();
    const value = match[3] ?? '';
    if (name === 'begin' || name === 'end') {
      report(view, fields, emit);
      fields = [];
      continue;
    }
    const end = match.index + match[0].length;
    const start = end - value.length;
    const fax = name === 'tel' && /fax/i.test(match[2] ?? '');
    const uri = /^(?:tel|mailto):/i.exec(value)?.[0].length ?? 0;
    const known = properties[name];
    if (known === undefined || fields.length >= MAX_FIELDS) continue;
    const parts = known.length > 1 ? splitAt(view, start, end, ';') : [{ start: start + uri, end }];
    fields.push(...fieldsOf(parts, fax ? ['fax'] : known));
  }
  report(view, fields, emit);
}

function readArrays(view: string, from: number, emit: (hit: Hit) => void): void {
  if (!view.includes('"vcard"', from)) return;
  let fields: RecordField[] = [];
  for (const match of matchesOf(array, view)) {
    const name = match[1] ?? '';
    if (name === 'version') {
      report(view, fields, emit);
      fields = [];
    }
    const known = properties[name];
    if (known === undefined || fields.length >= MAX_FIELDS) continue;
    const value = match[2] ?? '';
    const start = match.index + match[0].length - value.length;
    const parts = matchesOf(text, value).map(({ index, 1: inner = '' }) => {
      const uri = /^(?:tel|mailto):/i.exec(inner)?.[0].length ?? 0;
      return { start: start + index + 1 + uri, end: start + index + 1 + inner.length };
    });
    fields.push(...fieldsOf(parts, known));
  }
  report(view, fields, emit);
}

function fieldsOf(parts: readonly Part[], kinds: readonly (FieldKind | undefined)[]): readonly RecordField[] {
  return parts.flatMap((part, at) => {
    const kind = kinds[at];
    return kind === undefined || part.end <= part.start ? [] : { kind, ...part };
  });
}

function report(view: string, fields: readonly RecordField[], emit: (hit: Hit) => void): void {
  const judged = judgeFields(view, fields);
  const confidence = recordConfidence(new Set(judged.map(({ kind }) => kind)), false);
  if (judged.length < 2 || confidence === 0) return;
  recordHits(judged, confidence, 'a vCard').forEach(emit);
}
