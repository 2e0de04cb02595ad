// Lines with escapes (`\u0041`, `\x41`, `%41`, `&#65;`), decoded once, with a map that leads every decoded byte back to the
// bytes that stand for it. The text is untrusted: what is no escape stays as it is.
import type { EncodedText } from './encoded-text.ts';

/** Literals of the lines that are worth decoding: escapes of ASCII. The gate finds them (`0` is any digit). */
export const escapeLiterals: readonly string[] = ['\\u000', '\\u{', '\\x0', '&#', '&quot;', '%0'];

const BACKSLASH = 0x5c;
const PERCENT = 0x25;
const AMPERSAND = 0x26;
const isLead = Uint8Array.from({ length: 256 }, (_, code) =>
  code === BACKSLASH || code === PERCENT || code === AMPERSAND ? 1 : 0,
);
const NO_HEX = 0xff;
const hex = Uint8Array.from({ length: 256 }, (_, code) => {
  const digit = Number.parseInt(String.fromCharCode(code), 16);
  return Number.isNaN(digit) ? NO_HEX : digit;
});

/** Escapes that have no fixed length. */
const variable =
  /\\u\{([0-9A-Fa-f]{1,6})\}|&#x([0-9A-Fa-f]{1,6});|&#(\d{1,7});|&(amp|lt|gt|quot|apos|nbsp|commat|colon|equals|hyphen|dash|period|lowbar|sol);/y;
const named: Readonly<Record<string, string>> = {
  ...{ amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ', commat: '@', colon: ':', equals: '=' },
  ...{ hyphen: '-', dash: '-', period: '.', lowbar: '_', sol: '/' },
};

/** Longer lines are decoded in pieces around their escapes. */
const MAX_LINE = 32_768;
const AROUND = 2_048;
/** Room behind each piece: a line end, and a character whose escape was cut. */
const MARGIN = 5;

/** Decodes `lines` of a text (start and end, in order), joined by line ends; undefined where they hold no escape. */
export function decodeEscapes(
  bytes: Uint8Array,
  view: string,
  lines: readonly number[],
): EncodedText | undefined {
  const pieces = escapedPieces(bytes, view, lines);
  if (pieces.length === 0) return undefined;
  const decoder = new Decoder(bytes, pieces);
  for (let n = 0; n < pieces.length; n += 2) {
    const to = pieces[n + 1] ?? 0;
    let at = pieces[n] ?? 0;
    for (let next = nextEscape(bytes, view, at, to); next >= 0; next = nextEscape(bytes, view, at, to)) {
      decoder.copy(at, next);
      const found = escapeAt(bytes, view, next);
      at = next + lengthOf(found);
      if (bytes[next] === PERCENT) decoder.byte(codeOf(found), next, at);
      else decoder.character(codeOf(found), next, at);
    }
    decoder.copy(at, to);
    decoder.byte(0x0a, to, to);
  }
  return decoder.text();
}

/** The first place between `from` and `to` at which an escape begins, or -1. */
function nextEscape(bytes: Uint8Array, view: string, from: number, to: number): number {
  for (let at = from; at < to; at++)
    if (isLead[bytes[at] ?? 0] === 1 && escapeAt(bytes, view, at) !== 0) return at;
  return -1;
}

/** The escape at `at`: its code point times 16 plus its length, or 0 where none stands. Nothing is allocated for most. */
function escapeAt(bytes: Uint8Array, view: string, at: number): number {
  const lead = bytes[at];
  if (lead === PERCENT) return packed(digits(bytes, at + 1, 2), 3);
  if (lead === BACKSLASH) {
    const kind = bytes[at + 1];
    if (kind === 0x78) return packed(digits(bytes, at + 2, 2), 4);
    if (kind !== 0x75) return 0;
    if (bytes[at + 2] !== 0x7b) return packed(digits(bytes, at + 2, 4), 6);
  }
  variable.lastIndex = at;
  const match = variable.exec(view);
  if (match === null) return 0;
  const [{ length }, braced, entityHex, entity, name] = match;
  if (name !== undefined) return packed((named[name] ?? '').charCodeAt(0), length);
  const code = entity === undefined ? Number.parseInt(braced ?? entityHex ?? '', 16) : Number(entity);
  return packed(code > 0x10_ffff ? 0xfffd : code, length);
}

function packed(code: number, length: number): number {
  return code < 0 ? 0 : code * 16 + length;
}

function lengthOf(found: number): number {
  return found & 15;
}

function codeOf(found: number): number {
  return found >>> 4;
}

/** The number that `count` digits of hex at `at` write, -1 where others stand there. */
function digits(bytes: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let n = 0; n < count; n++) {
    const digit = hex[bytes[at + n] ?? 0] ?? NO_HEX;
    if (digit === NO_HEX) return -1;
    value = value * 16 + digit;
  }
  return value;
}

