// Phone numbers, dates, addresses of machines and licences as they stand in running text, in the notations of many
// countries. Only for prose that speaks of persons: anywhere else these shapes are version numbers and constants.
import type { RuleId } from '../../catalog.ts';
import { ssnReason } from '../../validators/ssn.ts';
import { isCard } from '../../validators/check-digits.ts';
import {
  isReservedAddress,
  syntheticCard,
  syntheticDate,
  syntheticEmail,
  syntheticPhone,
} from '../synthetic.ts';
import { isDate } from '../values.ts';

export interface ProseValue {
  readonly rule: RuleId;
  readonly start: number;
  readonly end: number;
  readonly synthetic: string | undefined;
  /** Undefined where only the text around it speaks for the value. */
  readonly confidence: number | undefined;
}

/** A name behind an English title, offsets into the text, half open. */
export function* titledNames(text: string): Generator<readonly [number, number]> {
  for (const match of text.matchAll(titled)) {
    const value = match[1] ?? '';
    const start = match.index + match[0].length - value.length;
    yield [start, start + value.length];
  }
}

const CONTEXT = 40;
const months =
  '(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)';
/** Months in Spanish, German, French and Portuguese; bytes of UTF-8. */
const otherMonths =
  '(?:april|august|september|november|enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre|januar|februar|m\xc3\xa4rz|mai|juni|juli|' +
  'oktober|dezember|janvier|f\xc3\xa9vrier|mars|avril|juin|juillet|ao\xc3\xbbt|septembre|octobre|novembre|d\xc3\xa9cembre|janeiro|' +
  'fevereiro|mar\xc3\xa7o|maio|junho|julho|setembro|outubro|novembro|dezembro)';
const date = new RegExp(
  '(?<![\\w./-])(?:' +
    [
      '\\d{4}-\\d{2}-\\d{2}(?:[ T]\\d{2}:\\d{2}(?::\\d{2})?)?',
      '\\d{1,2}([/.-])\\d{1,2}\\1(?:\\d{4}|\\d{2})',
      `\\d{1,2}(?:\\.|er|\xc2\xba)?(?: de)? ${otherMonths}(?:(?: del?)? \\d{4})?`,
      `${months}\\.? \\d{1,2}(?:st|nd|rd|th)?(?:,? \\d{4})?`,
      `\\d{1,2}(?:st|nd|rd|th)?(?: of)?[ -]${months}\\.?,?(?:[ -]\\d{4})?`,
    ].join('|') +
    ')(?![\\w/]|[.-]\\d)',
  'gi',
);
const phone =
  /(?<![\w@/.:-]|\d,|[$#] ?)(?:\+ ?|00)?(?:\(\d{1,5}\) ?|\d)[\d ()./-]{4,20}\d(?: ?(?:x|ext\.? ?)\d{1,6})?(?![\w@%]|[.,:/-]\d)/g;
const email = /(?<![\w.+'%-])[\w.+'%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}/g;
const url = /(?<![\w@])(?:https?:\/\/|www\.)[^\s<>"')\]]{3,200}/gi;
const ip4 = /(?<![\w.-])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\w-]|\.\d)/g;
const ip6 = /(?<![\w:])(?:[\da-f]{1,4}:){7}[\da-f]{1,4}(?![\w:])/gi;
const ssn = /(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])/g;
const card = /(?<![\w.-])\d{4}([ -]?)\d{4}\1\d{4}\1\d{1,7}(?![\w-])/g;
const licence =
  /(?:driver'?s?(?:'| |ing)? ?licen[cs]e|driving licen[cs]e|licen[cs]e (?:number|no\.?|#)|passport|\bdl\b)[a-z #:.']{0,24}?\b([a-z]{0,3}\d[\da-z-]{4,16})\b/gi;

/** English titles before a name of any case; `doctor` is also a word, and the name must then be raised. */
const titled =
  /(?<![\w-])(?:(?:mr|mrs|ms|dr)\.? |(?:Mr|Mrs|Ms|Miss|Dr|Prof)\.? |(?:[Dd]octor|Herrn?|Frau|Se\xc3\xb1ora?|Sra?\.|Do\xc3\xb1a|Monsieur|Madame|Mme|Senhora?) (?=[A-Z\xc3]))([A-Za-z\xc3][a-z\x80-\xff'’]{2,24}(?:-[A-Z\xc3][a-z\x80-\xff'’]{1,24})?)(?![\w@])/g;
/** Who speaks in a chat: behind the time, in front of a colon. */
const speaker =
  /^[ \t]{0,4}(?:\[(?:[\d/.-]{6,10},? {1,2})?\d{1,2}[:.]\d{2}(?:[:.]\d{2})?(?: ?[AaPp][Mm])?\]|(?:[\d/.-]{6,10},? {1,2})?\d{1,2}:\d{2}(?::\d{2})?(?: ?[AaPp][Mm])? -) {1,2}([A-Za-z\x80-\xff][\w\x80-\xff'.-]{1,24}(?: [A-Za-z\x80-\xff][\w\x80-\xff'.-]{0,24}){0,2}):(?=\s)/gm;

