// The key that the keys of repositories and months are encrypted with. It comes from the configuration, or is made with
// the log and kept in the data directory; the database alone reveals no sealed text.
import { createCipheriv, createDecipheriv, createHash, randomBytes, type KeyObject } from 'node:crypto';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { GuardError } from '../../../core/errors.ts';
import { drawRandom } from '../../../core/random.ts';
import type { Queryable } from '../../db.ts';
import { readPrivateFile, syncDirectory, writePrivateFile } from '../../private-file.ts';
import { readWrappers } from './store.ts';

export const dataKeyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;

export interface WrappingKey {
  /** Names the key without telling it: 16 hex digits. */
  readonly id: string;
  readonly key: Buffer;
}

function keyFile(dataDir: string): string {
  return join(dataDir, 'audit-sealing-key');
}

/** A key that is about to take its place. */
function nextKeyFile(dataDir: string): string {
  return join(dataDir, 'audit-sealing-key.next');
}

/** AES-256-GCM: nonce ‖ ciphertext ‖ tag; `about` is authenticated with it. */
export function encrypt(key: Buffer | KeyObject, about: string, plaintext: Uint8Array): Buffer {
  const nonce = drawRandom(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(Buffer.from(about));
  return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

/** The plaintext; undefined where it was not encrypted with this key about this. */
export function decrypt(key: Buffer | KeyObject, about: string, sealed: Uint8Array): Buffer | undefined {
  if (sealed.length < nonceBytes + tagBytes) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, nonceBytes));
  decipher.setAAD(Buffer.from(about));
  decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes));
  try {
    const text = decipher.update(sealed.subarray(nonceBytes, sealed.length - tagBytes));
    return Buffer.concat([text, decipher.final()]);
  } catch {
    return undefined;
  }
}

/** Reads a key of 32 bytes that is written in hex. Throws `config/invalid`; `where` names its place. */
export function parseWrappingKey(text: string, where: string): WrappingKey {
  const key = Buffer.from(text.trim(), 'hex');
  if (!/^[0-9a-fA-F]{64}$/.test(text.trim()))
    throw new GuardError('config/invalid', `${where} does not hold a key of ${dataKeyBytes} bytes in hex`);
  const id = createHash('sha256').update('forgeguard/wrapping-key\n').update(key).digest('hex').slice(0, 16);
  return { id, key };
}

/** The key that is there: that of the configuration, else of the data directory; undefined where there is none. */
export async function findWrappingKey(
  dataDir: string,
  configured: string | undefined,
): Promise<WrappingKey | undefined> {
  if (configured !== undefined) return parseWrappingKey(configured, 'audit.sealingKey');
  const file = await readPrivateFile(keyFile(dataDir));
  return file === undefined ? undefined : parseWrappingKey(file.text, keyFile(dataDir));
}

/** Keeps a key durably beside the one in use. */
export async function writeNextWrappingKey(dataDir: string, text: string): Promise<void> {
  await writePrivateFile(nextKeyFile(dataDir), `${text.trim()}\n`);
}

/** Puts the next key into its place where all keys of the database are wrapped by it, or where it is `certain`. */
export async function adoptNextWrappingKey(
  client: Queryable,
  dataDir: string,
  certain?: string,
): Promise<void> {
  const file = await readPrivateFile(nextKeyFile(dataDir));
  if (file === undefined) return;
  const { id } = parseWrappingKey(file.text, nextKeyFile(dataDir));
  const wrappers = certain === undefined ? await readWrappers(client) : [certain];
  if (wrappers.length === 0 || wrappers.some((wrapper) => wrapper !== id)) return;
  await rename(nextKeyFile(dataDir), keyFile(dataDir));
  await syncDirectory(dataDir);
}

/**
 * The key that a guard seals with. Made where the log has no sealed texts yet; rejects with `audit/unavailable` where it
 * has some that another key opens.
 */
export async function openWrappingKey(
  client: Queryable,
  dataDir: string,
  configured: string | undefined,
): Promise<WrappingKey> {
  if (configured === undefined) await adoptNextWrappingKey(client, dataDir);
  const found = await findWrappingKey(dataDir, configured);
  const wrappers = await readWrappers(client);
  if (wrappers.some((id) => id !== found?.id)) {
    throw new GuardError(
      'audit/unavailable',
      `texts of the audit log are sealed with a key that is not here: copy ${keyFile(dataDir)} from where the log was written, or name it with audit.sealingKey`,
    );
  }
  if (found !== undefined) return found;
  const text = randomBytes(dataKeyBytes).toString('hex');
  await writePrivateFile(keyFile(dataDir), `${text}\n`);
  return parseWrappingKey(text, keyFile(dataDir));
}
