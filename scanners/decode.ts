// Turns stored bytes into the view that everything else reads, and offsets of the view back into stored offsets.
// UTF-8 (valid or not) is taken as it is; UTF-16 is transcoded; NUL bytes make data binary, never unreadable.

export type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be';

export interface Decoded {
  /** UTF-8 bytes that the view shows. */
  readonly bytes: Uint8Array;
  /** One character per byte of `bytes`. */
  readonly view: string;
  readonly encoding: Encoding;
  readonly binary: boolean;
}

const SNIFF_BYTES = 8_192;

/** Tells the encoding from a byte order mark, else from where NUL bytes stand in the first 8 KiB. */
export function sniffEncoding(bytes: Uint8Array): Encoding {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  if (!holdsNul(bytes)) return 'utf-8';
  const length = Math.min(bytes.length, SNIFF_BYTES) & ~1;
  if (length < 8) return 'utf-8';
  let even = 0;
  let odd = 0;
  for (let at = 0; at < length; at += 2) {
    if (bytes[at] === 0) even++;
    if (bytes[at + 1] === 0) odd++;
  }
  const units = length / 2;
  if (odd > units * 0.6 && even < units * 0.05) return 'utf-16le';
  return even > units * 0.6 && odd < units * 0.05 ? 'utf-16be' : 'utf-8';
}

/** True where a NUL stands in the bytes that are sniffed. Node's own search is several times faster than the array's. */
function holdsNul(bytes: Uint8Array): boolean {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, SNIFF_BYTES));
  return head.indexOf(0) >= 0;
}

/** Decodes `bytes`, whose encoding is known from the start of the file. */
export function decode(bytes: Uint8Array, encoding: Encoding): Decoded {
  if (encoding === 'utf-8') {
    return { bytes, view: latin1(bytes), encoding, binary: holdsNul(bytes) };
  }
  // ignoreBOM keeps the mark in the text, so that offsets stay a plain multiple of two.
  const text = new TextDecoder(encoding, { ignoreBOM: true }).decode(bytes);
  const utf8 = Buffer.from(text, 'utf8');
  return { bytes: utf8, view: latin1(utf8), encoding, binary: false };
}

/** Reads the UTF-8 of a slice of a view. */
export function readText(view: string, start: number, end: number): string {
  const slice = view.slice(start, end);
  return /[\x80-\xff]/.test(slice) ? Buffer.from(slice, 'latin1').toString('utf8') : slice;
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

export interface Place {
  readonly line: number;
  readonly column: number;
  /** Offset into the bytes as stored, relative to the start of the decoded buffer. */
  readonly stored: number;
}

/**
 * Places of `offsets` (any order) in one walk over the bytes. `line` and `column` are those of the first byte.
 * Lines end at LF, as Git and forges count them.
 */
export function locate(
  decoded: Decoded,
  offsets: Iterable<number>,
  line: number,
  column: number,
): ReadonlyMap<number, Place> {
  const places = new Map<number, Place>();
  const { bytes, encoding } = decoded;
  const wide = encoding !== 'utf-8';
  let at = 0;
  let units = 0;
  for (const offset of [...new Set(offsets)].sort((a, b) => a - b)) {
    for (; at < offset; at++) {
      const byte = bytes[at] ?? 0;
      if (byte === 10) {
        line++;
        column = 1;
        units++;
      } else if ((byte & 0xc0) !== 0x80) {
        const width = byte >= 0xf0 ? 2 : 1;
        column += width;
        units += width;
      }
    }
    places.set(offset, { line, column, stored: wide ? units * 2 : offset });
  }
  return places;
}