const callable =
  /phone|tel\b|telephone|\bcall|mobile|\bcell|\bfax|dial|answer|reach|\btext\b|contact|whats|number|\bring\b|nummer|telef|handy|mobil|m\xc3\xb3vil|\btlf|anruf|erreich|ruf|appel|joign|portable|llam|ligar|contat|celular/i;
const behind = /^[\s-]{0,3}(?:office|fax|mobile|home|work|cell|phone|tel)\b/i;

/** Finds values in a piece of prose; `text` is a view from `from`. */
export function findProseValues(text: string, from: number): readonly ProseValue[] {
  const found: ProseValue[] = [];
  const taken: [number, number][] = [];
  const add = (rule: RuleId, at: number, length: number, synthetic?: string, confidence?: number): void => {
    if (taken.some(([start, end]) => at < end && at + length > start)) return;
    taken.push([at, at + length]);
    found.push({ rule, start: from + at, end: from + at + length, synthetic, confidence });
  };
  for (const { index, 0: value } of text.matchAll(email))
    add('phi/email', index, value.length, syntheticEmail(value));
  for (const match of text.matchAll(speaker)) {
    const value = match[1] ?? '';
    add('phi/name', match.index + match[0].length - value.length - 1, value.length);
  }
  for (const { index, 0: value } of text.matchAll(url))
    add('phi/url', index, value.replace(/[.,;:!?]+$/, '').length);
  for (const { index, 0: value } of text.matchAll(ssn))
    if (/ssn|social/i.test(before(text, index))) add('phi/ssn', index, value.length, ssnReason(value));
  for (const { index, 0: value } of text.matchAll(ip4)) {
    const version = /version|\bv$|release/i.test(before(text, index).slice(-12));
    if (!version)
      add(
        'phi/ip',
        index,
        value.length,
        isReservedAddress(value) ? 'an address of a private or reserved network' : undefined,
      );
  }
  for (const { index, 0: value } of text.matchAll(ip6)) add('phi/ip', index, value.length);
  for (const { index, 0: value } of text.matchAll(card)) {
    const digits = value.replaceAll(/\D/g, '');
    if (isCard(digits)) add('phi/card', index, value.length, syntheticCard(digits), 0.7);
  }
  for (const match of text.matchAll(licence)) {
    const value = match[1] ?? '';
    add('phi/license', match.index + match[0].length - value.length, value.length);
  }
  for (const { index, 0: value } of text.matchAll(date)) {
    if (/^\d/.test(value) && /^\d+[/.-]\d+[/.-]\d+/.test(value) && !isDate(value)) continue;
    const birth = /\bborn\b|birth|\bdob\b|\bgeb|nacid|naci\xc3\xb3|n\xc3\xa9e? le|nascid/i.test(
      before(text, index),
    );
    add(
      birth ? 'phi/birth-date' : 'phi/date',
      index,
      value.replace(/[.,]$/, '').length,
      syntheticDate(value),
    );
  }
  for (const { index, 0: value } of text.matchAll(phone)) {
    const digits = value.replace(/(?:x|ext).*$/i, '').replaceAll(/\D/g, '');
    const told = behind.exec(text.slice(index + value.length, index + value.length + 12));
    const lead = before(text, index);
    if (!isPhone(value, digits, told !== null || callable.test(lead))) continue;
    const fax = /fax/i.test(told?.[0] ?? /(?:fax|phone|tel|mobile)[^a-z]{0,12}$/i.exec(lead)?.[0] ?? '');
    add(fax ? 'phi/fax' : 'phi/phone', index, value.length, syntheticPhone(digits));
  }
  return found;
}

function before(text: string, at: number): string {
  return text.slice(Math.max(0, at - CONTEXT), at);
}

/** A number that can be called: by its length and how it is grouped; beside a word for it, less will do. */
function isPhone(value: string, digits: string, told: boolean): boolean {
  if (digits.length > 15 || /^0+$/.test(digits) || /\d{12}/.test(value)) return false;
  if (/^\d{1,4}\.\d+$|^\d{4}-\d{4}$|^(?:19|20)\d\d[ -](?:19|20)\d\d$/.test(value)) return false;
  if (/^\d{5}-\d{4}$|^\d{3}-\d{2}-\d{4}$/.test(value)) return false;
  const groups = value.split(/\D+/).filter((part) => part !== '').length;
  if (told) return digits.length >= 6 && (groups >= 2 || digits.length >= 7);
  return (digits.length >= 9 && groups >= 3) || (digits.length >= 8 && /^(?:\+|\(|00)/.test(value));
}
