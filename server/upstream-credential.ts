// What the guard shows a forge: made anew for each request from where the credential comes from, so that a changed secret
// is used at once and a short-lived token is never an old one.
import { type ErrorCode, GuardError } from '../core/errors.ts';
import type { ForgeConfig } from './config-types.ts';
import { createInstallationTokens, type InstallationPermissions } from './github-installation.ts';
import { openSecret, type SecretReader } from './secret-source.ts';

/** What one request is for. */
export interface CredentialUse {
  /** Path of the repository at the forge, without `.git`. */
  readonly repository: string;
  readonly access: 'read' | 'write';
  /** True where the request changes workflow files. */
  readonly workflows?: boolean;
}

export interface UpstreamCredential extends AsyncDisposable {
  /**
   * The Authorization header for the forge's own origin; undefined where none is sent. Rejects with
   * one of `credentialFailures`; then nothing was sent to the forge.
   */
  header(use: CredentialUse): Promise<string | undefined>;
  /** The forge answered 401 to what `header` gave: what is remembered of it may no longer be good. */
  refused(use: CredentialUse): void;
}

/** Why there is no credential to send. */
export const credentialFailures: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'upstream/no-credential',
  'upstream/not-installed',
  'upstream/suspended',
  'upstream/permission',
  'upstream/rate-limited',
]);

const nothingToClose = (): Promise<void> => Promise.resolve();
const nothingToForget = (): void => undefined;

/** `now` in milliseconds, of a clock that only goes forward. In mode `passthrough` it gives nothing. */
export function createUpstreamCredential(
  { credential, ca }: Pick<ForgeConfig, 'credential' | 'ca'>,
  now: () => number,
): UpstreamCredential {
  switch (credential.mode) {
    case 'none':
    case 'passthrough':
      return {
        header: () => Promise.resolve(undefined),
        refused: nothingToForget,
        [Symbol.asyncDispose]: nothingToClose,
      };
    case 'basic': {
      const { username } = credential;
      return fromSecret(openSecret(credential.password, { now }), (password) => basic(username, password));
    }
    case 'bearer':
      return fromSecret(openSecret(credential.token, { now }), (token) => `Bearer ${token}`);
    case 'github-app': {
      const tokens = createInstallationTokens({ app: credential, ca, now });
      const wishOf = (use: CredentialUse) => ({
        repository: use.repository,
        permissions: permissionsFor(use, credential.allowWorkflows),
      });
      return {
        header: async (use) => basic('x-access-token', (await tokens.tokenFor(wishOf(use))).reveal()),
        refused: (use) => tokens.refused(wishOf(use)),
        [Symbol.asyncDispose]: () => tokens[Symbol.asyncDispose](),
      };
    }
  }
}

function fromSecret(reader: SecretReader, headerOf: (secret: string) => string): UpstreamCredential {
  return {
    async header() {
      const header = headerOf((await reader.read()).reveal());
      // An HTTP client that refuses a header quotes it.
      if (/[^\t\x20-\x7e]/.test(header))
        throw new GuardError(
          'upstream/no-credential',
          'the token for the forge has characters that no header may have',
        );
      return header;
    },
    refused: () => reader.refused(),
    [Symbol.asyncDispose]: nothingToClose,
  };
}

function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`;
}

/** The least that GitHub asks for. */
function permissionsFor(
  { access, workflows }: CredentialUse,
  allowWorkflows: boolean,
): InstallationPermissions {
  if (access === 'read') return { contents: 'read' };
  return workflows === true && allowWorkflows
    ? { contents: 'write', workflows: 'write' }
    : { contents: 'write' };
}
