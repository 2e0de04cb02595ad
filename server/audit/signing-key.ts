// The Ed25519 key that signs checkpoints. It is made once, with the log; a log that has lost its key is never given
// another one silently. Who holds the key and the database can rewrite history for everyone who kept no checkpoint.
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { GuardError } from '../../core/errors.ts';
import { readPrivateFile, writePrivateFile } from './private-file.ts';

/** Where the key of a data directory is kept. */
export function signingKeyPath(dataDir: string): string {
  return join(dataDir, 'audit-signing-key');
}

function parseKey(path: string, pem: string): KeyObject {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch {
    // The parser's own words could quote the file.
  }
  throw new GuardError('audit/inconsistent', `${path} is not an Ed25519 private key in PEM form`);
}

/** Reads the key; undefined where there is none. Rejects with `audit/inconsistent` where others may read the file. */
export async function readSigningKey(dataDir: string): Promise<KeyObject | undefined> {
  const path = signingKeyPath(dataDir);
  const file = await readPrivateFile(path);
  if (file === undefined) return undefined;
  if ((file.mode & 0o077) !== 0) {
    const mode = file.mode.toString(8).padStart(4, '0');
    throw new GuardError(
      'audit/inconsistent',
      `${path} has mode ${mode}: others may have read the signing key. If nobody has, run chmod 600 on it`,
    );
  }
  return parseKey(path, file.text);
}

/** Makes the key of a new log. */
export async function createSigningKey(dataDir: string): Promise<KeyObject> {
  const { privateKey } = generateKeyPairSync('ed25519');
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  await writePrivateFile(signingKeyPath(dataDir), pem);
  return privateKey;
}
