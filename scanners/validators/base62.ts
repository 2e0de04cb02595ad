// Base62 and the CRC-32 suffix that GitHub introduced for tokens and npm and this guard use too.
import { crc32 } from 'node:zlib';

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** Writes a 32-bit number in base62, six digits, padded with zeros. */
export function base62(value: number): string {
  let text = '';
  for (let rest = value >>> 0; text.length < 6; rest = Math.floor(rest / 62))
    text = DIGITS.charAt(rest % 62) + text;
  return text;
}

/** True where the last six characters are the base62 CRC-32 of what stands before them. */
export function endsInCrc32(body: string): boolean {
  return body.length > 6 && base62(crc32(body.slice(0, -6))) === body.slice(-6);
}
