// Text inside of text: runs of base64 and hex. Each is decoded once, with a map that leads every decoded byte back to the
// bytes that stand for it. What does not decode to text is left alone. All of it is untrusted.

/** A decoded piece. `start(at)` and `end(at)` are where the bytes that stand for decoded byte `at` begin and end. */
export interface EncodedText {
  readonly bytes: Uint8Array;
  readonly start: (at: number) => number;
  readonly end: (at: number) => number;
}

/** Shorter runs hold less than any identifier with its label. */
const MIN_RUN = 24;
/** Longer runs are decoded piece by piece; a multiple of four and of two. */
const MAX_RUN = 1_048_576;

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_';
const isBase64 = new Uint8Array(256);
for (const byte of Buffer.from(BASE64)) isBase64[byte] = 1;

/** Finds runs of base64 and hex that decode to text. */
export function* decodeRuns(bytes: Uint8Array, view: string): Generator<EncodedText> {
  for (let start = nextRun(bytes, 0); start < bytes.length;) {
    let end = start + MIN_RUN;
    while (end < bytes.length && isBase64[bytes[end] ?? 0] === 1) end++;
    if (mayBeText(bytes, start)) yield* decodeRun(view, start, end);
    start = nextRun(bytes, end + 1);
  }
}

/**
 * Start of the first run at or behind `from`, which stands at no run's middle; the length of `bytes` where there is none.
 * Looks at the last byte that a run would need and goes back to the first that belongs to none: most bytes are never
 * looked at. The hot loop: nothing else may stand in it.
 */
function nextRun(bytes: Uint8Array, from: number): number {
  const { length } = bytes;
  for (let last = from + MIN_RUN - 1; last < length;) {
    const floor = last - MIN_RUN;
    let at = last;
    while (at > floor && isBase64[bytes[at] ?? 0] === 1) at--;
    if (at === floor) return floor + 1;
    last = at + MIN_RUN;
  }
  return length;
}

/** First digits of the hex of text. */
const isHighNibble = new Uint8Array(256);
for (const byte of Buffer.from('23456789abcdefABCDEF')) isHighNibble[byte] = 1;
const sextets = new Uint8Array(256);
for (const [at, byte] of Buffer.from(BASE64.slice(0, 64)).entries()) sextets[byte] = at;
sextets[0x2d] = 62;
sextets[0x5f] = 63;

/** The part of a text that is ASCII at least. */
const ASCII = 0.7;

/** A cheap look at the first bytes, which sends names and paths of programs away. */
function mayBeText(bytes: Uint8Array, start: number): boolean {
  // At the start of a window the run may have begun before.
  if (start === 0) return true;
  let isHex = true;
  for (let at = start; at < start + 8 && isHex; at += 2)
    isHex = isHighNibble[bytes[at] ?? 0] === 1 || isLineEnd(bytes, at);
  if (isHex) return true;
  let ascii = 0;
  for (let at = start; at < start + 16; at += 4) {
    const group =
      (sextet(bytes, at) << 18) |
      (sextet(bytes, at + 1) << 12) |
      (sextet(bytes, at + 2) << 6) |
      sextet(bytes, at + 3);
    const [one, two, three] = [group >>> 16, (group >>> 8) & 255, group & 255];
    if (isControl(one) || isControl(two) || isControl(three)) return false;
    ascii += Number(one < 128) + Number(two < 128) + Number(three < 128);
  }
  return ascii >= 12 * ASCII;
}

function sextet(bytes: Uint8Array, at: number): number {
  return sextets[bytes[at] ?? 0] ?? 0;
}

/** The hex of TAB, LF and CR. */
function isLineEnd(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 0x30 && /[9aAdD]/.test(String.fromCharCode(bytes[at + 1] ?? 0));
}

function isControl(byte: number): boolean {
  return byte === 127 || (byte < 32 && byte !== 9 && byte !== 10 && byte !== 13);
}

function* decodeRun(view: string, start: number, end: number): Generator<EncodedText> {
  const sample = view.slice(start, start + 36);
  const isHex = /^[0-9A-Fa-f]{24,}$/.test(sample);
  // A window may begin anywhere in a run: the place of the first whole group is tried.
  for (const skip of start > 0 ? [0] : isHex ? [0, 1] : [0, 1, 2, 3]) {
    if (!looksLikeText(decodeAs(isHex, sample.slice(skip)), isHex ? 8 : 12)) continue;
    for (let from = start + skip; from < end; from += MAX_RUN) {
      const bytes = decodeAs(isHex, view.slice(from, Math.min(end, from + MAX_RUN)));
      if (!looksLikeText(bytes, bytes.length)) continue;
      yield isHex ? grouped(bytes, from, end, 1, 2) : grouped(bytes, from, end, 3, 4);
    }
    return;
  }
}

function decodeAs(isHex: boolean, text: string): Uint8Array {
  return isHex ? Buffer.from(text.slice(0, text.length & ~1), 'hex') : Buffer.from(text, 'base64');
}

/** Whole groups of `plain` bytes stand for groups of `coded` characters. */
function grouped(bytes: Uint8Array, from: number, limit: number, plain: number, coded: number): EncodedText {
  return {
    bytes,
    start: (at) => Math.min(limit, from + Math.floor(at / plain) * coded),
    end: (at) => Math.min(limit, from + (Math.floor(at / plain) + 1) * coded),
  };
}

/** No control bytes but line ends and tabs; at the end of a group a character may be cut. */
function looksLikeText(bytes: Uint8Array, length: number): boolean {
  if (bytes.length < 8) return false;
  let ascii = 0;
  const stop = Math.min(bytes.length, length);
  for (let at = 0; at < stop; at++) {
    const byte = bytes[at] ?? 0;
    if (isControl(byte)) return false;
    if (byte < 128) ascii++;
  }
  return ascii >= stop * ASCII;
}
