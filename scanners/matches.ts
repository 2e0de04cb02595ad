// All matches of an expression, as `matchAll` gives them, without the copy of the expression that it makes at each call:
// rules ask for every candidate line, and nearly always there is nothing.
import { type LiteralIndex, literalPlaces } from './literal-index.ts';
import type { Line } from './rule.ts';

const none: readonly RegExpExecArray[] = [];

/** Matches of `pattern` in `text`, in order. It must be global and must not match nothing at all. */
export function matchesOf(pattern: RegExp, text: string): readonly RegExpExecArray[] {
  pattern.lastIndex = 0;
  const first = pattern.exec(text);
  if (first === null) return none;
  const all = [first];
  for (let next = pattern.exec(text); next !== null; next = pattern.exec(text)) all.push(next);
  return all;
}

/**
 * Matches of `pattern` in a line that begin with a literal of the index, in order and apart from each other. It must be
 * sticky and must not match nothing at all; it is tried where a literal stands.
 */
export function matchesAt(
  pattern: RegExp,
  index: LiteralIndex,
  line: Pick<Line, 'bytes' | 'start' | 'text'>,
): readonly RegExpExecArray[] {
  const places = literalPlaces(index, line);
  let all: RegExpExecArray[] | undefined;
  let read = 0;
  for (let at = 1; at < places.length; at += 2) {
    const place = places[at] ?? 0;
    if (place < read) continue;
    pattern.lastIndex = place;
    const match = pattern.exec(line.text);
    if (match === null) continue;
    read = pattern.lastIndex;
    if (all === undefined) all = [match];
    else all.push(match);
  }
  return all ?? none;
}
