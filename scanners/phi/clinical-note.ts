// Labels in prose: `Patient name: …`, `DOB: …`, `MRN …`. A label is up to four words in front of a colon; labels that
// stand close together are one record. Also reads messages, where people paste what they look at.
import { readText } from '../decode.ts';
import type { DocumentContext, FormatReader, Hit } from '../rule.ts';
import { type FieldKind, fieldKind, fieldKinds, namesPatients } from './fields.ts';
import { judgeFields, recordConfidence, type RecordField, recordHits } from './record.ts';

const MAX_LINE = 2_000;
/** Labels further apart than this belong to different records. */
const MAX_GAP = 800;
const structured =
  /^(?:jsonl?|ndjson|ya?ml|csv|tsv|psv|sql|ipynb|xml|toml|ini|properties|lock|svg|map|po|pot|arb|xlf|strings|hl7)$/;

export const clinicalNoteReader: FormatReader = {
  name: 'clinical-note',
  stateful: false,
  accepts: (_head, document, persons) => persons > 0 && isProse(document),
  read({ view, from }, emit) {
    let record: RecordField[] = [];
    let patients = false;
    const settle = (): void => {
      report(view, record, patients, emit);
      record = [];
      patients = false;
    };
    for (let at = from; at < view.length;) {
      const newline = view.indexOf('\n', at);
      const end = newline < 0 ? view.length : newline;
      const text = view.slice(at, Math.min(end, at + MAX_LINE));
      for (let colon = nextMark(text, 0); colon >= 0; colon = nextMark(text, colon + 1)) {
        valueStart.lastIndex = colon + 1;
        if (!valueStart.test(text)) continue;
        const label = labelBefore(text, colon);
        if (label === undefined) continue;
        const value = valueAfter(label.kind, text, colon + 1);
        if (value === undefined) continue;
        const last = record.at(-1);
        if (last !== undefined && at + value.start - last.end > MAX_GAP) settle();
        // The same label again is the next person.
        if (record.filter((field) => field.kind === label.kind).length >= 3) settle();
        patients ||= label.patients;
        record.push({ kind: label.kind, start: at + value.start, end: at + value.end });
      }
      at = end + 1;
    }
    settle();
    return null;
  },
};

function isProse(document: DocumentContext): boolean {
  if (document.kind === 'message') return true;
  return (
    document.kind === 'file' && !document.binary && !document.source && !structured.test(document.extension)
  );
}

const mark = /[:#=]/g;

/** Offset of the next sign that ends labels at or behind `from`, -1 where there is none. */
function nextMark(text: string, from: number): number {
  mark.lastIndex = from;
  return mark.test(text) ? mark.lastIndex - 1 : -1;
}

/** The known label that ends at the colon: the longest of its last four words. */
function labelBefore(
  text: string,
  colon: number,
): { readonly kind: FieldKind; readonly patients: boolean } | undefined {
  const before = readText(text, Math.max(0, colon - 48), colon).replace(/[\s*_"'`]{1,8}$/, '');
  const words = before.split(/[\s|>,;*()]+/).slice(-4);
  for (let from = 0; from < words.length; from++) {
    const label = words.slice(from).join(' ');
    const kind = fieldKind(label);
    if (kind === undefined) continue;
    const patients = namesPatients(label);
    return {
      kind: kind === 'bare-name' && (patients || /^name$/i.test(label)) ? 'full-name' : kind,
      patients,
    };
  }
  return undefined;
}

const name =
  /(?:(?:Mr|Mrs|Ms|Dr|Miss)\.? )?[A-Z\x80-\xff][A-Za-z\x80-\xff'.-]{0,30}(?:,? [A-Z\x80-\xff][A-Za-z\x80-\xff'.-]{0,30}){0,3}/y;
const dateValue =
  /(?:\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|[A-Z][a-z]{2,8}\.? \d{1,2},? \d{4}|\d{1,2}[ -][A-Z][a-z]{2,8}[ -]\d{4}|\d{8}(?!\d))/y;
const number = /[A-Z]{0,6}[-#]?\d[A-Z0-9-]{3,24}(?![a-z])/iy;
const phone = /\+?[\d(][\d ().-]{6,18}\d/y;

/** How a value of any kind begins. Most marks stand in front of something else, and labels take longer to read. */
const valueStart = /[\s:#*_"'`|]{0,12}[\w.+'%(#\x80-\xff-]/y;

/** What a value of each kind looks like in prose. */
const shapes: Readonly<Partial<Record<FieldKind, RegExp>>> = {
  'full-name': name,
  'given-name': name,
  'family-name': name,
  'birth-date': dateValue,
  'care-date': dateValue,
  ssn: /\d{3}[- ]?\d{2}[- ]?\d{4}(?!\d)/y,
  'national-id': number,
  mrn: number,
  'health-plan': number,
  account: number,
  license: number,
  phone,
  fax: phone,
  email: /[\w.+'%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}/y,
  street: /\d{1,6} [A-Za-z0-9\x80-\xff.,#' -]{4,80}/y,
  zip: /\d{5}(?:-\d{4})?(?!\d)/y,
  clinical: /[A-Za-z][^\n]{3,60}/y,
};

function valueAfter(
  kind: FieldKind,
  text: string,
  from: number,
): { readonly start: number; readonly end: number } | undefined {
  const shape = shapes[kind];
  if (shape === undefined) return undefined;
  const start = from + (/^[\s:#*_"'`|]{0,12}/.exec(text.slice(from, from + 12))?.[0].length ?? 0);
  shape.lastIndex = start;
  const match = shape.exec(text);
  if (match === null) return undefined;
  // A name goes on until the next label, which also begins with a capital.
  const next = kind.endsWith('name')
    ? / (?:DOB|MRN|SSN|Date|Phone|Age|Sex|Gender|Address|Patient|Member)\b.*$/.exec(match[0])
    : null;
  return { start, end: start + match[0].length - (next?.[0].length ?? 0) };
}

function report(
  view: string,
  record: readonly RecordField[],
  patients: boolean,
  emit: (hit: Hit) => void,
): void {
  const judged = judgeFields(view, record);
  const kinds = new Set(judged.map((field) => field.kind));
  const strong = [...kinds].filter((kind) => fieldKinds[kind].role !== 'evidence');
  if (strong.length < 2) return;
  const confidence = recordConfidence(kinds, patients);
  if (confidence > 0) recordHits(judged, confidence, 'labelled prose').forEach(emit);
}
