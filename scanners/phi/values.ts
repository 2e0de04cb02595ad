// Judges whether a value can be what its field's name claims. Values come from views: bytes above 0x7f are letters of
// some script. A refuted value is no finding; a placeholder is none either.
import { judgeSsn } from '../validators/ssn.ts';
import type { FieldKind } from './fields.ts';
import {
  isReservedAddress,
  syntheticDate,
  syntheticEmail,
  syntheticName,
  syntheticNumber,
  syntheticPhone,
} from './synthetic.ts';

export type ValueVerdict =
  | { readonly kind: 'refuted' }
  | { readonly kind: 'plausible' }
  | { readonly kind: 'synthetic'; readonly reason: string };

/** Longer values are texts, not values of a field. */
const MAX_LENGTH = 120;
const refuted: ValueVerdict = { kind: 'refuted' };
const plausible: ValueVerdict = { kind: 'plausible' };

const placeholder =
  /^(?:null|none|nil|undefined|n\/?a|na|unknown|unk|string|str|text|varchar.*|char.*|integer|int|number|boolean|bool|date|datetime|timestamp|object|true|false|yes|no|tbd|todo|x{2,}|\?+|-+|\.+|_+|\*+|#+|name|first|last|first ?name|last ?name|full ?name|given|family|surname|middle|redacted|masked|removed|deidentified|hidden|default|value|required|optional|enter .*|your .*|some .*|any|self|other|male|female|primary|secondary|mr|mrs|ms|dr|jr|sr|id|uuid|email|phone|address|city|street|zip|patient|person|member|user|lorem.*|vorname|nachname|nombre|apellidos?|nom|prenom)$/i;
const code = /[{}<>$`\\|;=]|\(\)|=>|::|\*\*\*|xxx|###|\[redacted\]|\[[a-z ]+\]|%s|%\(|:\/\//i;

/** Letters and apostrophes that JSON and SQL write with a backslash; letters beyond ASCII as two bytes of a view. */
function unescape(value: string): string {
  if (!value.includes('\\')) return value;
  return value.replaceAll(
    /\\(?:u([\da-fA-F]{4})|x([\da-fA-F]{2})|(['/]))/g,
    (_, wide: string | undefined, byte: string | undefined, sign: string | undefined) =>
      sign ??
      Buffer.from(String.fromCharCode(Number.parseInt(wide ?? byte ?? '', 16)), 'utf8').toString('latin1'),
  );
}

/** Judges `value`, the raw text of a field of this kind. */
export function judgeValue(kind: FieldKind, value: string): ValueVerdict {
  const text = unescape(value).trim();
  if (text.length < 2 || text.length > MAX_LENGTH || placeholder.test(text)) return refuted;
  if (kind !== 'url' && code.test(text)) return refuted;
  return judges[kind](text);
}

function maybe(possible: boolean, reason: string | undefined): ValueVerdict {
  if (!possible) return refuted;
  return reason === undefined ? plausible : { kind: 'synthetic', reason };
}

const identifierLike = (text: string, digits: number): boolean =>
  text.length <= 40 &&
  /^[A-Za-z0-9][A-Za-z0-9 ./_#*-]{2,}$/.test(text) &&
  (text.match(/\d/g)?.length ?? 0) >= digits &&
  !/^(?:0[\W_]*)+$/.test(text) &&
  !/[a-z]{5,} [a-z]{3,}/.test(text) &&
  !/^\d{1,4}\.\d{1,3}(?:\.\d+)*$/.test(text);

/**
 * First three digits of postal codes whose areas have 20,000 inhabitants or fewer (2000 census, as HHS lists them);
 * three digits of any other area identify nobody.
 */
const smallZip3: ReadonlySet<string> = new Set(
  '036 059 063 102 203 556 692 790 821 823 830 831 878 879 884 890 893'.split(' '),
);

/** Base64 or hexadecimal of a template or picture. */
const encoded = (text: string): boolean =>
  text.length >= 24 && /^[\w+/=-]+$/.test(text) && /\d/.test(text) && /[A-Za-z]/.test(text);

/** Nine digits written as a Social Security number, not zeros throughout. */
const typed = (text: string): boolean => /^\d{3}[ -]\d{2}[ -]\d{4}$/.test(text) && !/^[0 -]+$/.test(text);

const judges: Readonly<Record<FieldKind, (text: string) => ValueVerdict>> = {
  'full-name': (text) => maybe(isName(text), syntheticName(text)),
  'given-name': (text) => maybe(isName(text), syntheticName(text)),
  'family-name': (text) => maybe(isName(text), syntheticName(text)),
  'bare-name': (text) => maybe(isName(text) && /[ ,^]/.test(text), syntheticName(text)),
  'birth-date': (text) => maybe(isDate(text), syntheticDate(text)),
  'care-date': (text) => maybe(isDate(text), undefined),
  ssn: (text) => {
    const verdict = judgeSsn(/^\d{3}[ -]?\d{2}[ -]?\d{4}$/.test(text) ? text.replaceAll(/\D/g, '') : '');
    return verdict.kind === 'synthetic'
      ? { kind: 'synthetic', reason: verdict.reason }
      : maybe(
          verdict.kind !== 'impossible' || typed(text),
          verdict.kind === 'impossible' ? 'a number that cannot have been issued' : undefined,
        );
  },
  'national-id': (text) => maybe(identifierLike(text, 5) && text.length >= 7, syntheticNumber(text)),
  mrn: (text) => maybe(identifierLike(text, 4), syntheticNumber(text)),
  'health-plan': (text) => maybe(identifierLike(text, 4) && text.length >= 6, syntheticNumber(text)),
  account: (text) => maybe(identifierLike(text, 5) && text.length >= 6, syntheticNumber(text)),
  license: (text) => maybe(identifierLike(text, 4) && text.length >= 5, syntheticNumber(text)),
  phone: judgePhone,
  fax: judgePhone,
  email: (text) =>
    maybe(
      /^[\w.+'%-]{1,64}@[\w\x80-\xff-]{1,63}(?:\.[\w\x80-\xff-]{1,63}){1,5}$/.test(text),
      syntheticEmail(text),
    ),
  street: (text) =>
    maybe(
      /\d/.test(text) &&
        /[A-Za-z\x80-\xff]{2}/.test(text) &&
        /[ ,.]/.test(text) &&
        !/@|^v?\d+\.\d/.test(text),
      undefined,
    ),
  city: (text) => maybe(text.length < 40 && isName(text), undefined),
  zip: (text) =>
    maybe(
      smallZip3.has(text) ||
        /^(?:\d{5}(?:-?\d{4})?|\d{4,6}|\d{4,5}-\d{3}|\d{4} ?[A-Z]{2}|\d{3} \d{2}|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|[A-Z]\d[A-Z] ?\d[A-Z]\d)$/i.test(
          text,
        ),
      undefined,
    ),
  ip: (text) => maybe(/^(?:\d{1,3}\.){3}\d{1,3}$/.test(text) && !isReservedAddress(text), undefined),
  vehicle: (text) => maybe(identifierLike(text, 2) && text.length >= 5, undefined),
  device: (text) => maybe(identifierLike(text, 4) && text.length >= 6, undefined),
  passport: (text) =>
    maybe(identifierLike(text, 4) && text.length >= 6 && text.length <= 14, syntheticNumber(text)),
  photo: (text) =>
    maybe(/^[\w./-]{1,100}\.(?:jpe?g|png|gif|heic|bmp)$/i.test(text) || encoded(text), undefined),
  biometric: (text) => maybe(encoded(text), undefined),
  url: (text) => maybe(/^(?:https?:\/\/|www\.)\S{4,200}$/i.test(text), undefined),
  // Ages above 89 are identifiers (45 CFR 164.514(b)(2)(i)(C)).
  age: (text) => maybe(/^(?:9\d|1[01]\d)$/.test(text), undefined),
  clinical: (text) => maybe(/[A-Za-z0-9]/.test(text), undefined),
};

function judgePhone(text: string): ValueVerdict {
  const digits = text.replaceAll(/\D/g, '');
  const shape = /^(?:00|1)?\+?[\d ()./x-]{7,24}(?:ext\.? ?\d{1,6})?$/i.test(text);
  return maybe(
    shape && digits.length >= 7 && digits.length <= 15 && !/^0+$/.test(digits),
    syntheticPhone(digits),
  );
}

/** A person's name as data holds it: words of letters, at least one with a capital, no sentence. */
export function isName(text: string): boolean {
  return (
    text.length <= 60 &&
    /^[A-Za-z\x80-\xff][A-Za-z\x80-\xff'.,^ -]*\d{0,4}(?: [A-Za-z\x80-\xff][A-Za-z\x80-\xff'.-]*\d{0,4}){0,3}$/.test(
      text,
    ) &&
    /[A-Z\x80-\xff]/.test(text) &&
    text.split(/[ ,^]+/).length <= 6 &&
    !/[a-z][A-Z][a-z]*[A-Z]/.test(text)
  );
}

/** The first letters of the months in English, Spanish, German, French and Portuguese; bytes of UTF-8. */
const months: readonly RegExp[] = [
  /^(?:jan|ene)/,
  /^(?:feb|fev|f\xc3\xa9v)/,
  /^(?:mar|m\xc3\xa4r)/,
  /^(?:apr|abr|avr)/,
  /^(?:may|mai)/,
  /^(?:jun|juin)/,
  /^(?:jul|juil)/,
  /^(?:aug|ago|ao\xc3\xbb|aou)/,
  /^(?:sep|set)/,
  /^(?:oct|okt|out)/,
  /^nov/,
  /^(?:dec|dic|dez|d\xc3\xa9c)/,
];

/** True for a calendar date between 1900 and 2100 in a common spelling, with or without a time. */
export function isDate(text: string): boolean {
  const iso = /^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ][\d:.+Z -]{0,20})?$/.exec(text);
  if (iso) return isDay(Number(iso[1]), Number(iso[2]), Number(iso[3]));
  const listed = /^(\d{4}), ?(\d{1,2}), ?(\d{1,2})$/.exec(text);
  if (listed) return isDay(Number(listed[1]), Number(listed[2]), Number(listed[3]));
  const compact = /^(\d{4})(\d{2})(\d{2})(?:\d{4,6}(?:\.\d{1,4})?(?:[+-]\d{4})?)?$/.exec(text);
  if (compact) return isDay(Number(compact[1]), Number(compact[2]), Number(compact[3]));
  const local = /^(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}|\d{2})(?: [\d:APMapm ]{1,12})?$/.exec(text);
  if (local) {
    const year = Number(local[3]) + (local[3]?.length === 2 ? 1900 : 0);
    const a = Number(local[1]);
    const b = Number(local[2]);
    return isDay(year, a, b) || isDay(year, b, a);
  }
  const worded =
    /^([A-Za-z]{3,9})\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})$/.exec(text) ??
    reorder(/^(\d{1,2})\.?(?: de)?[ -]([A-Za-z\x80-\xff]{3,10})\.?(?: de)?[ -](\d{4}|\d{2})$/.exec(text));
  if (!worded) return false;
  const month = months.findIndex((each) => each.test((worded[1] ?? '').toLowerCase())) + 1;
  const year = Number(worded[3]);
  return month > 0 && isDay(year < 100 ? year + 1900 : year, month, Number(worded[2]));
}

function reorder(match: RegExpExecArray | null): readonly (string | undefined)[] | null {
  return match && [match[0], match[2], match[1], match[3]];
}

function isDay(year: number, month: number, day: number): boolean {
  if (year < 1900 || year > 2100 || month < 1 || month > 12 || day < 1) return false;
  return day <= new Date(Date.UTC(year, month, 0)).getUTCDate();
}