/** Puts decoded bytes together and remembers where they come from. */
class Decoder {
  readonly #source: Uint8Array;
  readonly #out: Uint8Array;
  #length = 0;
  /** Of each piece: its first decoded offset, and where it begins and ends in the source. */
  readonly #at: number[] = [];
  readonly #from: number[] = [];
  readonly #to: number[] = [];

  /** No escape stands for more bytes than it has itself; one may go on behind the end of its piece. */
  constructor(source: Uint8Array, pieces: readonly number[]) {
    this.#source = source;
    let size = 0;
    for (let n = 0; n < pieces.length; n += 2) size += (pieces[n + 1] ?? 0) - (pieces[n] ?? 0) + MARGIN;
    this.#out = new Uint8Array(size);
  }

  /** Bytes that stand for themselves. */
  copy(from: number, to: number): void {
    if (to <= from) return;
    this.#piece(from, to);
    for (let at = from; at < to; at++) this.#out[this.#length++] = this.#source[at] ?? 0;
  }

  byte(value: number, from: number, to: number): void {
    this.#piece(from, to);
    this.#out[this.#length++] = value;
  }

  /** A character as UTF-8 (RFC 3629); half of a surrogate pair is none. */
  character(code: number, from: number, to: number): void {
    if (code < 0x80) {
      this.byte(code, from, to);
      return;
    }
    this.#piece(from, to);
    const point = code >= 0xd800 && code <= 0xdfff ? 0xfffd : code;
    if (point < 0x800) this.#out[this.#length++] = 0xc0 | (point >> 6);
    else {
      if (point < 0x1_0000) this.#out[this.#length++] = 0xe0 | (point >> 12);
      else {
        this.#out[this.#length++] = 0xf0 | (point >> 18);
        this.#out[this.#length++] = 0x80 | ((point >> 12) & 63);
      }
      this.#out[this.#length++] = 0x80 | ((point >> 6) & 63);
    }
    this.#out[this.#length++] = 0x80 | (point & 63);
  }

  text(): EncodedText {
    return {
      bytes: this.#out.subarray(0, this.#length),
      start: (at) => this.#place(at).start,
      end: (at) => this.#place(at).end,
    };
  }

  #piece(from: number, to: number): void {
    this.#at.push(this.#length);
    this.#from.push(from);
    this.#to.push(to);
  }

  /** The bytes that stand for decoded byte `offset`. In pieces of equal length each byte stands for itself. */
  #place(offset: number): { readonly start: number; readonly end: number } {
    let low = 0;
    let high = this.#at.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#at[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    const [at, from, to] = [this.#at[low] ?? 0, this.#from[low] ?? 0, this.#to[low] ?? 0];
    const length = (this.#at[low + 1] ?? this.#length) - at;
    if (length !== to - from) return { start: from, end: to };
    return { start: from + offset - at, end: from + offset - at + 1 };
  }
}

/** Start and end of the lines, or pieces of long lines, in which an escape stands. */
function escapedPieces(bytes: Uint8Array, view: string, lines: readonly number[]): readonly number[] {
  const pieces: number[] = [];
  for (let line = 0; line < lines.length; line += 2) {
    const end = lines[line + 1] ?? 0;
    for (let floor = lines[line] ?? 0; floor < end;) {
      const next = nextEscape(bytes, view, floor, end);
      if (next < 0) break;
      const isLong = end - floor > MAX_LINE;
      const stop = isLong ? Math.min(end, next + AROUND) : end;
      pieces.push(isLong ? Math.max(floor, next - AROUND) : floor, stop);
      floor = stop;
    }
  }
  return pieces;
}
