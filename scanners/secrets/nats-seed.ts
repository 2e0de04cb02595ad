// Seeds of NATS keys: base32 (RFC 4648) over a prefix, 32 bytes of seed and a CRC-16 (XMODEM), 58 characters. They stand
// on lines of their own, so the whole text is looked through where a word says that it is about such keys.
import type { PatternRule } from '../rule.ts';

const seed = /(?<![A-Z0-9])S[A-Z2-7]{57}(?![A-Z0-9=])/y;
const SEED_LENGTH = 58;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const isBase32 = Uint8Array.from({ length: 256 }, (_, code) =>
  ALPHABET.includes(String.fromCharCode(code)) ? 1 : 0,
);

export const natsSeedRule: PatternRule = {
  literals: ['nkey', 'nats', 'seed', 'creds'],
  scope: 'text',
  find(line, emit) {
    // The text is the whole view, and its offsets are those of the bytes.
    for (let at = nextRun(line.bytes, 0); at >= 0; at = nextRun(line.bytes, at + SEED_LENGTH)) {
      seed.lastIndex = at;
      const match = seed.exec(line.text);
      if (match === null || new Set(match[0]).size < 12) continue;
      const start = line.start + match.index;
      // A seed with a wrong checksum cannot work: cut, invented, or made unusable by its publisher.
      const confidence = hasChecksum(match[0]) ? 0.98 : 0.6;
      emit({ rule: 'secret/nats-seed', start, end: start + match[0].length, confidence });
    }
  },
};

/**
 * Start of the first run of base32 as long as a seed at or behind `from`, or -1. Looks at the last character that a run
 * would need and goes back to the first that belongs to none: most are never looked at.
 */
function nextRun(bytes: Uint8Array, from: number): number {
  for (let last = from + SEED_LENGTH - 1; last < bytes.length;) {
    let at = last;
    while (at > last - SEED_LENGTH && isBase32[bytes[at] ?? 0] === 1) at--;
    if (at === last - SEED_LENGTH) return at + 1;
    last = at + SEED_LENGTH;
  }
  return -1;
}

/** True where the last two bytes are the CRC-16 of the bytes before them, little endian. */
export function hasChecksum(text: string): boolean {
  const bytes = base32(text);
  if (bytes.length < 3) return false;
  const body = bytes.subarray(0, -2);
  return crc16(body) === (bytes.at(-2) ?? 0) + (bytes.at(-1) ?? 0) * 256;
}

function base32(text: string): Uint8Array {
  const bytes = new Uint8Array(Math.floor((text.length * 5) / 8));
  let bits = 0;
  let value = 0;
  let at = 0;
  for (const char of text) {
    value = ((value << 5) | Math.max(0, ALPHABET.indexOf(char))) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = value >>> bits;
    }
  }
  return bytes;
}

/** CRC-16/XMODEM: polynomial 0x1021, start 0. */
export function crc16(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = ((crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021) & 0xffff;
  }
  return crc;
}
