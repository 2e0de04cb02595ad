// Records in XML and HTML: elements named after fields, and values beside their labels (`dt` and `dd`, `th` and `td`).
// Read tag by tag; nothing is resolved. Formats of health care have readers of their own.
import { readText } from '../decode.ts';
import type { FormatReader, Hit } from '../rule.ts';
import { type FieldKind, fieldKind, namesPatients } from './fields.ts';
import { judgeFields, recordConfidence, type RecordField, recordHits } from './record.ts';

interface Element {
  readonly name: string;
  readonly patients: boolean;
  /** Offset behind the start tag. */
  readonly from: number;
  leaf: boolean;
  fields: RecordField[];
  told: Set<FieldKind>;
}

const tag = /<(\/?)(?:[A-Za-z][\w-]{0,20}:)?([A-Za-z][\w.-]{0,63})(?=[\s/>])[^<>]{0,2000}>/g;
const labels = new Set(['dt', 'th', 'label', 'b', 'strong']);
const values = new Set(['dd', 'td', 'span', 'p', 'div']);
/** Elements without an end tag. */
const empty = /^(?:br|hr|img|input|meta|link|col|wbr|source)$/i;
const MAX_DEPTH = 100;
const MAX_FIELDS = 64;
const MAX_VALUE = 160;

export const markupReader: FormatReader = {
  name: 'markup',
  stateful: false,
  accepts: (head, document, persons) =>
    persons > 0 &&
    document.kind === 'file' &&
    !document.binary &&
    (/^(?:xml|html?|xhtml|plist)$/.test(document.extension) ||
      /^(?:\xef\xbb\xbf)?\s{0,200}<[?!A-Za-z]/.test(head)) &&
    !/urn:hl7-org:v3|hl7\.org\/fhir|<templateId\b|<recordTarget\b/.test(head),
  read({ view, from, document }, emit) {
    const stack: Element[] = [open('', namesPatients(document.path), from)];
    let label = '';
    /** Offset behind the tag that ended a label; its value may stand there without a tag. */
    let behind = -1;
    tag.lastIndex = from;
    for (let match = tag.exec(view); match; match = tag.exec(view)) {
      const name = match[2] ?? '';
      const top = stack.at(-1);
      if (top === undefined) return null;
      if (
        behind >= 0 &&
        label !== '' &&
        /\S/.test(view.slice(behind, Math.min(match.index, behind + MAX_VALUE)))
      ) {
        addField(top, label, behind, match.index);
        label = '';
      }
      behind = -1;
      if (match[1] !== '/') {
        top.leaf = false;
        if (!match[0].endsWith('/>') && !empty.test(name) && stack.length < MAX_DEPTH)
          stack.push(open(name, top.patients || namesPatients(name), match.index + match[0].length));
        continue;
      }
      const at = stack.findLastIndex((element) => element.name === name);
      if (at <= 0) continue;
      while (stack.length - 1 > at) close(view, stack, emit);
      if (top.leaf && top.name === name) {
        const text = readText(view, top.from, Math.min(match.index, top.from + MAX_VALUE));
        const lower = name.toLowerCase();
        if (labels.has(lower) || (values.has(lower) && /:\s*$/.test(text))) {
          label = text.replace(/[\s:]+$/, '').trim();
          behind = match.index + match[0].length;
        } else {
          const key = values.has(lower) ? label : name;
          if (values.has(lower)) label = '';
          addField(stack.at(-2), key, top.from, match.index);
        }
      }
      close(view, stack, emit);
    }
    while (stack.length > 1) close(view, stack, emit);
    settle(view, stack[0], emit);
    return null;
  },
};

function open(name: string, patients: boolean, from: number): Element {
  return { name, patients, from, leaf: true, fields: [], told: new Set() };
}

function addField(parent: Element | undefined, key: string, start: number, end: number): void {
  if (parent === undefined || key === '' || end - start > MAX_VALUE || parent.fields.length >= MAX_FIELDS)
    return;
  const direct = fieldKind(key);
  const joined = direct === undefined && parent.name !== '' ? fieldKind(`${parent.name}_${key}`) : undefined;
  const kind = direct === 'bare-name' && parent.patients ? 'full-name' : (direct ?? joined);
  if (kind !== undefined) parent.fields.push({ kind, start, end });
}

/** Ends the innermost element. What is no record by itself belongs to the element around it. */
function close(view: string, stack: Element[], emit: (hit: Hit) => void): void {
  const closed = stack.pop();
  const around = stack.at(-1);
  if (closed === undefined || around === undefined) return;
  if (settle(view, closed, emit)) for (const kind of closed.told) around.told.add(kind);
  else if (around.fields.length + closed.fields.length <= MAX_FIELDS) around.fields.push(...closed.fields);
}

/** Reports the fields of an element if they are a record of one person. */
function settle(view: string, element: Element | undefined, emit: (hit: Hit) => void): boolean {
  if (element === undefined || element.fields.length === 0) return false;
  const judged = judgeFields(view, element.fields);
  const kinds = new Set(judged.map((field) => field.kind));
  const confidence = recordConfidence(new Set([...kinds, ...element.told]), element.patients);
  if (judged.length < 2 || confidence === 0 || (judged.length < 3 && confidence < 0.85)) return false;
  recordHits(judged, confidence, 'a record in XML or HTML').forEach(emit);
  element.told = new Set([...kinds, ...element.told]);
  return true;
}
