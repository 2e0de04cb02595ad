// The key of the guard that runs here, so that fingerprints equal those in its log and policy.
import { environment, loadConfig } from '../server/config.ts';
import { drawFingerprintKey, findFingerprintKey } from '../server/fingerprint-key.ts';

/**
 * Reads the guard's key. Without a guard it is drawn anew: a key that everybody knows would let everybody search for
 * the number behind a fingerprint.
 */
export async function localFingerprintKey(): Promise<Uint8Array> {
  const config = await loadConfig({ file: undefined, env: environment() }).catch(() => undefined);
  const kept = config && (await findFingerprintKey(config.dataDir).catch(() => undefined));
  return kept ?? drawFingerprintKey();
}
