// Records in brackets: JSON, object and dict literals, keyword arguments, builders and field assignments of most
// languages. One tolerant walk over the characters; nothing is evaluated and nothing needs to be well formed.
import { readText } from '../decode.ts';
import type { FormatReader, Hit } from '../rule.ts';
import { type FieldKind, fieldKind, namesPatients } from './fields.ts';
import { MAX_NESTED, MIN_NESTED, nestedKind, opensNested, readTable, unescaped } from './nested-text.ts';
import { judgeFields, recordConfidence, recordHits, type RecordField } from './record.ts';

interface Frame {
  readonly bracket: string;
  /** Key or callee in front of the bracket. */
  readonly name: string;
  readonly patients: boolean;
  fields: readonly RecordField[];
  keys: ReadonlySet<string>;
  /** Kinds that were reported already for the same person. */
  told: ReadonlySet<FieldKind>;
  /** Offset of the last field, to tell one record of statements from the next. */
  last: number;
  /** True where the bracket is the value of a key. */
  readonly keyed: boolean;
  /** A string that names a field, and may be the key of the next one: `put("dob", "…")`, `{type: "MRN", value: …}`. */
  label: string;
}

// Nearly all brackets hold no field of a person: they share these.
const noFields: readonly RecordField[] = [];
const noKeys: ReadonlySet<string> = new Set();
const noKinds: ReadonlySet<FieldKind> = new Set();

