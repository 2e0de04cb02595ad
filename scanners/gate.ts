// The literal gate: one pass over the bytes with an Aho-Corasick automaton, flattened to a table, that says for every
// line which rules could match it. Letters fold case and every digit counts as `0`, so `000-00-0000` is a literal too.

/**
 * An automaton over folded bytes. `next[state * 64 + class]` is the next state, `out[state]` its accepted rules; states
 * from `accepting` on accept something, so that one comparison tells.
 */
export interface Gate {
  readonly classes: Uint8Array;
  readonly next: Uint16Array;
  readonly out: Int32Array;
  readonly accepting: number;
  /** Bytes of the longest literal. */
  readonly longest: number;
}

const WIDTH = 64;

/** Lines longer than this are cut into windows, so that one minified line is not one candidate. */
export const LONG_LINE = 32_768;
const LONG_WINDOW = 4_096;
const LONG_OVERLAP = 512;

/**
 * Builds the gate. `literals[i]` are the literals of rule `i`, at most 31 rules.
 * Throws a RangeError where the table would not fit; the rules are ours, so that is a defect, not an input error.
 */
export function buildGate(literals: readonly (readonly string[])[]): Gate {
  if (literals.length > 31) throw new RangeError('The gate holds at most 31 rules.');
  const classes = classTable(literals);
  const goto = [new Map<number, number>()];
  const out: number[] = [0];
  literals.forEach((group, rule) => {
    for (const literal of group) {
      let state = 0;
      for (const byte of Buffer.from(literal, 'latin1')) {
        const kind = classes[byte] ?? 0;
        let target = goto[state]?.get(kind);
        if (target === undefined) {
          target = goto.length;
          goto.push(new Map());
          out.push(0);
          goto[state]?.set(kind, target);
        }
        state = target;
      }
      out[state] = (out[state] ?? 0) | (1 << rule);
    }
  });
  if (goto.length > 65_535) throw new RangeError('The gate has too many literals.');
  const longest = Math.max(0, ...literals.flat().map((literal) => literal.length));
  return { ...flatten(classes, goto, out), longest };
}

function fold(byte: number): number {
  if (byte >= 0x41 && byte <= 0x5a) return byte + 32;
  return byte >= 0x30 && byte <= 0x39 ? 0x30 : byte;
}

function classTable(literals: readonly (readonly string[])[]): Uint8Array {
  const used = new Set<number>();
  for (const group of literals)
    for (const literal of group) for (const byte of Buffer.from(literal, 'latin1')) used.add(fold(byte));
  if (used.size >= WIDTH) throw new RangeError('The gate has too many different bytes.');
  const number = new Map([...used].map((byte, index) => [byte, index + 1]));
  return Uint8Array.from({ length: 256 }, (_, byte) => number.get(fold(byte)) ?? 0);
}

function flatten(
  classes: Uint8Array,
  goto: readonly Map<number, number>[],
  accepts: readonly number[],
): Omit<Gate, 'longest'> {
  const next = new Uint16Array(goto.length * WIDTH);
  const out = Int32Array.from(accepts);
  const fail = new Uint16Array(goto.length);
  const queue = [0];
  for (let head = 0; head < queue.length; head++) {
    const state = queue[head] ?? 0;
    for (let kind = 0; kind < WIDTH; kind++) {
      const child = goto[state]?.get(kind);
      const fallback = state === 0 ? 0 : (next[(fail[state] ?? 0) * WIDTH + kind] ?? 0);
      if (child === undefined) {
        next[state * WIDTH + kind] = fallback;
        continue;
      }
      next[state * WIDTH + kind] = child;
      fail[child] = fallback;
      out[child] = (out[child] ?? 0) | (out[fallback] ?? 0);
      queue.push(child);
    }
  }
  return sortStates(classes, next, out);
}

