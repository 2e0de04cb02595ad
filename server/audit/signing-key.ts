// The Ed25519 keys that sign checkpoints. The first is made with the log, the others by rotation; a log that has lost its
// key is never given another one silently. Who holds the key and the database can rewrite history for everyone who kept
// no checkpoint.
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { createSigner, verifierKeyText, type NoteSigner } from '../../core/checkpoint.ts';
import { GuardError } from '../../core/errors.ts';
import { readPrivateFile, writePrivateFile } from '../private-file.ts';

/** Where the key of a data directory is kept. */
export function signingKeyPath(dataDir: string): string {
  return join(dataDir, 'audit-signing-key');
}

/** Where the key of a rotation waits until the log says that it is the key. */
function nextKeyPath(dataDir: string): string {
  return join(dataDir, 'audit-signing-key.next');
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

async function readKeyFile(path: string): Promise<KeyObject | undefined> {
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

/** Reads the key; undefined where there is none. Rejects with `audit/inconsistent` where others may read the file. */
export function readSigningKey(dataDir: string): Promise<KeyObject | undefined> {
  return readKeyFile(signingKeyPath(dataDir));
}

async function createKey(path: string): Promise<KeyObject> {
  const { privateKey } = generateKeyPairSync('ed25519');
  await writePrivateFile(path, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  return privateKey;
}

/** Makes the key of a new log. */
export function createSigningKey(dataDir: string): Promise<KeyObject> {
  return createKey(signingKeyPath(dataDir));
}

/** Makes the key that a rotation will bring; it waits beside the one in use. */
export async function createNextKey(dataDir: string, name: string): Promise<NoteSigner> {
  return createSigner(name, await createKey(nextKeyPath(dataDir)));
}

/** Puts the waiting key in the place of the one in use, which is gone then. */
export async function adoptNextKey(dataDir: string): Promise<void> {
  await rename(nextKeyPath(dataDir), signingKeyPath(dataDir));
}

/**
 * The signer whose verifier key is `vkey`; a waiting key that the log has come to is adopted. Undefined where this data
 * directory has another key or none.
 */
export async function signerOf(dataDir: string, name: string, vkey: string): Promise<NoteSigner | undefined> {
  for (const path of [signingKeyPath(dataDir), nextKeyPath(dataDir)]) {
    const key = await readKeyFile(path);
    const signer = key === undefined ? undefined : createSigner(name, key);
    if (signer === undefined || verifierKeyText(signer) !== vkey) continue;
    if (path === nextKeyPath(dataDir)) await adoptNextKey(dataDir);
    return signer;
  }
  return undefined;
}
