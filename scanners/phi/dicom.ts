// DICOM files (PS3.10): the attributes of the patient in the data set, read up to the pixels. Little endian, explicit
// or implicit; lengths are checked against the file, sequences are walked into.
//   file = 128 bytes, "DICM", *element;  element = group element [VR] length value
import type { RuleId } from '../catalog.ts';
import type { FormatReader, Hit } from '../rule.ts';
import type { FieldKind } from './fields.ts';
import { syntheticName } from './synthetic.ts';
import { judgeValue } from './values.ts';

/** Attributes of PS3.15 annex E that identify the patient, by tag. */
const attributes: Readonly<Record<string, readonly [RuleId, FieldKind | undefined]>> = {
  '00100010': ['phi/name', undefined],
  '00100020': ['phi/mrn', undefined],
  '00100030': ['phi/birth-date', 'birth-date'],
  '00101000': ['phi/mrn', undefined],
  '00101001': ['phi/name', undefined],
  '00101005': ['phi/name', undefined],
  '00101040': ['phi/address', undefined],
  '00101060': ['phi/name', undefined],
  '00102154': ['phi/phone', 'phone'],
  '00102297': ['phi/name', undefined],
  '00380010': ['phi/account', undefined],
};

const PIXEL_DATA = '7fe00010';
const IMPLICIT = '1.2.840.10008.1.2';
const UNDEFINED_LENGTH = 0xff_ff_ff_ff;
const MAX_ELEMENTS = 20_000;
const longForms = new Set(['OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'SQ', 'SV', 'UC', 'UN', 'UR', 'UT', 'UV']);

export const dicomReader: FormatReader = {
  name: 'dicom',
  stateful: true,
  accepts: (head, document) => document.kind === 'file' && head.startsWith('DICM', 128),
  read({ view, carry }, emit) {
    // Everything about the patient stands in front of the pixels, in the first window.
    if (carry !== undefined) return null;
    let implicit = false;
    let at = 132;
    for (let n = 0; n < MAX_ELEMENTS && at + 8 <= view.length; n++) {
      const group = number(view, at, 2);
      const tag =
        group.toString(16).padStart(4, '0') +
        number(view, at + 2, 2)
          .toString(16)
          .padStart(4, '0');
      if (tag === PIXEL_DATA) break;
      const element = readHeader(view, at, implicit && group !== 2, group === 0xff_fe);
      // Items and sequences are walked into; what they hold are elements like any other.
      const inner = group === 0xff_fe || element.sequence;
      const end =
        inner || element.length === UNDEFINED_LENGTH ? element.value : element.value + element.length;
      if (end > view.length || end < at) break;
      if (tag === '00020010') implicit = view.slice(element.value, end).replace(/[\0 ]+$/, '') === IMPLICIT;
      const entry = attributes[tag];
      if (entry !== undefined) report(view, element.value, end, entry[0], entry[1], emit);
      at = end;
    }
    return null;
  },
};

interface Header {
  readonly value: number;
  readonly length: number;
  readonly sequence: boolean;
}

function readHeader(view: string, at: number, implicit: boolean, item: boolean): Header {
  if (item || implicit) {
    const length = number(view, at + 4, 4);
    return { value: at + 8, length, sequence: length === UNDEFINED_LENGTH };
  }
  const vr = view.slice(at + 4, at + 6);
  if (longForms.has(vr)) return { value: at + 12, length: number(view, at + 8, 4), sequence: vr === 'SQ' };
  return { value: at + 8, length: number(view, at + 6, 2), sequence: false };
}

function number(view: string, at: number, bytes: number): number {
  let value = 0;
  for (let n = bytes - 1; n >= 0; n--) value = value * 256 + (view.charCodeAt(at + n) || 0);
  return value;
}

function report(
  view: string,
  start: number,
  padded: number,
  rule: RuleId,
  kind: FieldKind | undefined,
  emit: (hit: Hit) => void,
): void {
  const value = view.slice(start, padded).replace(/[\0 ]+$/, '');
  if (value.length < 2 || value.length > 400) return;
  const verdict = kind === undefined ? undefined : judgeValue(kind, value);
  if (verdict?.kind === 'refuted') return;
  const named = rule === 'phi/name' ? syntheticName(value.replaceAll('^', ' ').trim()) : undefined;
  const synthetic = verdict?.kind === 'synthetic' ? verdict.reason : named;
  const hit = { rule, start, end: start + value.length, confidence: 0.95, place: 'a DICOM attribute' };
  emit(synthetic === undefined ? hit : { ...hit, synthetic });
}
