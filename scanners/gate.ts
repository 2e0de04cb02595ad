// The literal gate: one pass over the bytes with an Aho-Corasick automaton, flattened to a table, that says for every
// line which rules could match it. Letters fold case and every digit counts as `0`, so `000-00-0000` is a literal too.

/** An automaton over folded bytes. `next[state * 64 + class]` is the next state, `out[state]` its accepted rules. */
export interface Gate {
  readonly classes: Uint8Array;
  readonly next: Uint16Array;
  readonly out: Int32Array;
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
  return { classes, next, out };
}

/** Candidate lines of a buffer: start, end and rule mask, three numbers each, in order. */
export interface Candidates {
  readonly triples: readonly number[];
  /** Rules seen anywhere in the buffer. */
  readonly mask: number;
  /** How many lines hold a literal of each rule. */
  readonly counts: Int32Array;
}

/**
 * Runs the gate over `bytes`. Lines end at LF or CR, in binary data at every control byte but TAB. Work is linear:
 * a long line is read at most twice.
 */
export function findCandidates(gate: Gate, bytes: Uint8Array, binary: boolean, quiet: number): Candidates {
  const { classes, next, out } = gate;
  const triples: number[] = [];
  const counts = new Int32Array(31);
  const endsLine = new Uint8Array(256);
  endsLine[10] = endsLine[13] = 1;
  if (binary) for (let byte = 0; byte < 32; byte++) endsLine[byte] = byte === 9 ? 0 : 1;
  const length = bytes.length;
  let state = 0;
  let mask = 0;
  let all = 0;
  let lineStart = 0;
  for (let at = 0; at < length; at++) {
    const byte = bytes[at] ?? 0;
    state = next[(state << 6) | (classes[byte] ?? 0)] ?? 0;
    mask |= out[state] ?? 0;
    if (endsLine[byte] === 1) {
      if (mask !== 0) {
        close(at);
        mask = 0;
      }
      lineStart = at + 1;
      state = 0;
    }
  }
  if (mask !== 0) close(length);
  return { triples, mask: all, counts };

  function close(end: number): void {
    all |= mask;
    for (let rest = mask; rest !== 0; rest &= rest - 1) {
      const rule = 31 - Math.clz32(rest & -rest);
      counts[rule] = (counts[rule] ?? 0) + 1;
    }
    const loud = mask & ~quiet;
    if (loud === 0) return;
    if (end - lineStart <= LONG_LINE) triples.push(lineStart, end, loud);
    else for (const part of longLine(gate, bytes, lineStart, end)) triples.push(...part);
  }
}

function* longLine(
  gate: Gate,
  bytes: Uint8Array,
  from: number,
  to: number,
): Generator<[number, number, number]> {
  for (let start = from; start < to; start += LONG_WINDOW - LONG_OVERLAP) {
    const end = Math.min(to, start + LONG_WINDOW);
    let state = 0;
    let mask = 0;
    for (let at = start; at < end; at++) {
      state = gate.next[(state << 6) | (gate.classes[bytes[at] ?? 0] ?? 0)] ?? 0;
      mask |= gate.out[state] ?? 0;
    }
    if (mask !== 0) yield [start, end, mask];
    if (end === to) return;
  }
}
