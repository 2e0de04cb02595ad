// DICOM files (PS3.10): the attributes of the patient in the data set, read up to the pixels. Explicit or implicit,
// little or big endian, deflated, with or without the preamble; lengths are checked against the file, sequences are
// walked into.
//   file = [128 bytes, "DICM"], *element;  element = group element [VR] length value
import { inflateRawSync } from 'node:zlib';
import type { FormatReader, Hit } from '../rule.ts';
import { type DicomAttribute, dicomAttributes } from './dicom-attributes.ts';
import { syntheticName } from './synthetic.ts';
import { judgeValue } from './values.ts';

const PIXEL_DATA = '7fe00010';
const TRANSFER_SYNTAX = '00020010';
const IMPLICIT = '1.2.840.10008.1.2';
const BIG_ENDIAN = '1.2.840.10008.1.2.2';
const DEFLATED = '1.2.840.10008.1.2.1.99';
const UNDEFINED_LENGTH = 0xff_ff_ff_ff;
const MAX_ELEMENTS = 20_000;
/** A deflated data set is read up to here; the patient stands near its start. */
const MAX_INFLATED = 4 * 1024 * 1024;
const longForms = new Set(['OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'SQ', 'SV', 'UC', 'UN', 'UR', 'UT', 'UV']);

/** How the elements of a data set are written. */
interface Syntax {
  readonly implicit: boolean;
  readonly bigEndian: boolean;
}

const explicit: Syntax = { implicit: false, bigEndian: false };

export const dicomReader: FormatReader = {
  name: 'dicom',
  stateful: true,
  accepts: (head, document) =>
    document.kind === 'file' && (head.startsWith('DICM', 128) || isBare(head) !== undefined),
  read({ view, carry }, emit) {
    // Everything about the patient stands in front of the pixels, in the first window.
    if (carry !== undefined) return null;
    const bare = view.startsWith('DICM', 128) ? undefined : isBare(view);
    readElements(view, bare === undefined ? 132 : 0, bare ?? explicit, emit);
    return null;
  },
};

/** The syntax of a data set without preamble: a first element of group 2 or 8 with a possible length. */
function isBare(head: string): Syntax | undefined {
  if (!/^[\x02\x08]\0[\0-\x7f]\0/.test(head)) return undefined;
  if (/^[A-Z]{2}$/.test(head.slice(4, 6))) return explicit;
  return number(head, 4, 4, false) <= 64 ? { implicit: true, bigEndian: false } : undefined;
}

function readElements(view: string, from: number, first: Syntax, emit: (hit: Hit) => void): void {
  let data = first;
  let at = from;
  for (let n = 0; n < MAX_ELEMENTS && at + 8 <= view.length; n++) {
    // The file meta information is explicit little endian whatever follows it.
    const meta = number(view, at, 2, false) === 2;
    const by = meta ? first : data;
    const group = number(view, at, 2, by.bigEndian);
    const tag = hex(group) + hex(number(view, at + 2, 2, by.bigEndian));
    if (tag === PIXEL_DATA) return;
    const element = readHeader(view, at, by, group === 0xff_fe);
    // Items and sequences are walked into; what they hold are elements like any other.
    const inner = group === 0xff_fe || element.sequence;
    const open = inner || element.length === UNDEFINED_LENGTH;
    const end = open ? element.value : element.value + element.length;
    if (end > view.length || end < at) return;
    if (tag === TRANSFER_SYNTAX) {
      const uid = view.slice(element.value, end).replace(/[\0 ]+$/, '');
      data = { implicit: uid === IMPLICIT, bigEndian: uid === BIG_ENDIAN };
      if (uid === DEFLATED) {
        readDeflated(view, metaEnd(view, end), emit);
        return;
      }
    }
    const attribute = dicomAttributes[tag];
    if (attribute !== undefined) report(view, element.value, end, attribute, emit);
    at = end;
  }
}

/** Offset of the first element behind group 2. */
function metaEnd(view: string, from: number): number {
  let at = from;
  while (at + 8 <= view.length && number(view, at, 2, false) === 2) {
    const header = readHeader(view, at, explicit, false);
    at = header.value + header.length;
  }
  return at;
}

/** A deflated data set has no offsets of its own: what is found in it lies somewhere in the whole. */
function readDeflated(view: string, from: number, emit: (hit: Hit) => void): void {
  const packed = Buffer.from(view.slice(from), 'latin1');
  const plain = inflateRawSync(packed, { maxOutputLength: MAX_INFLATED }).toString('latin1');
  readElements(plain, 0, explicit, (hit) => emit({ ...hit, start: from, end: view.length }));
}

interface Header {
  readonly value: number;
  readonly length: number;
  readonly sequence: boolean;
}

function readHeader(view: string, at: number, by: Syntax, item: boolean): Header {
  if (item || by.implicit) {
    const length = number(view, at + 4, 4, by.bigEndian);
    return { value: at + 8, length, sequence: length === UNDEFINED_LENGTH };
  }
  const vr = view.slice(at + 4, at + 6);
  if (longForms.has(vr))
    return { value: at + 12, length: number(view, at + 8, 4, by.bigEndian), sequence: vr === 'SQ' };
  return { value: at + 8, length: number(view, at + 6, 2, by.bigEndian), sequence: false };
}

function hex(word: number): string {
  return word.toString(16).padStart(4, '0');
}

function number(view: string, at: number, bytes: number, bigEndian: boolean): number {
  let value = 0;
  for (let n = 0; n < bytes; n++)
    value = value * 256 + (view.charCodeAt(at + (bigEndian ? n : bytes - 1 - n)) || 0);
  return value;
}

function report(
  view: string,
  start: number,
  padded: number,
  [rule, kind, confidence]: DicomAttribute,
  emit: (hit: Hit) => void,
): void {
  const value = view.slice(start, padded).replace(/[\0 ]+$/, '');
  if (value.length < 2 || value.length > 400) return;
  const verdict = kind === undefined ? undefined : judgeValue(kind, value);
  if (verdict?.kind === 'refuted') return;
  const named = rule === 'phi/name' ? syntheticName(value.replaceAll('^', ' ').trim()) : undefined;
  const synthetic = verdict?.kind === 'synthetic' ? verdict.reason : named;
  const hit = { rule, start, end: start + value.length, confidence, place: 'a DICOM attribute' };
  emit(synthetic === undefined ? hit : { ...hit, synthetic });
}
