// The guard's own API tokens:
//
//   token    = "fg_" random checksum
//   random   = 36 base62 characters: 214 bits
//   checksum = 6 base62 characters: CRC-32 of `random`, most significant first, padded with "0"
//
// The checksum tells a token from a look-alike without asking the database, also for scanners of leaked secrets.
import { createHash, randomInt } from 'node:crypto';
import { crc32 } from 'node:zlib';

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const prefix = 'fg_';
const randomLength = 36;
const checksumLength = 6;

/** A new token. Show it once and keep only its hash. */
export function mintToken(): string {
  const random = Array.from({ length: randomLength }, () => alphabet[randomInt(alphabet.length)]).join('');
  return prefix + random + checksumOf(random);
}

export type TokenForm = 'guard-token' | 'bad-checksum' | 'unknown-kind';

/** Whether the text has the form of a guard token. Says nothing about whether the token exists. */
export function formOf(text: string): TokenForm {
  if (!text.startsWith(prefix)) return 'unknown-kind';
  const [, random, checksum] = /^fg_([0-9A-Za-z]{36})([0-9A-Za-z]{6})$/.exec(text) ?? [];
  return random !== undefined && checksum === checksumOf(random) ? 'guard-token' : 'bad-checksum';
}

/** SHA-256 of the token. Tokens have 214 random bits, so a plain hash cannot be reversed by guessing. */
export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

function checksumOf(random: string): string {
  let rest = crc32(random);
  let digits = '';
  while (rest > 0) {
    digits = (alphabet[rest % alphabet.length] ?? '') + digits;
    rest = Math.floor(rest / alphabet.length);
  }
  return digits.padStart(checksumLength, '0');
}
