// How a value may be shown and how equal values are told apart. Nothing here returns enough to guess a value.
import { createHmac } from 'node:crypto';
import type { MaskStyle } from './catalog.ts';

const STARS = '*'.repeat(8);

/** Masks `value`: its layout without its characters, or only a vendor's public prefix. */
export function maskValue(style: MaskStyle, value: string): string {
  switch (style) {
    case 'ssn':
      return '***-**-****';
    case 'shape':
      return value.slice(0, 40).replaceAll(/[\p{L}\p{N}]/gu, '*');
    case 'hidden':
      return STARS;
    case 'prefix':
      return `${vendorPrefix(value)}…`;
  }
}

/** The part of a token that its vendor publishes: at most eight characters up to the last `_` or `-`, else four. */
function vendorPrefix(value: string): string {
  const match = /^(?:[A-Za-z]{2,8}[_-]){1,2}/.exec(value.slice(0, 12));
  return match ? match[0] : value.slice(0, 4);
}

/** First 32 hex digits of HMAC-SHA-256 over rule, NUL and the normalised value. */
export function fingerprint(key: Uint8Array, rule: string, value: string): string {
  const normalised = value.normalize('NFC').trim().replaceAll(/\s+/g, ' ').toLowerCase();
  return createHmac('sha256', key).update(`${rule}\0${normalised}`).digest('hex').slice(0, 32);
}