const MAX_DEPTH = 200;
const MAX_FIELDS = 64;
/** Statements further apart than this do not fill the same record. */
const MAX_GAP = 1_500;
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
  /** The characters of the view: reading them from a string takes several times as long. */
  readonly #codes: Uint8Array;
  readonly #emit: (hit: Hit) => void;
  readonly #hash: boolean;
  readonly #stack: Frame[];
  /** Strings around this text. */
  readonly #depth: number;

  constructor(view: string, patients: boolean, hash: boolean, emit: (hit: Hit) => void, depth = 0) {
    this.#depth = depth;
    this.#view = view;
    this.#codes = Buffer.from(view, 'latin1');
    this.#emit = emit;
    this.#hash = hash;
    this.#stack = [frame('', '', patients, false)];
  }

  /** Walks from `from` to the end. Work is linear: every token is read once. */
  walk(from: number): void {
    const view = this.#view;
    const codes = this.#codes;
    /** Offset and end of the last string or word, which is a key if `:` or `=` follows; -1 where there is none. */
    let word = -1;
    let wordEnd = -1;
    let key: string | undefined;
    for (let at = from; at < view.length;) {
      switch (kinds[codes[at] ?? 0]) {
        case HASH:
          at = this.#hash ? indexOr(view, '\n', at) : at + 1;
          break;
        case SLASH:
          if (codes[at + 1] === 0x2a) at = indexOr(view, '*/', at + 2) + 1;
          else if (codes[at + 1] !== 0x2f) at++;
          else at = codes[at - 1] === 0x3a ? at + 2 : indexOr(view, '\n', at);
          break;
        case QUOTE: {
          const quote = codes[at] ?? 0;
          if (quote !== 0x60 && codes[at + 1] === quote && codes[at + 2] === quote) {
            const inner = at + 3;
            const close = indexOr(view, view.slice(at, inner), inner);
            this.#inside(key, inner, close, false);
            at = close + 3;
            word = -1;
            break;
          }
          const end = stringEnd(codes, at + 1, quote);
          if (end < 0) {
            at++;
            break;
          }
          if (this.#isKey(end + 1)) {
            word = end - at <= 48 ? at : -1;
            wordEnd = end;
          } else {
            if (!this.#inside(key, at + 1, end, quote !== 0x60)) this.#value(key, at + 1, end);
            word = -1;
          }
          key = undefined;
          at = end + 1;
          break;
        }
        case OPEN:
          this.#open(view.charAt(at), key ?? this.#word(word, wordEnd), key !== undefined, at);
          key = undefined;
          word = -1;
          at++;
          break;
        case CLOSE:
          this.#close();
          key = undefined;
          word = -1;
          at++;
          break;
        case ASSIGN:
          key = word < 0 ? undefined : this.#word(word, wordEnd);
          if (key === '') key = undefined;
          word = -1;
          at++;
          break;
        case SEPARATOR:
          key = undefined;
          word = -1;
          at++;
          break;
        case LINE_END:
          // A value may stand on the next line, but not behind a word that was one.
          if (key !== undefined && word >= 0) key = undefined;
          if (key === undefined) word = -1;
          at++;
          break;
        case LETTER:
        case DIGIT: {
          const isNumber = kinds[codes[at] ?? 0] === DIGIT;
          const end = tokenEnd(codes, at, isNumber);
          if (isNumber && key !== undefined) {
            this.#value(key, at, end);
            key = undefined;
          } else if (end - at <= 48) {
            word = at;
            wordEnd = end;
          }
          at = end;
          break;
        }
        default:
          at++;
      }
    }
    while (this.#stack.length > 1) this.#close();
    this.#settle(this.#top());
  }

  /** Walks what a string holds that is a document itself: JSON, escaped or not, or a table. True where it is one. */
  #inside(key: string | undefined, start: number, end: number, escaped: boolean): boolean {
    if (end - start < MIN_NESTED || end - start > MAX_STRING || this.#depth >= MAX_NESTED) return false;
    if (escaped && !opensNested(this.#view, start)) return false;
    const text = this.#view.slice(start, end);
    const emit = (hit: Hit): void => this.#emit({ ...hit, start: hit.start + start, end: hit.end + start });
    const kind = nestedKind(text, escaped);
    if (kind === 'table') readTable(text, emit);
    if (kind !== 'record') return kind !== undefined;
    const patients = this.#top().patients || (key !== undefined && namesPatients(key));
    const inner = escaped ? unescaped(text) : text;
    new LiteralWalk(inner, patients, this.#hash, emit, this.#depth + 1).walk(0);
    return true;
  }

  /** The word or string that begins at `at`, without its quote. */
  #word(at: number, end: number): string {
    if (at < 0) return '';
    return kinds[this.#view.charCodeAt(at)] === QUOTE
      ? readText(this.#view, at + 1, end)
      : this.#view.slice(at, end);
  }

  #top(): Frame {
    const top = this.#stack.at(-1);
    if (top === undefined) throw new RangeError('The walk lost its outermost frame.');
    return top;
  }

  #isKey(at: number): boolean {
    keyMark.lastIndex = at;
    return keyMark.test(this.#view);
  }

  #open(bracket: string, name: string, keyed: boolean, at: number): void {
    if (this.#stack.length >= MAX_DEPTH) return;
    const top = this.#top();
    if (bracket === '(' && kinds[this.#view.charCodeAt(at + 1)] === DIGIT)
      this.#date(keyed ? top : this.#stack.at(-2), keyed ? name : setterField(top.name), at);
    this.#stack.push(frame(bracket, name, top.patients || (name !== '' && namesPatients(name)), keyed));
  }

  /** A date by its numbers: `dob = date(1966, 2, 14)`, `setBirthDate(LocalDate.of(1966, 2, 14))`. */
  #date(target: Frame | undefined, key: string, at: number): void {
    if (target === undefined || fieldKind(key) !== 'birth-date') return;
    const match = /^\((\d{4}, ?\d{1,2}, ?\d{1,2})\s{0,4}\)/.exec(this.#view.slice(at, at + 24));
    if (match !== null) this.#add(target, key, at + 1, at + 1 + (match[1] ?? '').length);
  }

  #value(key: string | undefined, start: number, end: number): void {
    const top = this.#top();
    if (key !== undefined) this.#keyed(top, key, start, end);
    else if (top.keyed && top.bracket !== '' && fieldKind(top.name) !== undefined)
      this.#element(top, start, end);
    else if (top.label !== '') {
      const around = this.#stack.at(-2);
      if (around !== undefined) this.#add(around, top.label, start, end);
      top.label = '';
    } else if (top.bracket !== '[' && top.fields.length === 0) this.#argument(top, start, end);
  }

  /** The value of a key, or of the name that stands beside it in the same object. */
  #keyed(top: Frame, key: string, start: number, end: number): void {
    if (end - start <= 32 && labelKeys.test(key)) {
      const text = readText(this.#view, start, end);
      if (fieldKind(text) !== undefined && fieldKind(text) !== 'bare-name') {
        top.label = text;
        return;
      }
    }
    if (top.label !== '' && valueKeys.test(key)) {
      this.#add(this.#holder(), top.label, start, end);
      top.label = '';
    } else this.#add(top, key, start, end);
  }

  /** The frame of the person to whom a list of labelled values belongs. */
  #holder(): Frame {
    for (let at = this.#stack.length - 2; at > 0; at--) {
      const each = this.#stack[at];
      if (each?.bracket === '{') return each;
    }
    return this.#top();
  }

  /** One of the values of a list that is named after a field: the column of a data frame, the given names of one. */
  #element(top: Frame, start: number, end: number): void {
    const kind = fieldKind(top.name);
    const around = this.#stack.at(-2);
    if (kind === undefined || kind === 'bare-name' || around === undefined) return;
    if (end - start <= 160 && around.fields.length < MAX_FIELDS)
      around.fields = [...around.fields, { kind, start, end }];
  }

  /** A builder or setter: the call's name is the key and its only argument the value, for the frame around it. */
  #argument(top: Frame, start: number, end: number): void {
    const setter = setterField(top.name);
    const around = this.#stack.at(-2);
    if (around === undefined) return;
    if (fieldKind(setter) !== undefined && /^["'`]?\s{0,4}[)}]/.test(this.#view.slice(end, end + 8)))
      this.#add(around, setter, start, end);
    else if (top.bracket === '(' && end - start <= 32 && this.#view[end + 1] === ',') {
      const text = readText(this.#view, start, end).replace(/^[#.]|^\[name=["']?|["']?\]$/g, '');
      if (fieldKind(text) !== undefined && fieldKind(text) !== 'bare-name') top.label = text;
    }
  }

  #add(target: Frame, key: string, start: number, end: number): void {
    const kind = this.#kindOf(target, key);
    if (kind === undefined || end - start > 160) return;
    if (target.keys.has(key) || (start - target.last > MAX_GAP && target.bracket === '')) {
      this.#settle(target);
      target.fields = noFields;
      target.told = noKinds;
    }
    if (target.fields.length >= MAX_FIELDS) return;
    target.keys = new Set([...target.keys, key]);
    target.fields = [...target.fields, { kind, start, end }];
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
      if (nested) around.told = new Set([...around.told, ...closed.told]);
      return;
    }
    // What is no record by itself (a name, an address) belongs to the object around it.
    if ((nested || listed || element) && around.fields.length + closed.fields.length <= MAX_FIELDS) {
      around.fields = [...around.fields, ...closed.fields];
      around.last = closed.last;
    }
  }

  /** Reports a frame's record if it is one. Kinds that an inner record told count as evidence. */
  #settle(done: Frame): boolean {
    done.keys = noKeys;
    if (done.fields.length === 0) return false;
    const judged = judgeFields(this.#view, done.fields);
    const found = new Set(judged.map((field) => field.kind));
    const confidence = recordConfidence(new Set([...found, ...done.told]), done.patients);
    if (judged.length === 0 || confidence === 0) return false;
    if (judged.length + done.told.size < 3 && confidence < 0.85) return false;
    recordHits(judged, confidence, 'a record').forEach(this.#emit);
    done.fields = noFields;
    done.told = new Set([...found, ...done.told]);
    return true;
  }
}

/** Keys whose value says what the value beside them is. */
const labelKeys = /^(?:type|kind|label|name|field|code|key|identifier_?type)$/i;
const valueKeys = /^(?:value|number|text|content|val|id)$/i;

/** The field that a setter is named after. */
function setterField(name: string): string {
  return name.replace(/^(?:set|with|add|put)(?=[A-Z_])/, '');
}

function frame(bracket: string, name: string, patients: boolean, keyed: boolean): Frame {
  return {
    bracket,
    name,
    patients,
    fields: noFields,
    keys: noKeys,
    told: noKinds,
    last: 0,
    keyed,
    label: '',
  };
}

function indexOr(view: string, text: string, from: number): number {
  const found = view.indexOf(text, from);
  return found < 0 ? view.length : found;
}

const MAX_STRING = 65_536;

/** Offset of the closing quote on the same line, -1 where there is none. */
function stringEnd(codes: Uint8Array, from: number, quote: number): number {
  const limit = Math.min(codes.length, from + MAX_STRING);
  for (let at = from; at < limit; at++) {
    const code = codes[at];
    if (code === quote) return at;
    if (code === 0x5c) at++;
    else if (code === 0x0a && quote !== 0x60) return -1;
  }
  return -1;
}

/** Behind `::` stands no key, and `=>` and an index with `=` are followed by a value. */
const keyMark = /\s{0,4}(?::(?!:)|=>|\]\s{0,2}=(?!=))/y;

const [LETTER, DIGIT, QUOTE, OPEN, CLOSE, ASSIGN, SEPARATOR, LINE_END, SLASH, HASH] = [
  1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
] as const;
const kinds = Uint8Array.from({ length: 256 }, (_, code) => kindOfCharacter(String.fromCharCode(code)));

function kindOfCharacter(char: string): number {
  if (/[A-Za-z_$\x80-\xff]/.test(char)) return LETTER;
  if (/\d/.test(char)) return DIGIT;
  const signs = ['"\'`', '{[(', '}])', ':=', ',;', '\n', '/', '#'];
  const at = signs.findIndex((each) => each.includes(char));
  return at < 0 ? 0 : QUOTE + at;
}

/** End of the word or number at `from`; numbers go on over dots and hyphens, and only words hold `$` and bytes of UTF-8. */
function tokenEnd(codes: Uint8Array, from: number, isNumber: boolean): number {
  for (let at = from + 1; ; at++) {
    const code = codes[at] ?? 0;
    const kind = kinds[code];
    if (kind === DIGIT || (kind === LETTER && (!isNumber || (code < 0x80 && code !== 0x24)))) continue;
    if (!isNumber || (code !== 0x2e && code !== 0x2d)) return at;
  }
}
