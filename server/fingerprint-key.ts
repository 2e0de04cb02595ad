// The key of fingerprints and of passthrough ids. Whoever has it can guess at short values behind fingerprints.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { GuardError } from '../core/errors.ts';
import { readPrivateFile, writePrivateFile } from './private-file.ts';

const keyBytes = 32;

/** The key (32 bytes); made at the first start, kept in the data directory. Rejects with `config/unreadable`. */
export async function readFingerprintKey(dataDir: string): Promise<Uint8Array> {
  return (await findFingerprintKey(dataDir)) ?? replaceFingerprintKey(dataDir, drawFingerprintKey());
}

/** The key (32 bytes); undefined where no guard has started there. Rejects with `config/unreadable`. */
export async function findFingerprintKey(dataDir: string): Promise<Uint8Array | undefined> {
  const path = pathIn(dataDir);
  const kept = await readPrivateFile(path);
  if (kept === undefined) return undefined;
  const key = Buffer.from(kept.text.trim(), 'hex');
  if (key.length !== keyBytes)
    throw new GuardError('config/unreadable', `${path} does not hold a key of ${keyBytes} bytes in hex`);
  return key;
}

/** A new key. */
export function drawFingerprintKey(): Uint8Array {
  return randomBytes(keyBytes);
}

/** Keeps this key, durably, in the place of the one before, which is gone then. Returns it. */
export async function replaceFingerprintKey(dataDir: string, key: Uint8Array): Promise<Uint8Array> {
  await writePrivateFile(pathIn(dataDir), `${Buffer.from(key).toString('hex')}\n`);
  return key;
}

function pathIn(dataDir: string): string {
  return join(dataDir, 'fingerprint-key');
}
