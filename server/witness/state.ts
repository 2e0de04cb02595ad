// What a witness remembers: its key, and of each log the largest checkpoint that it has cosigned. Whoever can change these
// files can have it vouch for a second history; they belong on another machine than the guard's.
import { generateKeyPairSync, createPrivateKey, hash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createSigner, signatureTypes, type NoteSigner } from '../../core/checkpoint.ts';
import { GuardError } from '../../core/errors.ts';
import { readPrivateFile, writePrivateFile } from '../private-file.ts';

/** The name under which a witness serves a log: SHA-256 of its origin, hex. */
export function originHash(origin: string): string {
  return hash('sha256', origin, 'hex');
}

/** Reads the witness's key, made at its first start. Rejects with `data/unusable` where it cannot be read. */
export async function readWitnessKey(directory: string, name: string): Promise<NoteSigner> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, 'witness-key');
  const kept = await readPrivateFile(path);
  if (kept === undefined) {
    const { privateKey } = generateKeyPairSync('ed25519');
    await writePrivateFile(path, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
    return createSigner(name, privateKey, signatureTypes.cosignature);
  }
  try {
    if ((kept.mode & 0o077) !== 0) throw new TypeError('others may read it');
    return createSigner(name, createPrivateKey(kept.text), signatureTypes.cosignature);
  } catch {
    // The parser's own words could quote the file.
    throw new GuardError('data/unusable', `${path} is not an Ed25519 key of mode 0600`);
  }
}

/** The cosigned checkpoints of a directory; each is replaced durably before anybody is told of it. */
export interface WitnessState {
  /** The largest note that was cosigned for a log; undefined where none was. */
  read(origin: string): Promise<string | undefined>;
  write(origin: string, note: string): Promise<void>;
}

/** Opens the state. */
export function openWitnessState(directory: string): WitnessState {
  const path = (origin: string): string => join(directory, `${originHash(origin)}.checkpoint`);
  return {
    read: async (origin) => (await readPrivateFile(path(origin)))?.text,
    write: (origin, note) => writePrivateFile(path(origin), note),
  };
}
