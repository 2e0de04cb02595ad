// Which of many literals stand in a line. They are looked up by their first three characters, so that a line is read once
// however many there are. Lower-case letters fold case and every digit counts as `0`, as in the gate; upper-case letters
// stand for themselves.
import type { Line } from './rule.ts';

type LineBytes = Pick<Line, 'bytes' | 'start' | 'text'>;

export interface LiteralIndex {
  /** Number of the first entry with these three characters plus one, 0 where there is none. */
  readonly first: Uint16Array;
  readonly entries: readonly Entry[];
}

interface Entry {
  readonly literal: string;
  /** The row that the literal leads to. */
  readonly row: number;
  /** Number of the next entry with the same three characters plus one, or 0. */
  readonly next: number;
}

const KEYS = 32_768;
const nothing: number[] = [];

const folded = Uint8Array.from({ length: 256 }, (_, code) =>
  code >= 0x41 && code <= 0x5a ? code + 32 : code >= 0x30 && code <= 0x39 ? 0x30 : code,
);

/** Builds the index; `literals[i]` lead to row `i`. Throws a RangeError for one of less than three characters. */
export function indexLiterals(literals: readonly (readonly string[])[]): LiteralIndex {
  const first = new Uint16Array(KEYS);
  const entries: Entry[] = [];
  literals.forEach((group, row) => {
    for (const literal of group) {
      if (literal.length < 3) throw new RangeError('A literal of the index is too short.');
      const key = keyAt(literal, 2);
      entries.push({ literal, row, next: first[key] ?? 0 });
      first[key] = entries.length;
    }
  });
  return { first, entries };
}

/** Rows of which a literal stands in a line, in order. */
export function findLiterals(index: LiteralIndex, line: LineBytes): readonly number[] {
  const places = literalPlaces(index, line);
  if (places.length === 0) return nothing;
  return [...new Set(places.filter((_, at) => at % 2 === 0))].sort((a, b) => a - b);
}

/** Where literals stand in a line: the row of each and its offset in the line, two numbers each, in order of place. */
export function literalPlaces(
  { first, entries }: LiteralIndex,
  { bytes, start, text }: LineBytes,
): readonly number[] {
  let places = nothing;
  let key = 0;
  const end = start + text.length;
  for (let at = start; at < end; at++) {
    key = ((key << 5) | ((folded[bytes[at] ?? 0] ?? 0) & 31)) & (KEYS - 1);
    for (let number = first[key] ?? 0; number !== 0;) {
      const entry = entries[number - 1];
      if (entry === undefined) break;
      const from = at - 2;
      if (from >= start && from + entry.literal.length <= end && startsWith(bytes, from, entry.literal)) {
        if (places === nothing) places = [];
        places.push(entry.row, from - start);
      }
      number = entry.next;
    }
  }
  return places;
}

function keyAt(text: string, last: number): number {
  let key = 0;
  for (let at = last - 2; at <= last; at++) key = (key << 5) | ((folded[text.charCodeAt(at)] ?? 0) & 31);
  return key & (KEYS - 1);
}

function startsWith(bytes: Uint8Array, from: number, literal: string): boolean {
  for (let at = 0; at < literal.length; at++) {
    const byte = bytes[from + at] ?? 0;
    const wanted = literal.charCodeAt(at);
    if (byte !== wanted && folded[byte] !== wanted) return false;
  }
  return true;
}
