// Records in brackets: JSON, object and dict literals, keyword arguments, builders and field assignments of most
// languages. One tolerant walk over the characters; nothing is evaluated and nothing needs to be well formed.
import { readText } from '../decode.ts';
import type { FormatReader, Hit } from '../rule.ts';
import { type FieldKind, fieldKind, namesPatients } from './fields.ts';
import { judgeFields, recordConfidence, recordHits, type RecordField } from './record.ts';

interface Frame {
  readonly bracket: string;
  /** Key or callee in front of the bracket. */
  readonly name: string;
  readonly patients: boolean;
  fields: RecordField[];
  keys: Set<string>;
  /** Kinds that were reported already for the same person. */
  told: Set<FieldKind>;
  /** Offset of the last field, to tell one record of statements from the next. */
  last: number;
}

const MAX_DEPTH = 200;
const MAX_FIELDS = 64;
/** Statements further apart than this do not fill the same record. */
const MAX_GAP = 1_500;
const token = /"""|'''|\/\/|\/\*|["'`{}[\]():=,;\n]|[A-Za-z_$\x80-\xff][\w$\x80-\xff]*|\d[\w.-]*/g;
const hashComments = new Set(['py', 'pyi', 'rb', 'sh', 'bash', 'pl', 'r', 'toml', 'yml', 'yaml']);

export const literalReader: FormatReader = {
  name: 'literals',
  stateful: false,
  local: true,
  accepts: (_head, document, persons) => persons > 0 && document.kind !== 'names' && !document.binary,
  read({ view, from, document }, emit) {
    new LiteralWalk(view, namesPatients(document.path), hashComments.has(document.extension), emit).walk(
      from,
    );
    return null;
  },
};

class LiteralWalk {
  readonly #view: string;
  readonly #emit: (hit: Hit) => void;
  readonly #hash: boolean;
  readonly #stack: Frame[];

  constructor(view: string, patients: boolean, hash: boolean, emit: (hit: Hit) => void) {
    this.#view = view;
    this.#emit = emit;
    this.#hash = hash;
    this.#stack = [frame('', '', patients)];
  }

  /** Walks from `from` to the end. Work is linear: every token is read once. */
  walk(from: number): void {
    const view = this.#view;
    const tokens = new RegExp(this.#hash ? `#|${token.source}` : token, 'g');
    tokens.lastIndex = from;
    /** The last string or word, which is a key if `:` or `=` follows. */
    let word = '';
    let key: string | undefined;
    for (let match = tokens.exec(view); match; match = tokens.exec(view)) {
      const text = match[0];
      const at = match.index;
      switch (text) {
        case '#':
        case '//':
          if (text === '#' || view[at - 1] !== ':') tokens.lastIndex = indexOr(view, '\n', at);
          break;
        case '/*':
          tokens.lastIndex = indexOr(view, '*/', at + 2) + 1;
          break;
        case '"""':
        case "'''":
          tokens.lastIndex = indexOr(view, text, at + 3) + 3;
          word = '';
          break;
        case '"':
        case "'":
        case '`': {
          const end = stringEnd(view, at + 1, text);
          if (end < 0) break;
          tokens.lastIndex = end + 1;
          if (this.#isKey(end + 1)) {
            word = end - at <= 48 ? readText(view, at + 1, end) : '';
            key = undefined;
          } else {
            this.#value(key, at + 1, end);
            key = undefined;
            word = '';
          }
          break;
        }
        case '{':
        case '[':
        case '(':
          this.#open(text, key ?? word);
          key = undefined;
          word = '';
          break;
        case '}':
        case ']':
        case ')':
          this.#close();
          key = undefined;
          word = '';
          break;
        case ':':
        case '=':
          key = word === '' ? undefined : word;
          word = '';
          break;
        case ',':
        case ';':
        case '\n':
          if (text !== '\n' || key === undefined) word = '';
          if (text !== '\n') key = undefined;
          break;
        default:
          if (key !== undefined && /^\d/.test(text)) {
            this.#value(key, at, at + text.length);
            key = undefined;
          } else if (text.length <= 48) word = text;
      }
    }
    while (this.#stack.length > 1) this.#close();
    this.#settle(this.#top());
  }

  #top(): Frame {
    const top = this.#stack.at(-1);
    if (top === undefined) throw new RangeError('The walk lost its outermost frame.');
    return top;
  }

  #isKey(at: number): boolean {
    return /^\s{0,4}(?::(?!:)|=>|\]\s{0,2}=(?!=))/.test(this.#view.slice(at, at + 10));
  }

  #open(bracket: string, name: string): void {
    if (this.#stack.length < MAX_DEPTH)
      this.#stack.push(frame(bracket, name, this.#top().patients || namesPatients(name)));
  }

  #value(key: string | undefined, start: number, end: number): void {
    const top = this.#top();
    if (key !== undefined) this.#add(top, key, start, end);
    else if (top.bracket === '(' && top.fields.length === 0) {
      // A builder or setter: the call's name is the key and its only argument the value, for the frame around it.
      const setter = top.name.replace(/^(?:set|with|add|put)(?=[A-Z_])/, '');
      const around = this.#stack.at(-2);
      if (
        around !== undefined &&
        fieldKind(setter) !== undefined &&
        /^["'`]?\s{0,4}\)/.test(this.#view.slice(end, end + 8))
      )
        this.#add(around, setter, start, end);
    }
  }

  #add(target: Frame, key: string, start: number, end: number): void {
    const kind = this.#kindOf(target, key);
    if (kind === undefined || end - start > 160) return;
    if (target.keys.has(key) || (start - target.last > MAX_GAP && target.bracket === '')) {
      this.#settle(target);
      target.fields = [];
      target.told = new Set();
    }
    if (target.fields.length >= MAX_FIELDS) return;
    target.keys.add(key);
    target.fields.push({ kind, start, end });
    target.last = end;
  }

  #kindOf(target: Frame, key: string): FieldKind | undefined {
    const direct = fieldKind(key);
    if (direct !== undefined && direct !== 'bare-name') return direct;
    const joined = target.name === '' ? undefined : fieldKind(`${target.name}_${key}`);
    if (joined !== undefined) return joined;
    return direct === 'bare-name' && target.patients ? 'full-name' : direct;
  }

  #close(): void {
    if (this.#stack.length <= 1) return;
    const closed = this.#stack.pop();
    if (closed === undefined || closed.fields.length === 0) return;
    const around = this.#top();
    const nested = closed.bracket === '{' && closed.name !== '' && around.bracket === '{';
    const listed = closed.bracket === '[' && closed.name !== '' && around.bracket === '{';
    const element =
      closed.bracket === '{' && around.bracket === '[' && around.name !== '' && around.fields.length < 8;
    if (this.#settle(closed)) {
      if (nested) for (const kind of closed.told) around.told.add(kind);
      return;
    }
    // What is no record by itself (a name, an address) belongs to the object around it.
    if ((nested || listed || element) && around.fields.length + closed.fields.length <= MAX_FIELDS) {
      around.fields.push(...closed.fields);
      around.last = closed.last;
    }
  }

  /** Reports a frame's record if it is one. Kinds that an inner record told count as evidence. */
  #settle(done: Frame): boolean {
    const judged = judgeFields(this.#view, done.fields);
    const kinds = new Set(judged.map((field) => field.kind));
    const confidence = recordConfidence(new Set([...kinds, ...done.told]), done.patients);
    done.keys = new Set();
    if (judged.length === 0 || confidence === 0) return false;
    if (judged.length + done.told.size < 3 && confidence < 0.85) return false;
    recordHits(judged, confidence, 'a record').forEach(this.#emit);
    done.fields = [];
    done.told = new Set([...kinds, ...done.told]);
    return true;
  }
}

function frame(bracket: string, name: string, patients: boolean): Frame {
  return { bracket, name, patients, fields: [], keys: new Set(), told: new Set(), last: 0 };
}

function indexOr(view: string, text: string, from: number): number {
  const found = view.indexOf(text, from);
  return found < 0 ? view.length : found;
}

const MAX_STRING = 65_536;

/** Offset of the closing quote on the same line, -1 where there is none. */
function stringEnd(view: string, from: number, quote: string): number {
  const limit = Math.min(view.length, from + MAX_STRING);
  for (let at = from; at < limit; at++) {
    const char = view[at];
    if (char === quote) return at;
    if (char === '\\') at++;
    else if (char === '\n' && quote !== '`') return -1;
  }
  return -1;
}
