// The key of fingerprints and of passthrough ids. Whoever has it can guess at short values behind fingerprints.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { GuardError } from '../core/errors.ts';
import { readPrivateFile, writePrivateFile } from './private-file.ts';

const keyBytes = 32;

/** The key (32 bytes); made at the first start, kept in the data directory. Rejects with `config/unreadable`. */
export async function readFingerprintKey(dataDir: string): Promise<Uint8Array> {
  const path = join(dataDir, 'fingerprint-key');
  const kept = await readPrivateFile(path);
  if (kept !== undefined) {
    const key = Buffer.from(kept.text.trim(), 'hex');
    if (key.length !== keyBytes)
      throw new GuardError('config/unreadable', `${path} does not hold a key of ${keyBytes} bytes in hex`);
    return key;
  }
  const key = randomBytes(keyBytes);
  await writePrivateFile(path, `${key.toString('hex')}\n`);
  return key;
}
