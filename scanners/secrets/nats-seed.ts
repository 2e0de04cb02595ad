// Seeds of NATS keys: base32 (RFC 4648) over a prefix, 32 bytes of seed and a CRC-16 (XMODEM), 58 characters. They stand
// on lines of their own, so the whole text is looked through where a word says that it is about such keys.
import { matchesOf } from '../matches.ts';
import type { PatternRule } from '../rule.ts';

const seed = /(?<![A-Z0-9])S[A-Z2-7]{57}(?![A-Z0-9=])/g;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

export const natsSeedRule: PatternRule = {
  literals: ['nkey', 'nats', 'seed', 'creds'],
  scope: 'text',
  find(line, emit) {
    for (const match of matchesOf(seed, line.text)) {
      if (new Set(match[0]).size < 12) continue;
      const start = line.start + match.index;
      // A seed with a wrong checksum cannot work: cut, invented, or made unusable by its publisher.
      const confidence = hasChecksum(match[0]) ? 0.98 : 0.6;
      emit({ rule: 'secret/nats-seed', start, end: start + match[0].length, confidence });
    }
  },
};

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
