// Cuts a stream into segments that are judged one after the other. Where a segment ends depends on the bytes alone,
// never on how they arrive, so that every way of splitting a stream is redacted alike.

import type { Encoding } from '../decode.ts';

export const segmentBytes = 512 * 1024;

/** Bytes in front of the end in which a good place to cut is looked for. */
const searched = 128 * 1024;
const longestKey = 16 * 1024;

const lf = 0x0a;
const cr = 0x0d;

/**
 * Where a segment that fills `bytes` ends: behind an empty line, else in front of a line that is not indented, else
 * behind a line, else between two records or values of one long line. At least an eighth of the bytes. Hiding values
 * moves no cut: white space stays, and so does what `keeps` tells.
 */
export function cutSegment(bytes: Uint8Array, encoding: Encoding): number {
  const low = Math.max(bytes.length - searched, bytes.length >> 3);
  if (encoding !== 'utf-8') return cutWide(bytes, low, encoding === 'utf-16be' ? 1 : 0);
  const cut =
    lastWhere(bytes, low, (at) => bytes[at - 1] === lf && isEmptyLine(bytes, at)) ??
    lastWhere(bytes, low, (at) => bytes[at - 1] === lf && opens(bytes[at])) ??
    lastWhere(bytes, low, (at) => bytes[at - 1] === lf) ??
    lastWhere(bytes, low, (at) => bytes[at - 1] === cr && bytes[at] !== lf) ??
    lastWhere(bytes, low, (at) => bytes[at - 1] === 0x2c && bytes[at - 2] === 0x7d && bytes[at] === 0x7b) ??
    lastWhere(bytes, low, (at) => bytes[at - 1] === 0x3e && bytes[at] === 0x3c) ??
    lastWhere(bytes, low, (at) => bytes[at - 1] === 0x2c) ??
    lastWhere(bytes, low, (at) => bytes[at - 1] === 0x20) ??
    bytes.length;
  return beforeOpenKey(bytes, cut);
}

/** In UTF-16: behind the last line, and never inside of a unit. */
function cutWide(bytes: Uint8Array, low: number, end: number): number {
  for (let at = bytes.length & ~1; at > low; at -= 2)
    if (bytes[at - 2 + end] === lf && bytes[at - 1 - end] === 0) return at;
  return bytes.length & ~1;
}

/**
 * Tells which bytes of a segment are never hidden, because where a segment is cut was decided by them: the signs around
 * a cut on a long line, a bracket that begins a line, and the lines around the armour of a key.
 */
export function keptBytes(bytes: Uint8Array): (at: number) => boolean {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const armour = new Uint8Array(whole.includes('-----') ? whole.length : 0);
  const text = armour.length > 0 ? whole.toString('latin1') : '';
  for (const { index, 0: line } of text.matchAll(/-----(?:BEGIN|END) [A-Z0-9 ]{1,60}-----/g))
    armour.fill(1, index, index + line.length);
  return (at) => {
    const sign = String.fromCharCode(whole[at] ?? 0);
    if (at === 0 && (sign === '{' || sign === '<')) return true;
    if (at >= whole.length - 2 && (sign === ',' || sign === '}' || sign === '>')) return true;
    if (closers.includes(sign) && whole[at - 1] === lf) return true;
    return armour[at] === 1;
  };
}

/** The end of the last whole line, 0 where there is none; in front of a key whose armour has not ended yet. */
export function cutLines(bytes: Uint8Array): number {
  const cut = bytes.lastIndexOf(lf) + 1;
  return openKey(bytes, cut) ?? cut;
}

function lastWhere(bytes: Uint8Array, low: number, holds: (at: number) => boolean): number | undefined {
  for (let at = bytes.length - 1; at >= low && at > 1; at--) if (holds(at)) return at;
  return undefined;
}

/** True where the line that ends in front of `at` is empty. */
function isEmptyLine(bytes: Uint8Array, at: number): boolean {
  return bytes[at - 2] === lf || (bytes[at - 2] === cr && bytes[at - 3] === lf);
}

const closers = '})]<';

/** True for what begins a line of its own: neither indented nor a closing bracket. */
function opens(byte: number | undefined): boolean {
  if (byte === undefined || byte === lf || byte === cr || byte === 0x20 || byte === 0x09) return false;
  return !closers.includes(String.fromCharCode(byte));
}

/** Armour of a key that begins in front of `cut` and does not end there stays in one piece. */
function beforeOpenKey(bytes: Uint8Array, cut: number): number {
  const key = openKey(bytes, cut);
  return key !== undefined && key > bytes.length >> 3 ? key : cut;
}

/** The line on which such armour begins, undefined where there is none. */
function openKey(bytes: Uint8Array, cut: number): number | undefined {
  const from = Math.max(0, cut - longestKey);
  const tail = Buffer.from(bytes.buffer, bytes.byteOffset + from, cut - from);
  const begin = tail.lastIndexOf('-----BEGIN ');
  if (begin < 0 || tail.includes('-----END ', begin)) return undefined;
  return from + tail.lastIndexOf('\n', begin) + 1;
}
