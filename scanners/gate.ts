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
  return flatten(classes, goto, out);
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
  return sortStates(classes, next, out);
}

/** Numbers the states anew, those that accept nothing first; the root stays 0. */
function sortStates(classes: Uint8Array, next: Uint16Array, out: Int32Array): Gate {
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

/** Shorter buffers are walked through in one go. */
const ONE_WALK = 1_024;

/**
 * Runs the gate over `bytes`. Lines end at LF or CR, in binary data at every control byte but TAB; no literal holds one
 * of these, so the automaton is at its root behind them. `quiet` are rules that make no line a candidate. Work is
 * linear: a line with a literal is read at most twice.
 */
export function findCandidates(gate: Gate, bytes: Uint8Array, binary: boolean, quiet: number): Candidates {
  const endsLine = binary ? binaryEnds : textEnds;
  let middle = bytes.length < ONE_WALK ? bytes.length : bytes.length >>> 1;
  while (middle < bytes.length && endsLine[bytes[middle - 1] ?? 0] === 0) middle++;
  const first = new Walk(gate, bytes, endsLine, quiet, 0, middle);
  const second = new Walk(gate, bytes, endsLine, quiet, middle, bytes.length);
  while (first.at < first.end && second.at < second.end) {
    walkBoth(gate, bytes, first, second);
    first.take();
    second.take();
  }
  for (const walk of [first, second])
    while (walk.at < walk.end) {
      walkOne(gate, bytes, walk);
      walk.take();
    }
  return {
    triples: first.triples.concat(second.triples),
    quietLines: first.quietLines.concat(second.quietLines),
    mask: first.mask | second.mask,
  };
}

/** A walk through a part of a buffer that begins and ends at line ends. */
class Walk {
  readonly triples: number[] = [];
  readonly quietLines: number[] = [];
  mask = 0;
  /** The next byte. */
  at: number;
  readonly end: number;
  state = 0;
  readonly #gate: Gate;
  readonly #bytes: Uint8Array;
  readonly #endsLine: Uint8Array;
  readonly #quiet: number;
  /** No line that was not taken begins in front of this. */
  #floor: number;

  constructor(
    gate: Gate,
    bytes: Uint8Array,
    endsLine: Uint8Array,
    quiet: number,
    start: number,
    end: number,
  ) {
    this.#gate = gate;
    this.#bytes = bytes;
    this.#endsLine = endsLine;
    this.#quiet = quiet;
    this.at = start;
    this.#floor = start;
    this.end = end;
  }

  /** Takes the line of a literal that was just read, and goes on behind it. */
  take(): void {
    if (this.state < this.#gate.accepting) return;
    const bytes = this.#bytes;
    const endsLine = this.#endsLine;
    const { classes, next, out } = this.#gate;
    let start = this.at;
    while (start > this.#floor && endsLine[bytes[start - 1] ?? 0] === 0) start--;
    let { at, state } = this;
    let mask = out[state] ?? 0;
    for (; at < this.end; at++) {
      const byte = bytes[at] ?? 0;
      if (endsLine[byte] !== 0) break;
      state = next[(state << 6) | (classes[byte] ?? 0)] ?? 0;
      mask |= out[state] ?? 0;
    }
    this.at = at;
    this.state = 0;
    this.#floor = at;
    this.#keep(start, at, mask);
  }

  #keep(start: number, end: number, mask: number): void {
    const loud = mask & ~this.#quiet;
    this.mask |= mask;
    if ((mask & this.#quiet) !== 0) this.quietLines.push(start, end, mask & this.#quiet);
    if (loud === 0) return;
    if (end - start <= LONG_LINE) this.triples.push(start, end, loud);
    else pushWindows(this.#gate, this.#bytes, start, end, this.#quiet, this.triples);
  }
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
