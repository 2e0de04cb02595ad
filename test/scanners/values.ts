// Values in the shape of identifiers and credentials, assembled when a test runs so that no file looks live.
import { base62 } from '../../scanners/validators/base62.ts';
import { crc32 } from 'node:zlib';
import { crc16 } from '../../scanners/secrets/nats-seed.ts';

/** Joins pieces of a value that must not stand in a file as a whole. */
export function glue(...pieces: readonly string[]): string {
  return pieces.join('');
}

/** Letters and digits that no vocabulary knows; the same for the same seed. */
export function scrambled(length: number, alphabet: string, seed = 7): string {
  let state = seed;
  let text = '';
  while (text.length < length) {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    text += alphabet.charAt((state >>> 8) % alphabet.length);
  }
  return text;
}

export const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
export const alphanumeric = `${letters}0123456789`;
export const hex = '0123456789abcdef';
export const upper = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** A token of a prefix, random characters and their CRC-32 in base 62. */
export function checked(prefix: string, body: number): string {
  const text = scrambled(body, alphanumeric);
  return prefix + text + base62(crc32(text));
}

/** The last digit that makes a number pass Luhn's check. */
export function withLuhn(digits: string, issuer = ''): string {
  let sum = 0;
  Array.from(`${issuer}${digits}0`)
    .reverse()
    .forEach((digit, at) => {
      const value = Number(digit) * (at % 2 === 1 ? 2 : 1);
      sum += value > 9 ? value - 9 : value;
    });
  return digits + String((10 - (sum % 10)) % 10);
}

export const ssn = glue('536-22-', '1879');
export const mrn = glue('4829', '1034');
export const birth = glue('1962-', '03-14');
export const pem = (kind: string, body: string) =>
  glue('-----BEGIN ', kind, '-----\n', body.replaceAll(/(.{64})/g, '$1\n'), '\n-----END ', kind, '-----\n');

/** A seed of a NATS user key with its checksum (CRC-16/XMODEM), in base32. */
export function natsSeed(): string {
  const body = Buffer.concat([Buffer.from([149, 0]), Buffer.from(scrambled(32, alphanumeric, 11))]);
  const crc = crc16(body);
  let bits = '';
  for (const byte of [...body, crc & 0xff, crc >> 8]) bits += byte.toString(2).padStart(8, '0');
  return Array.from({ length: 58 }, (_, at) =>
    upper.charAt(Number.parseInt(bits.slice(at * 5, at * 5 + 5).padEnd(5, '0'), 2)),
  ).join('');
}
