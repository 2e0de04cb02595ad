// Keys to sign commits with, made when a test runs: OpenSSH keys, and OpenPGP keys in a keyring of their own.
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ok } from './client.ts';
import { run, type Run } from './run.ts';
import { temporaryDirectory } from './temporary-directory.ts';

export interface SshSigner {
  /** As in a `.pub` file. */
  readonly publicKey: string;
  /** Arguments of git before its command, which have it sign with this key. */
  readonly git: readonly string[];
}

export interface PgpSigner extends SshSigner {
  readonly fingerprint: string;
}

export interface SigningKeys extends AsyncDisposable {
  ssh(name: string): Promise<SshSigner>;
  /** `expires` as gpg writes it, such as `1d` or `seconds=1`. */
  pgp(name: string, expires?: string): Promise<PgpSigner>;
  /** Of a git that signs with OpenPGP keys. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Makes a directory for keys; it goes, and the agent of gpg with it, at the end. */
export async function makeSigningKeys(): Promise<SigningKeys> {
  const scratch = await temporaryDirectory('keys');
  const home = join(scratch.path, 'gnupg');
  await mkdir(home, { mode: 0o700 });
  const environment = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', HOME: scratch.path, GNUPGHOME: home };
  const program = (name: string, ...args: readonly string[]): Promise<Run> =>
    run(name, args, { cwd: scratch.path, env: environment });
  const gpg = (...args: readonly string[]): Promise<Run> => program('gpg', '--batch', '--quiet', ...args);
  return {
    environment: { GNUPGHOME: home },
    ssh: async (name) => {
      const file = join(scratch.path, name);
      ok(await program('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', file));
      const publicKey = (await readFile(`${file}.pub`, 'utf8')).trim();
      return { publicKey, git: ['-c', 'gpg.format=ssh', '-c', `user.signingKey=${file}`] };
    },
    pgp: async (name, expires = '1d') => {
      const user = `${name} <${name}@example.org>`;
      ok(await gpg('--passphrase', '', '--quick-gen-key', user, 'ed25519', 'sign', expires));
      const listed = ok(await gpg('--list-keys', '--with-colons', user)).stdout;
      const fingerprint = /^fpr:+([0-9A-F]{40}):/m.exec(listed)?.[1] ?? '';
      const publicKey = ok(await gpg('--armor', '--export', fingerprint)).stdout;
      return {
        publicKey,
        fingerprint,
        git: ['-c', 'gpg.format=openpgp', '-c', `user.signingKey=${fingerprint}`],
      };
    },
    async [Symbol.asyncDispose]() {
      await program('gpgconf', '--kill', 'all');
      await scratch.remove();
    },
  };
}
