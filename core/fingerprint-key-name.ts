// What the audit log calls a key of fingerprints, so that it can be told which of them compare.
import { createHash } from 'node:crypto';

/** 16 hex digits, from which the key cannot be found. */
export function nameOfFingerprintKey(key: Uint8Array): string {
  return createHash('sha256').update('fingerprint key\0').update(key).digest('hex').slice(0, 16);
}
