// The key of the guard that runs here, so that fingerprints equal those in its log and policy.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { readPrivateFile } from '../server/private-file.ts';
import { environment, loadConfig } from '../server/config.ts';

/**
 * Reads the guard's key. Without a guard it is drawn anew: a key that everybody knows would let everybody search for
 * the number behind a fingerprint.
 */
export async function findFingerprintKey(): Promise<Uint8Array> {
  const config = await loadConfig({ file: undefined, env: environment() }).catch(() => undefined);
  if (config === undefined) return randomBytes(32);
  const kept = await readPrivateFile(join(config.dataDir, 'fingerprint-key')).catch(() => undefined);
  return kept === undefined ? randomBytes(32) : Buffer.from(kept.text.trim(), 'hex');
}