/** Numbers the states anew, those that accept nothing first; the root stays 0. */
function sortStates(classes: Uint8Array, next: Uint16Array, out: Int32Array): Omit<Gate, 'longest'> {
  const states = Array.from(out.keys());
  const order = [
    ...states.filter((state) => out[state] === 0),
    ...states.filter((state) => out[state] !== 0),
  ];
  const number = new Uint16Array(order.length);
  order.forEach((state, at) => (number[state] = at));
  const sorted = new Uint16Array(next.length);
  for (const [at, state] of order.entries())
    for (let kind = 0; kind < WIDTH; kind++)
      sorted[at * WIDTH + kind] = number[next[state * WIDTH + kind] ?? 0] ?? 0;
  const accepts = Int32Array.from(order, (state) => out[state] ?? 0);
  const accepting = order.filter((state) => out[state] === 0).length;
  return { classes, next: sorted, out: accepts, accepting };
}

/** Candidate lines of a buffer. */
export interface Candidates {
  /** Start, end and rule mask of each line that a loud rule could match, three numbers each, in order. */
  readonly triples: readonly number[];
  /** Start, end and mask of each line with a literal of a quiet rule, three numbers each, in order. */
  readonly quietLines: readonly number[];
  /** Rules seen anywhere in the buffer. */
  readonly mask: number;
}

/**
 * Runs the gate over `bytes`. Lines end at LF or CR, in binary data at every control byte but TAB; no literal holds one
 * of these. `quiet` are rules that make no line a candidate. Work is linear: the automaton reads every byte once, and the
 * ends of a line with a literal are looked for once.
 */
export function findCandidates(gate: Gate, bytes: Uint8Array, binary: boolean, quiet: number): Candidates {
  const { ends, count } = findLiteralEnds(gate, bytes);
  const endsLine = binary ? binaryEnds : textEnds;
  const triples: number[] = [];
  const quietLines: number[] = [];
  let seen = 0;
  let floor = 0;
  for (let n = 0; n < count;) {
    const at = ends[n] ?? 0;
    let start = at;
    while (start > floor && endsLine[bytes[start - 1] ?? 0] === 0) start--;
    let end = at;
    while (end < bytes.length && endsLine[bytes[end] ?? 0] === 0) end++;
    const first = n;
    let mask = 0;
    for (; n < count && (ends[n] ?? 0) <= end; n += 2) mask |= ends[n + 1] ?? 0;
    seen |= mask;
    floor = end;
    if ((mask & quiet) !== 0) quietLines.push(start, end, mask & quiet);
    if ((mask & ~quiet) === 0) continue;
    if (end - start <= LONG_LINE) triples.push(start, end, mask & ~quiet);
    else pushWindows(gate, bytes, start, end, quiet, ends.subarray(first, n), triples);
  }
  return { triples, quietLines, mask: seen };
}

/** Cuts a long line into windows that overlap and keeps those that a loud rule could match. */
function pushWindows(
  gate: Gate,
  bytes: Uint8Array,
  from: number,
  to: number,
  quiet: number,
  ends: Int32Array,
  triples: number[],
): void {
  /** The first literal that lies in the window for sure. */
  let first = 0;
  for (let start = from; ; start += LONG_WINDOW - LONG_OVERLAP) {
    const end = Math.min(to, start + LONG_WINDOW);
    // What ends further on than the longest literal is long does not begin in front of the window.
    const doubtful = Math.min(end, start + gate.longest);
    while (first < ends.length && (ends[first] ?? 0) <= doubtful) first += 2;
    let mask = maskOf(gate, bytes, start, doubtful);
    for (let n = first; n < ends.length && (ends[n] ?? 0) <= end; n += 2) mask |= ends[n + 1] ?? 0;
    if ((mask & ~quiet) !== 0) triples.push(start, end, mask & ~quiet);
    if (end === to) return;
  }
}

/** A walk of the automaton through a part of a buffer. */
interface Walk {
  /** The next byte. */
  at: number;
  readonly end: number;
  state: number;
  /** Where literals end, and their rules, two numbers each, as many as `count` tells. */
  ends: Int32Array;
  count: number;
}

function walkFrom(at: number, end: number, state: number): Walk {
  return { at, end, state, ends: noEnds, count: 0 };
}

/** Shorter buffers are walked through in one go. */
const ONE_WALK = 512;
const noEnds = new Int32Array(0);
const FEW_ENDS = 64;

