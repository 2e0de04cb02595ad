// Candidate lines of a text in which values were hidden since it was last looked at: only the lines with a hidden value are
// read again. Hiding changes no line end, and no literal holds one, so that all other lines have the same literals.
import { type Candidates, findCandidates, type Gate } from './gate.ts';

/** What was found in a text, and what was hidden in it since: start and end of places in any order. */
export interface Earlier {
  readonly found: Candidates;
  readonly hidden: readonly { readonly start: number; readonly end: number }[];
}

/** What `findCandidates` finds in `bytes`, which are no binary data. */
export function findAgain(gate: Gate, bytes: Uint8Array, quiet: number, earlier: Earlier): Candidates {
  const { found, hidden } = earlier;
  const triples: number[] = [];
  const quietLines: number[] = [];
  const kept = { triples: 0, quietLines: 0 };
  let floor = 0;
  for (const { start: from, end: to } of hidden.toSorted((a, b) => a.start - b.start)) {
    if (to <= floor) continue;
    let start = Math.max(from, floor);
    while (start > floor && !endsLine(bytes[start - 1])) start--;
    let end = to;
    while (end < bytes.length && !endsLine(bytes[end])) end++;
    const again = findCandidates(gate, bytes.subarray(start, end), false, quiet);
    kept.triples = keepUntil(found.triples, kept.triples, start, triples);
    kept.quietLines = keepUntil(found.quietLines, kept.quietLines, start, quietLines);
    moveInto(again.triples, start, triples);
    moveInto(again.quietLines, start, quietLines);
    kept.triples = keepUntil(found.triples, kept.triples, end, []);
    kept.quietLines = keepUntil(found.quietLines, kept.quietLines, end, []);
    floor = end;
  }
  keepUntil(found.triples, kept.triples, bytes.length, triples);
  keepUntil(found.quietLines, kept.quietLines, bytes.length, quietLines);
  return { triples, quietLines, mask: maskOf(triples) | maskOf(quietLines) };
}

function endsLine(byte: number | undefined): boolean {
  return byte === 0x0a || byte === 0x0d;
}

/** Copies lines that begin in front of `end`, from the number `at` on; returns the number of the first that does not. */
function keepUntil(lines: readonly number[], at: number, end: number, into: number[]): number {
  for (; at < lines.length && (lines[at] ?? 0) < end; at += 3)
    into.push(lines[at] ?? 0, lines[at + 1] ?? 0, lines[at + 2] ?? 0);
  return at;
}

function moveInto(lines: readonly number[], by: number, into: number[]): void {
  for (let at = 0; at < lines.length; at += 3)
    into.push((lines[at] ?? 0) + by, (lines[at + 1] ?? 0) + by, lines[at + 2] ?? 0);
}

function maskOf(lines: readonly number[]): number {
  let mask = 0;
  for (let at = 2; at < lines.length; at += 3) mask |= lines[at] ?? 0;
  return mask;
}
