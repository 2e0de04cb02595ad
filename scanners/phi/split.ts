// Cuts a part of a view at a delimiter. The search never leaves the part: `indexOf` would read to the end of the text
// for every part without the delimiter, which is work in the square of the size.

/** Offsets into a view, half open. */
export interface Part {
  readonly start: number;
  readonly end: number;
}

/** Offset of a one-character `delimiter` at or behind `from`, or `end` where none stands before it. */
export function delimiterAt(view: string, delimiter: string, from: number, end: number): number {
  const code = delimiter.charCodeAt(0);
  let at = from;
  while (at < end && view.charCodeAt(at) !== code) at++;
  return at;
}

/** The parts of `view` between `from` and `end`; an empty one behind a delimiter at the end. */
export function splitAt(view: string, from: number, end: number, delimiter: string): readonly Part[] {
  const parts: Part[] = [];
  for (let at = from; at <= end;) {
    const stop = delimiterAt(view, delimiter, at, end);
    parts.push({ start: at, end: stop });
    at = stop + 1;
  }
  return parts;
}