/** Where literals end, and their rules, two numbers each, in order. */
function findLiteralEnds(gate: Gate, bytes: Uint8Array): Pick<Walk, 'ends' | 'count'> {
  const { length } = bytes;
  if (length < ONE_WALK) return finish(gate, bytes, walkFrom(0, length, 0));
  const middle = length >>> 1;
  const first = walkFrom(0, middle, 0);
  const second = walkFrom(middle, length, stateAt(gate, bytes, middle));
  while (first.at < first.end && second.at < second.end) {
    walkBoth(gate, bytes, first, second);
    note(gate, bytes, first);
    note(gate, bytes, second);
  }
  finish(gate, bytes, first);
  finish(gate, bytes, second);
  if (second.count === 0) return first;
  const ends = new Int32Array(first.count + second.count);
  ends.set(first.ends.subarray(0, first.count));
  ends.set(second.ends.subarray(0, second.count), first.count);
  return { ends, count: ends.length };
}

/** The state in which a walk from the start would be at `end`: it depends on as many bytes as the longest literal has. */
function stateAt({ classes, next, longest }: Gate, bytes: Uint8Array, end: number): number {
  let state = 0;
  for (let at = end - longest; at < end; at++)
    state = next[(state << 6) | (classes[bytes[at] ?? 0] ?? 0)] ?? 0;
  return state;
}

function finish(gate: Gate, bytes: Uint8Array, walk: Walk): Walk {
  while (walk.at < walk.end) {
    walkOne(gate, bytes, walk);
    note(gate, bytes, walk);
  }
  return walk;
}

/** Takes note of the literals that end here, and goes on to where none does. */
function note({ classes, next, out, accepting }: Gate, bytes: Uint8Array, walk: Walk): void {
  while (walk.state >= accepting) {
    keep(walk, out[walk.state] ?? 0);
    if (walk.at >= walk.end) return;
    walk.state = next[(walk.state << 6) | (classes[bytes[walk.at] ?? 0] ?? 0)] ?? 0;
    walk.at++;
  }
}

function keep(walk: Walk, rules: number): void {
  if (walk.count === walk.ends.length) {
    const wider = new Int32Array(Math.max(FEW_ENDS, walk.count * 2));
    wider.set(walk.ends);
    walk.ends = wider;
  }
  walk.ends[walk.count++] = walk.at;
  walk.ends[walk.count++] = rules;
}

/** Goes on until a literal ends or the walk does. The hot loop: nothing else may stand in it. */
function walkOne({ classes, next, accepting }: Gate, bytes: Uint8Array, walk: Walk): void {
  const { end } = walk;
  let { at, state } = walk;
  while (at < end && state < accepting) state = next[(state << 6) | (classes[bytes[at++] ?? 0] ?? 0)] ?? 0;
  walk.at = at;
  walk.state = state;
}

/**
 * Goes on in both walks until a literal ends in one or one ends. Each state waits for the one before it to be read from
 * memory; two walks wait at the same time.
 */
function walkBoth({ classes, next, accepting }: Gate, bytes: Uint8Array, first: Walk, second: Walk): void {
  const ahead = second.at - first.at;
  const end = Math.min(first.end, second.end - ahead);
  let { at, state } = first;
  let other = second.state;
  while (at < end && state < accepting && other < accepting) {
    state = next[(state << 6) | (classes[bytes[at] ?? 0] ?? 0)] ?? 0;
    other = next[(other << 6) | (classes[bytes[at + ahead] ?? 0] ?? 0)] ?? 0;
    at++;
  }
  first.at = at;
  first.state = state;
  second.at = at + ahead;
  second.state = other;
}

/** Rules with a literal between `start` and `end`. */
function maskOf({ classes, next, out }: Gate, bytes: Uint8Array, start: number, end: number): number {
  let state = 0;
  let mask = 0;
  for (let at = start; at < end; at++) {
    state = next[(state << 6) | (classes[bytes[at] ?? 0] ?? 0)] ?? 0;
    mask |= out[state] ?? 0;
  }
  return mask;
}

const textEnds = lineEnds(false);
const binaryEnds = lineEnds(true);

function lineEnds(binary: boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) =>
    byte === 10 || byte === 13 || (binary && byte < 32 && byte !== 9) ? 1 : 0,
  );
}
