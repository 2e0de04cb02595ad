// The verifier key as a file for the log's readers. Public; whoever can change it can also read the signing key.
import { join } from 'node:path';
import { readPrivateFile, writePrivateFile } from '../private-file.ts';

/** Where the verifier key of a data directory is. */
export function verifierKeyPath(dataDir: string): string {
  return join(dataDir, 'audit-verifier-key');
}

/** The key's text; undefined where there is none. */
export async function readVerifierKey(dataDir: string): Promise<string | undefined> {
  return (await readPrivateFile(verifierKeyPath(dataDir)))?.text;
}

/** Puts the key there, readable by everyone. */
export async function publishVerifierKey(dataDir: string, key: string): Promise<void> {
  const text = `${key}\n`;
  if ((await readVerifierKey(dataDir)) !== text)
    await writePrivateFile(verifierKeyPath(dataDir), text, 0o644);
}
