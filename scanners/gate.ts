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
  /** Bytes of the longest literal: the state depends on no more. */
  readonly depth: number;
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
  const depth = Math.max(1, ...literals.flat().map((literal) => literal.length));
  return flatten(classes, goto, out, depth);
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
  depth: number,
): Gate {
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
  return sortStates(classes, next, out, depth);
}

/** Numbers the states anew, those that accept nothing first; the root stays 0. */
function sortStates(classes: Uint8Array, next: Uint16Array, out: Int32Array, depth: number): Gate {
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
  return { classes, next: sorted, out: accepts, accepting, depth };
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
 * of these, so the automaton is at its root behind them. `quiet` are rules that make no line a candidate. Work is
 * linear: a line with a literal is read at most twice.
 */
export function findCandidates(gate: Gate, bytes: Uint8Array, binary: boolean, quiet: number): Candidates {
  const triples: number[] = [];
  const quietLines: number[] = [];
  const endsLine = binary ? binaryEnds : textEnds;
  const { classes, next, out, depth } = gate;
  const length = bytes.length;
  let all = 0;
  let end = 0;
  for (let at = nextAccept(gate, bytes, 0); at < length; at = nextAccept(gate, bytes, end)) {
    let start = at;
    while (start > end && endsLine[bytes[start - 1] ?? 0] === 0) start--;
    // Nothing in front of `at` is accepted, and no literal that ends behind it begins further in front.
    let state = 0;
    let mask = 0;
    for (end = Math.max(start, at - depth); end < length; end++) {
      const byte = bytes[end] ?? 0;
      if (endsLine[byte] !== 0) break;
      state = next[(state << 6) | (classes[byte] ?? 0)] ?? 0;
      mask |= out[state] ?? 0;
    }
    const loud = mask & ~quiet;
    all |= mask;
    if ((mask & quiet) !== 0) quietLines.push(start, end, mask & quiet);
    if (loud === 0) continue;
    if (end - start <= LONG_LINE) triples.push(start, end, loud);
    else pushWindows(gate, bytes, start, end, quiet, triples);
  }
  return { triples, quietLines, mask: all };
}

/** Where the first literal at or behind `from` ends. The hot loop: nothing else may stand in it. */
function nextAccept(gate: Gate, bytes: Uint8Array, from: number): number {
  const { classes, next, accepting } = gate;
  const length = bytes.length;
  let state = 0;
  for (let at = from; at < length; at++) {
    state = next[(state << 6) | (classes[bytes[at] ?? 0] ?? 0)] ?? 0;
    if (state >= accepting) return at;
  }
  return length;
}

/** Rules with a literal between `start` and `end`. */
function maskOf(gate: Gate, bytes: Uint8Array, start: number, end: number): number {
  const { classes, next, out } = gate;
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

/** Cuts a long line into windows that overlap and keeps those that a loud rule could match. */
function pushWindows(
  gate: Gate,
  bytes: Uint8Array,
  from: number,
  to: number,
  quiet: number,
  triples: number[],
): void {
  for (let start = from; start < to; start += LONG_WINDOW - LONG_OVERLAP) {
    const end = Math.min(to, start + LONG_WINDOW);
    const mask = maskOf(gate, bytes, start, end) & ~quiet;
    if (mask !== 0) triples.push(start, end, mask);
    if (end === to) return;
  }
}
