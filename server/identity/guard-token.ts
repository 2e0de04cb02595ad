// The guard's own tokens: those that are issued to an agent or person, and those of sessions.
//
//   token    = prefix random checksum
//   prefix   = "fg_" / "fgs_"          ; issued; of a session
//   random   = 36 base62 characters: 214 bits
//   checksum = 6 base62 characters: CRC-32 of `random`, most significant first, padded with "0"
//
// The checksum tells a token from a look-alike without asking the database, also for scanners of leaked secrets.
import { createHash, randomInt } from 'node:crypto';
import { crc32 } from 'node:zlib';

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const prefixes = { 'guard-token': 'fg_', 'session-token': 'fgs_' } as const;
const randomLength = 36;
const checksumLength = 6;

/** A new token. Show it once and keep only its hash. */
export function mintToken(kind: keyof typeof prefixes = 'guard-token'): string {
  const random = Array.from({ length: randomLength }, () => alphabet[randomInt(alphabet.length)]).join('');
  return prefixes[kind] + random + checksumOf(random);
}

export type TokenForm = keyof typeof prefixes | 'bad-checksum' | 'unknown-kind';

/** Which form of the guard's tokens the text has. Says nothing about whether the token exists. */
export function formOf(text: string): TokenForm {
  for (const kind of ['guard-token', 'session-token'] as const) {
    if (!text.startsWith(prefixes[kind])) continue;
    const [, random, checksum] =
      /^([0-9A-Za-z]{36})([0-9A-Za-z]{6})$/.exec(text.slice(prefixes[kind].length)) ?? [];
    return random !== undefined && checksum === checksumOf(random) ? kind : 'bad-checksum';
  }
  return 'unknown-kind';
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
