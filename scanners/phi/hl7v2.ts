// HL7 v2 messages: bare, in MLLP frames, in batch files, and inside string literals of programs with "\r" or "\n".
// Segments end at CR, LF or their escaped forms; the delimiters are read from MSH-1 and MSH-2.
//   MSH = "MSH" field-sep component-sep repetition-sep escape subcomponent-sep …
import type { FormatReader, Hit } from '../rule.ts';
import type { RuleId } from '../catalog.ts';
import { Echo } from './echo.ts';
import type { FieldKind } from './fields.ts';
import { freeText, segments, type Shape, typeRules } from './hl7v2-fields.ts';
import { delimiterAt, type Part, splitAt } from './split.ts';
import { judgeValue } from './values.ts';
import { ssnReason } from '../validators/ssn.ts';
import { isSyntheaName, syntheticName, syntheticPhone } from './synthetic.ts';

interface Delimiters {
  readonly field: string;
  readonly component: string;
  readonly repetition: string;
  readonly subcomponent: string;
}

const start =
  /(?:^|[\r\n\x0b\x1c\xbf"'`>]|\\[rn])[ \t]{0,16}(?:(?:MSH|FHS|BHS)([|^#~!$&:*])|(?:PID|NK1)\|[^|\r\n]{0,6}\|)/g;
/** The delimiters of a fragment that lost its MSH. */
const usual: Delimiters = { field: '|', component: '^', repetition: '~', subcomponent: '&' };
const terminator = /[\r\n\x1c]|\\[rn]|\\x0[dDaA]|\\u000[dDaA]/g;
const MAX_SEGMENT = 65_536;

interface Carry {
  readonly delimiters: Delimiters;
  /** Values of the patient of the current message. */
  readonly echo: Echo;
}

export const hl7v2Reader: FormatReader = {
  name: 'hl7v2',
  stateful: true,
  anchors: ['msh', 'fhs', 'bhs', 'pid|'],
  accepts: (head, document, _persons, anchored) =>
    document.kind !== 'names' &&
    ((anchored && /\b(?:MSH|FHS|BHS)[|^#~!$&:*]|\bPID\|/.test(head)) ||
      document.extension === 'hl7' ||
      document.source),
  read({ view, from, carry, anchored }, emit) {
    let delimiters = isCarry(carry) ? carry.delimiters : undefined;
    const echo = isCarry(carry) ? carry.echo : new Echo();
    const told = (hit: Hit): void => {
      echo.remember(view, hit);
      emit(hit);
    };
    let at = from;
    if (delimiters === undefined) {
      // The cheap questions first: most source files hold no message.
      if (!anchored || !['MSH', 'FHS', 'BHS', 'PID|'].some((name) => view.includes(name, from))) return null;
      start.lastIndex = from;
      const first = start.exec(view);
      if (first === null) return null;
      at = view.indexOf(first[0].trimStart().replace(/^[^A-Z]+/, ''), first.index);
      if (first[1] === undefined) delimiters = usual;
    }
    while (at < view.length) {
      terminator.lastIndex = at;
      const stop = terminator.exec(view);
      const end = Math.min(stop?.index ?? view.length, at + MAX_SEGMENT);
      const segment = segmentStart(view, at, end);
      delimiters = readDelimiters(view, segment) ?? delimiters;
      if (view.startsWith('MSH', segment)) echo.clear();
      if (delimiters !== undefined) {
        readSegment(view, segment, end, delimiters, told);
        readFreeText(view, segment, end, delimiters, echo, emit);
      }
      if (stop === null) break;
      at = terminator.lastIndex;
    }
    return delimiters === undefined ? null : { delimiters, echo };
  },
};

function isCarry(carry: unknown): carry is Carry {
  return typeof carry === 'object' && carry !== null && 'delimiters' in carry && 'echo' in carry;
}

/** Skips what stands in front of a segment: blanks, a frame byte, quotes and operators of a program. */
function segmentStart(view: string, at: number, end: number): number {
  const head = view.slice(at, Math.min(end, at + 60));
  const match = /^[^A-Z]{0,40}?(?=(?:[A-Z][A-Z0-9]{2})[|^#~!$&:*])/.exec(head);
  return at + (match?.[0].length ?? 0);
}

function readDelimiters(view: string, at: number): Delimiters | undefined {
  if (!/^(?:MSH|FHS|BHS)$/.test(view.slice(at, at + 3))) return undefined;
  const encoding = view.slice(at + 4, at + 8);
  return {
    field: view[at + 3] ?? '|',
    component: encoding[0] ?? '^',
    repetition: encoding[1] ?? '~',
    subcomponent: encoding.includes('&') ? '&' : (encoding[3] ?? '&'),
  };
}

function readSegment(
  view: string,
  from: number,
  end: number,
  by: Delimiters,
  emit: (hit: Hit) => void,
): void {
  const name = view.slice(from, from + 3);
  const table = segments[name];
  if (table === undefined || view[from + 3] !== by.field) return;
  // A literal's closing quote is not part of the last field.
  const tail = /["'`][\s,;+)}\]]{0,20}$/.exec(view.slice(Math.max(from, end - 24), end));
  const stop = tail ? end - tail[0].length : end;
  let position = 1;
  for (let at = from + 4; at <= stop; position++) {
    const fieldEnd = delimiterAt(view, by.field, at, stop);
    const entry = table[position];
    if (entry !== undefined && fieldEnd > at)
      for (const part of splitAt(view, at, fieldEnd, by.repetition))
        readField(view, part, entry[0], entry[1], `HL7 v2 ${name}-${position}`, by, emit);
    at = fieldEnd + 1;
  }
}

/** Values of the patient in observations and notes. */
function readFreeText(
  view: string,
  from: number,
  end: number,
  by: Delimiters,
  echo: Echo,
  emit: (hit: Hit) => void,
): void {
  const position = freeText[view.slice(from, from + 3)];
  if (position === undefined) return;
  let at = from;
  for (let n = 0; n < position && at < end; n++) at = delimiterAt(view, by.field, at, end) + 1;
  if (at < end) echo.find(view, at, delimiterAt(view, by.field, at, end), 'the free text of HL7 v2', emit);
}

const CONFIDENCE = 0.95;
const addressComponents: ReadonlySet<number> = new Set([0, 1, 2, 4, 8]);

function readField(
  view: string,
  part: Part,
  shape: Shape,
  rule: RuleId,
  place: string,
  by: Delimiters,
  emit: (hit: Hit) => void,
): void {
  // A program's placeholder stands for a value that is not here.
  if (/[{}]|%[sd]|<[a-z]/i.test(view.slice(part.start, part.end))) return;
  const components = splitAt(view, part.start, part.end, by.component);
  const first = components[0];
  if (first === undefined) return;
  const report = (value: Part, as: RuleId, synthetic?: string): void => {
    const hit = { rule: as, start: value.start, end: value.end, confidence: CONFIDENCE, place };
    emit(synthetic === undefined ? hit : { ...hit, synthetic });
  };
  const text = (value: Part | undefined) => (value === undefined ? '' : view.slice(value.start, value.end));
  const judged = (value: Part | undefined, kind: FieldKind, as: RuleId): void => {
    if (value === undefined || value.end <= value.start) return;
    const verdict = judgeValue(kind, text(value));
    if (verdict.kind !== 'refuted')
      report(value, as, verdict.kind === 'synthetic' ? verdict.reason : undefined);
  };
  switch (shape) {
    case 'person': {
      // Family and given name with the delimiter between are one name; an XCN begins with an id.
      const named = components.slice(0, 3).filter((c) => /[A-Za-z\x80-\xff]{2}|^[A-Z]$/.test(text(c)));
      const begin = named[0];
      const last = named.at(-1);
      if (begin === undefined || last === undefined || /^(?:""|unknown|none|null)$/i.test(text(begin)))
        return;
      const whole = { start: begin.start, end: last.end };
      report(whole, rule, nameReason(text(whole), by));
      return;
    }
    case 'address':
      for (const [at, component] of components.entries()) {
        const value = text(component);
        // Street, other designation, city, postal code, county.
        if (!addressComponents.has(at) || value.length < 2) continue;
        const pieces =
          at === 0 ? splitAt(view, component.start, component.end, by.subcomponent) : [component];
        for (const piece of pieces.slice(0, 2))
          if (/[A-Za-z0-9\x80-\xff]/.test(text(piece)) && !/^(?:unknown|null|none)$/i.test(text(piece)))
            report(piece, rule);
      }
      return;
    case 'phone': {
      const as = text(components[2]) === 'FX' ? 'phi/fax' : rule;
      for (const at of [0, 6, 11]) {
        const value = text(components[at]);
        const digits = value.replaceAll(/\D/g, '');
        if (digits.length >= 5 && digits.length <= 20 && components[at] !== undefined)
          report(components[at], as, syntheticPhone(digits));
      }
      judged(
        components.find((c) => text(c).includes('@')),
        'email',
        'phi/email',
      );
      return;
    }
    case 'date':
      judged(datePart(view, first), 'birth-date', rule);
      return;
    case 'ssn':
      if (/\d{3}-?\d{2}-?\d{4}/.test(text(first))) {
        report(first, rule, ssnReason(text(first)));
      }
      return;
    case 'place':
      if (/[A-Za-z]{3}/.test(text(first))) report(first, rule);
      return;
    case 'identifier': {
      const value = text(first);
      if (value.length < 2 || !/\d/.test(value) || /^0+$/.test(value)) return;
      const type = text(components[4]);
      const social = type === 'SS' || /SSN/i.test(text(components[3]));
      if (social && judgeValue('ssn', value).kind !== 'refuted') judged(first, 'ssn', 'phi/ssn');
      else report(first, typeRules[type] ?? rule);
    }
  }
}

function nameReason(name: string, by: Delimiters): string | undefined {
  const plain = name.replaceAll(by.component, ' ').trim();
  if (plain.split(' ').every(isSyntheaName)) return 'a name with digits, as Synthea makes them';
  return syntheticName(plain);
}

function datePart(view: string, part: Part): Part {
  const match = /^\d{8}/.exec(view.slice(part.start, part.end));
  return match && part.end - part.start >= 8 ? { start: part.start, end: part.end } : part;
}
