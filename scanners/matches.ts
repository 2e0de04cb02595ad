// All matches of an expression, as `matchAll` gives them, without the copy of the expression that it makes at each call:
// rules ask for every candidate line, and nearly always there is nothing.

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
