// X12 transactions of health insurance (270/271, 276/277, 278, 820, 834, 835, 837). The delimiters stand at fixed
// bytes of ISA: element separator at 3, component separator at 104, segment terminator at 105.
import type { RuleId } from '../catalog.ts';
import type { FormatReader, Hit } from '../rule.ts';
import type { FieldKind } from './fields.ts';
import { ssnReason } from '../validators/ssn.ts';
import { splitAt } from './split.ts';
import { syntheticName } from './synthetic.ts';
import { isDate, judgeValue } from './values.ts';

interface State {
  element: string;
  readonly terminator: string;
  /** True while the last NM1 named a patient, subscriber or another private person. */
  person: boolean;
}

const MAX_SEGMENT = 4_096;
/** ISA has 106 bytes; more where its elements are padded too far. */
const MAX_HEADER = 200;
/** Entity codes of NM101 that mean a private person. */
const persons = new Set(
  'IL QC 74 03 S1 S2 S3 GD P3 EXS E1 EI LR 31 36 70 1I Y2 QD GM IN HK SJ 0B M8'.split(' '),
);

/** Reference qualifiers (REF01) whose value identifies the person. */
const references: Readonly<Record<string, RuleId>> = {
  SY: 'phi/ssn',
  '17': 'phi/health-plan',
  '49': 'phi/health-plan',
  '6P': 'phi/health-plan',
  A6: 'phi/other',
  ABB: 'phi/other',
  D9: 'phi/account',
  DX: 'phi/health-plan',
  IL: 'phi/health-plan',
  N6: 'phi/health-plan',
  QQ: 'phi/other',
  ZH: 'phi/health-plan',
  ZZ: 'phi/other',
  '0F': 'phi/health-plan',
  '1L': 'phi/health-plan',
  '1W': 'phi/health-plan',
  IG: 'phi/health-plan',
  EA: 'phi/mrn',
  EJ: 'phi/account',
  F6: 'phi/health-plan',
  F8: 'phi/account',
  '23': 'phi/health-plan',
  '3H': 'phi/account',
  Y4: 'phi/other',
};

export const x12Reader: FormatReader = {
  name: 'x12',
  stateful: true,
  accepts: (head, document) =>
    document.kind === 'file' &&
    head.includes('ISA') &&
    /(?:^|[\r\n"'`]|\xef\xbb\xbf)\s{0,8}ISA[^A-Za-z0-9\s]\d\d/.test(head),
  read({ view, from, carry }, emit) {
    let state = isState(carry) ? { ...carry } : undefined;
    let at = from;
    if (state === undefined) {
      const found = /ISA[^A-Za-z0-9\s]\d\d/.exec(view);
      if (found === null) return null;
      at = found.index;
      state = readHeader(view, at);
      if (state === undefined) return null;
    }
    while (at < view.length) {
      const stop = view.indexOf(state.terminator, at);
      const end = stop < 0 ? view.length : stop;
      at = segmentStart(view, at, end);
      // Another interchange may use other delimiters.
      const next = view.startsWith('ISA', at) && at > from ? readHeader(view, at) : undefined;
      if (next !== undefined && next.terminator !== state.terminator) {
        state = next;
        continue;
      }
      if (next !== undefined) state.element = next.element;
      if (end - at <= MAX_SEGMENT) readSegment(view, at, end, state, emit);
      at = end + 1;
    }
    return state;
  },
};

const between = /(?:[\s"'`+,;()[\]]|\\[rnt])*/y;

/** Skips line ends, and in a program what stands between two literals. */
function segmentStart(view: string, at: number, end: number): number {
  between.lastIndex = at;
  return Math.min(end, between.exec(view) === null ? at : between.lastIndex);
}

function isState(carry: unknown): carry is State {
  return typeof carry === 'object' && carry !== null && 'terminator' in carry;
}

/** Reads the delimiters; where ISA is not padded to its 106 bytes, from its 16th element. */
function readHeader(view: string, at: number): State | undefined {
  const element = view[at + 3] ?? '*';
  let terminator = view[at + 105] ?? '~';
  const last = splitAt(view, at, Math.min(view.length, at + MAX_HEADER), element)[16];
  if (last !== undefined) terminator = view[last.start + 1] ?? '~';
  if (/[A-Za-z0-9]/.test(terminator)) return undefined;
  return { element, terminator, person: false };
}

const CONFIDENCE = 0.95;
/** Dates of service identify in combination only. */
const CARE_DATE = 0.6;

function readSegment(view: string, from: number, end: number, state: State, emit: (hit: Hit) => void): void {
  const parts = splitAt(view, from, end, state.element);
  const text = (at: number) => {
    const part = parts[at];
    return part === undefined ? '' : view.slice(part.start, part.end).trim();
  };
  const name = text(0);
  const report = (at: number, rule: RuleId, synthetic?: string, last = at, confidence = CONFIDENCE): void => {
    const first = parts[at];
    const final = parts[last];
    if (first === undefined || final === undefined || final.end <= first.start) return;
    const hit = { rule, start: first.start, end: final.end, confidence, place: `X12 ${name}` };
    emit(synthetic === undefined ? hit : { ...hit, synthetic });
  };
  const judged = (at: number, kind: FieldKind, rule: RuleId): void => {
    const verdict = judgeValue(kind, text(at));
    if (verdict.kind !== 'refuted')
      report(at, rule, verdict.kind === 'synthetic' ? verdict.reason : undefined);
  };
  switch (name) {
    case 'NM1': {
      state.person = text(2) === '1' && persons.has(text(1));
      if (!state.person) return;
      const last = text(4) === '' ? 3 : text(5) === '' ? 4 : 5;
      if (text(3) !== '') report(3, 'phi/name', syntheticName(`${text(3)} ${text(4)}`.trim()), last);
      if (text(8) === '34') judged(9, 'ssn', 'phi/ssn');
      else if (/\d/.test(text(9))) report(9, text(8) === 'MR' ? 'phi/mbi' : 'phi/health-plan');
      return;
    }
    case 'N3':
      if (!state.person) return;
      report(1, 'phi/address');
      report(2, 'phi/address');
      return;
    case 'N4':
      if (!state.person) return;
      report(1, 'phi/address');
      report(3, 'phi/address');
      return;
    case 'DMG':
      if (isDate(text(2))) report(2, 'phi/birth-date');
      return;
    case 'PER':
      if (state.person)
        for (const at of [4, 6, 8])
          if (text(at - 1) === 'EM') judged(at, 'email', 'phi/email');
          else judged(at, 'phone', text(at - 1) === 'FX' ? 'phi/fax' : 'phi/phone');
      return;
    case 'REF': {
      const rule = references[text(1)];
      if (rule === 'phi/ssn') {
        if (/^\d{3}-?\d{2}-?\d{4}$/.test(text(2)) && !/^[0-]+$/.test(text(2)))
          report(2, rule, ssnReason(text(2)));
      } else if (rule !== undefined && /\d/.test(text(2))) report(2, rule);
      return;
    }
    case 'CLM':
    case 'CLP':
      if (/[\dA-Za-z]/.test(text(1))) report(1, 'phi/account');
      return;
    case 'SBR':
      if (/\d/.test(text(3))) report(3, 'phi/health-plan');
      return;
    case 'DTP':
      if (text(2) === 'D8' && isDate(text(3))) report(3, 'phi/date', undefined, 3, CARE_DATE);
      return;
    case 'HL':
      state.person = false;
  }
}
