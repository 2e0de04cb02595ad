// Cuts a stream into segments that are judged one after the other. Where a segment ends depends on the bytes alone,
// never on how they arrive, so that every way of splitting a stream is redacted alike.

export const segmentBytes = 512 * 1024;

/** Bytes in front of the end in which a good place to cut is looked for. */
const searched = 128 * 1024;
const longestKey = 16 * 1024;

const lf = 0x0a;
const cr = 0x0d;

/**
 * Where a segment that fills `bytes` ends: behind an empty line, else in front of a line that is not indented, else
 * behind a line, else between two records or values of one long line. At least an eighth of the bytes.
 */
export function cutSegment(bytes: Uint8Array): number {
  const low = Math.max(bytes.length - searched, bytes.length >> 3);
  const cut =
    lastWhere(bytes, low, (at) => bytes[at - 1] === lf && isEmptyLine(bytes, at)) ??
    lastWhere(bytes, low, (at) => bytes[at - 1] === lf && opens(bytes[at])) ??
    lastWhere(bytes, low, (at) => bytes[at - 1] === lf) ??
    lastWhere(bytes, low, (at) => bytes[at - 1] === cr && bytes[at] !== lf) ??
    lastWhere(bytes, low, (at) => bytes[at - 1] === 0x2c && bytes[at - 2] === 0x7d && bytes[at] === 0x7b) ??
    lastWhere(bytes, low, (at) => bytes[at - 1] === 0x3e && bytes[at] === 0x3c) ??
    lastWhere(bytes, low, (at) => bytes[at - 1] === 0x2c) ??
    lastWhere(bytes, low, (at) => bytes[at - 1] === 0x20) ??
    lastWhere(bytes, bytes.length - 4, (at) => ((bytes[at] ?? 0) & 0xc0) !== 0x80) ??
    bytes.length;
  return beforeOpenKey(bytes, cut);
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

/** True for what begins a line of its own: neither indented nor a closing bracket. */
function opens(byte: number | undefined): boolean {
  return byte !== undefined && !' \t})]<'.includes(String.fromCharCode(byte)) && byte !== lf && byte !== cr;
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
