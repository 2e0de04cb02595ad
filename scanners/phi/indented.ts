// Records in lines of keys and values: YAML by indentation, and properties, env, INI and TOML by sections.
//   line = indent ["- "] key (":" / "=") blank value
import { readText } from '../decode.ts';
import type { FormatReader, Hit } from '../rule.ts';
import { type FieldKind, fieldKind, namesPatients } from './fields.ts';
import { judgeFields, recordConfidence, type RecordField, recordHits } from './record.ts';

const line =
  /^([ \t]{0,40})((?:- ){0,2})(?:["'])?([\w\x80-\xff][\w\x80-\xff. -]{0,46}?)["']?[ ]{0,2}([:=])(?:[ \t]+|$|(?<==))(.*)$/;
const MAX_LINE = 1_000;
/** An item of a list of plain values. */
const item = /^[ \t]{1,40}- (?![{[&*|>!])\S/;
/** Pairs of a mapping on one line, `{ dob: 1970-01-02, mrn: 42 }`; quoted ones are read as literals. */
const pair =
  /(?<=[{,]\s{0,4})([\w\x80-\xff][\w\x80-\xff .-]{0,46}?)\s{0,2}:\s{1,4}([^\s"'{}[\],][^{}[\],]{0,120}?)(?=\s{0,4}[,}])/g;

interface Level {
  readonly indent: number;
  readonly name: string;
  readonly patients: boolean;
  fields: RecordField[];
  told: Set<FieldKind>;
}

export const indentedReader: FormatReader = {
  name: 'indented',
  stateful: false,
  accepts: (head, document, persons) =>
    persons > 0 &&
    document.kind === 'file' &&
    !document.binary &&
    (/^(?:ya?ml|properties|env|ini|toml|conf|cfg)$/.test(document.extension) ||
      (document.extension === '' && /^[\w-]{1,40}:(?: |\r?\n)/m.test(head) && !/^\s*[{[<]/.test(head))),
  read({ view, from, document }, emit) {
    const levels: Level[] = [level(-1, '', namesPatients(document.path))];
    for (let at = from; at < view.length;) {
      const newline = view.indexOf('\n', at);
      const end = newline < 0 ? view.length : newline;
      const text = view.slice(at, Math.min(end, at + MAX_LINE)).trimEnd();
      const match = line.exec(text);
      if (match) take(view, levels, match, at, text, emit);
      else if (item.test(text)) takeItem(levels, at, text);
      else if (/^\s*\[|^\s*$|^---/.test(text)) closeTo(view, levels, text.trim() === '' ? 0 : -1, emit);
      at = end + 1;
    }
    closeTo(view, levels, -1, emit);
    return null;
  },
};

function level(indent: number, name: string, patients: boolean): Level {
  return { indent, name, patients, fields: [], told: new Set() };
}

function take(
  view: string,
  levels: Level[],
  match: RegExpExecArray,
  at: number,
  text: string,
  emit: (hit: Hit) => void,
): void {
  const dash = (match[2] ?? '').length;
  const indent = (match[1] ?? '').length + dash;
  // A dash begins a new record even where the indentation stays.
  closeTo(view, levels, dash > 0 ? indent : indent + 1, emit);
  const key = readText(match[3] ?? '', 0, 48);
  const value = match[5] ?? '';
  let top = levels.at(-1);
  if (top === undefined) return;
  if (top.indent < indent) {
    top = level(indent, top.name, top.patients);
    levels.push(top);
  }
  if (value.startsWith('{')) {
    takePairs(view, top, key, at + text.length - value.length, value, emit);
    return;
  }
  if (value === '' || /^[&|>!]/.test(value)) {
    levels.push(level(indent + 1, key, top.patients || namesPatients(key)));
    return;
  }
  const kind = kindOf(top, key);
  if (kind === undefined) return;
  const cell = scalar(at + text.length - value.length, value);
  if (top.fields.length < 64) top.fields.push({ kind, ...cell });
}

/** A plain item belongs to the key above its list: the given names of a person, the lines of an address. */
function takeItem(levels: readonly Level[], at: number, text: string): void {
  const list = levels.at(-1);
  const around = levels.at(-2);
  if (list === undefined || around === undefined || list.fields.length > 0) return;
  const kind = kindOf(around, list.name);
  if (kind === undefined || kind === 'bare-name' || around.fields.length >= 64) return;
  const value = text.trimStart().slice(2);
  around.fields.push({ kind, ...scalar(at + text.length - value.length, value) });
}

/** The pairs of a mapping on one line are a record of their own. */
function takePairs(
  view: string,
  top: Level,
  name: string,
  at: number,
  value: string,
  emit: (hit: Hit) => void,
): void {
  const inner = level(0, name, top.patients || namesPatients(name));
  for (const match of value.matchAll(pair)) {
    const kind = kindOf(inner, readText(match[1] ?? '', 0, 48));
    const end = at + match.index + match[0].length;
    if (kind !== undefined && inner.fields.length < 64)
      inner.fields.push({ kind, start: end - (match[2] ?? '').length, end });
  }
  settle(view, inner, emit);
}

/** Kinds whose values may be words: at the end of a path they may be the label of a field. */
const alsoText: ReadonlySet<FieldKind> = new Set(['bare-name', 'full-name', 'street', 'city']);

function kindOf(top: Level, key: string): FieldKind | undefined {
  const direct = fieldKind(key);
  if (direct === 'bare-name') return top.patients ? 'full-name' : direct;
  if (direct !== undefined) return direct;
  // Of a path the last part names the field; `Patient.name` is more often a text of the program's own.
  const dot = key.lastIndexOf('.');
  const last = dot > 0 ? fieldKind(key.slice(dot + 1)) : undefined;
  if (last !== undefined && !alsoText.has(last)) return last;
  return top.name === '' ? undefined : fieldKind(`${top.name}_${key}`);
}

/** The value without quotes, a comment behind it and a trailing comma. */
function scalar(start: number, value: string): { readonly start: number; readonly end: number } {
  const quoted = /^(["'])(.{0,400}?)\1/.exec(value);
  if (quoted) return { start: start + 1, end: start + 1 + (quoted[2] ?? '').length };
  const plain = value.replace(/\s#.*$/, '').replace(/[,\s]+$/, '');
  return { start, end: start + plain.length };
}

/** Ends the levels that are indented at least this far, innermost first. */
function closeTo(view: string, levels: Level[], indent: number, emit: (hit: Hit) => void): void {
  for (
    let top = levels.at(-1);
    top !== undefined && top.indent >= indent && levels.length > 1;
    top = levels.at(-1)
  ) {
    levels.pop();
    const around = levels.at(-1);
    if (!settle(view, top, emit)) around?.fields.push(...top.fields.slice(0, 64));
    else if (around !== undefined) around.told = new Set([...around.told, ...top.told]);
  }
  const outermost = levels[0];
  if (levels.length === 1 && outermost !== undefined && indent <= 0) {
    settle(view, outermost, emit);
    outermost.fields = [];
    outermost.told = new Set();
  }
}

function settle(view: string, done: Level, emit: (hit: Hit) => void): boolean {
  const judged = judgeFields(view, done.fields);
  const kinds = new Set(judged.map((field) => field.kind));
  const confidence = recordConfidence(new Set([...kinds, ...done.told]), done.patients);
  if (judged.length < 2 || confidence === 0 || (judged.length < 3 && confidence < 0.85)) return false;
  recordHits(judged, confidence, 'a record').forEach(emit);
  done.fields = [];
  done.told = kinds;
  return true;
}
