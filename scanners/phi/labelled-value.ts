// Values behind their labels in a line of prose: `MRN: 4821`, `Fecha de nacimiento: …`, `Mitglied #: …`. The label is the
// longest of the words in front of the mark that names a field; the value must look like one of its kind.
import { readText } from '../decode.ts';
import { matchesOf } from '../matches.ts';
import { type FieldKind, fieldKind, namesPatients } from './fields.ts';
import { LABEL_REACH, mayEndLabel } from './label-ends.ts';

interface Label {
  readonly kind: FieldKind;
  /** True where the label says that it is a patient's. */
  readonly patients: boolean;
}

export interface LabelledValue extends Label {
  /** Offsets into the line. */
  readonly start: number;
  readonly end: number;
}

/** Signs that end labels. */
const signs = /[:#=]/g;
/** In a sentence a verb does, too. */
const verbs = /[:#=]|(?<=[A-Za-z]) (?:is|was|ist|war|lautet|est|es|era)(?= [A-Z]{0,6}[-#]?\d)/g;

/** The labelled values of a line, in order; `spoken` where labels end in a verb, too. */
export function* labelledValues(text: string, spoken = false): Generator<LabelledValue> {
  const marks = spoken ? verbs : signs;
  for (const { index, 0: mark } of matchesOf(marks, text)) {
    const behind = index + mark.length;
    valueStart.lastIndex = behind;
    if (!valueStart.test(text) || !mayEndLabel(text, index)) continue;
    const label = labelBefore(text, index, mark);
    if (label === undefined) continue;
    const value = valueAfter(label.kind, text, behind);
    if (value !== undefined) yield { ...label, ...value };
  }
}

/** Numbers and times: no name of a field holds them. */
const counted = /\d{3}/;

/** The known label that ends at the colon: the longest of its last four words. */
function labelBefore(text: string, colon: number, mark: string): Label | undefined {
  const before = readText(text, Math.max(0, colon - LABEL_REACH), colon).replace(/[\s*_"'`]{1,8}$/, '');
  const words = before.split(/[\s|>,;*()]+/).slice(-4);
  const named = words.slice(words.findLastIndex((each) => counted.test(each)) + 1);
  if (named.length === 0) return undefined;
  const whole = named.join(' ');
  // One word is a part of the text, which would be kept with it.
  const isKept = named.length > 1 && mark !== '#';
  const known = isKept ? labels.get(whole) : undefined;
  if (known !== undefined) return known ?? undefined;
  const label = longestLabel(named, mark);
  if (!isKept) return label;
  if (labels.size >= MOST_LABELS) labels.clear();
  labels.set(whole, label ?? null);
  return label;
}

/** What the words in front of a colon say; null where they are no label. Lines of a log say the same again and again. */
const labels = new Map<string, Label | null>();
const MOST_LABELS = 8_192;

/** The longest of the ends of these words that is a label. */
function longestLabel(words: readonly string[], mark: string): Label | undefined {
  for (let from = 0; from < words.length; from++) {
    const label = words.slice(from).join(' ');
    // Before a number sign a word may be half of a label: `MR#`, `Insurance #`.
    const kind = (mark === '#' ? fieldKind(`${label} #`) : undefined) ?? fieldKind(label);
    if (kind === undefined) continue;
    const patients = namesPatients(label);
    return {
      kind: kind === 'bare-name' && (patients || /^name$/i.test(label)) ? 'full-name' : kind,
      patients,
    };
  }
  return undefined;
}

const word = "[A-Z\\x80-\\xff][A-Za-z\\x80-\\xff'.-]{0,30}";
const particles = '(?:(?:de|del|la|las|los|da|do|dos|das|du|von|van|der|den|di|le|y|e) ){0,2}';
const name = new RegExp(
  `(?:(?:Mr|Mrs|Ms|Dr|Miss|Herrn?|Frau|Mme|Sra?|Do\\xc3\\xb1a|Don)\\.? )?${word}(?:,? ${particles}${word}){0,4}`,
  'y',
);
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
    ? / (?:DOB|MRN|SSN|Date|Phone|Age|Sex|Gender|Address|Patient|Member|Geb|Geburtsdatum|Tel|Fecha|NHC|Edad|N\xc3\xa9e?|Data|Morada)\b.*$/.exec(
        match[0],
      )
    : null;
  return { start, end: start + match[0].length - (next?.[0].length ?? 0) };
}
