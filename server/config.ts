// The configuration: `forgeguard.yaml` and a few environment variables, read once at the start, checked and frozen.
// The only place that reads the process's environment. The file is the operator's and is trusted; its secrets are
// references, resolved here into `Secret`.
import { dirname, resolve } from 'node:path';
import process from 'node:process';
import { openDocument, invalidDocument } from '../core/document.ts';
import type { OpenDocument } from '../core/document.ts';
import { GuardError } from '../core/errors.ts';
import { readBoundedFile } from './bounded-file.ts';
import type { ListenAddress } from './config/address.ts';
import type { Limits } from './config/limits.ts';
import { resolveConfig } from './config/resolve.ts';
import { configSchema } from './config/schema.ts';
import type { ConfigDocument } from './config/schema.ts';
import type { Secret } from './config/secret.ts';

export type { Limits } from './config/limits.ts';
export { Secret } from './config/secret.ts';

export type ForgeCredential =
  | { readonly mode: 'none' }
  | { readonly mode: 'basic'; readonly username: string; readonly password: Secret }
  | { readonly mode: 'bearer'; readonly token: Secret }
  /** The client's own Authorization goes upstream. */
  | { readonly mode: 'passthrough' };

export interface ForgeConfig {
  readonly name: string;
  /** Base URL, http or https, without a trailing slash and without user information. */
  readonly url: string;
  readonly credential: ForgeCredential;
  /** Globs over the paths of the repositories that are served. */
  readonly repositories: readonly string[];
  /** Origins besides that of `url`. */
  readonly allowRedirectsTo: readonly string[];
  /** PEM text of the certificate authorities to trust instead of the system's. */
  readonly ca?: string;
}

export interface Config {
  /** True where no configuration file was found: the guard brings its own forge and tokens. */
  readonly sandbox: boolean;
  /** The file that was read, absolute. */
  readonly file: string | undefined;
  readonly listen: ListenAddress;
  /** Without a trailing slash; undefined: made of the address that is listened on. */
  readonly publicUrl: string | undefined;
  /** Absolute. */
  readonly dataDir: string;
  readonly database: { readonly url: Secret | undefined };
  readonly redis: { readonly url: Secret | undefined };
  readonly forges: readonly ForgeConfig[];
  /** `maxLifetime` in seconds. */
  readonly identity: { readonly tokens: { readonly maxLifetime: number } };
  readonly audit: { readonly retentionDays: number };
  /** Absolute; undefined: the default policy. */
  readonly policyFile: string | undefined;
  readonly limits: Limits;
  /** Sentences, one for each protection that the configuration switches off; for the boot log and the audit log. */
  readonly weakenings: readonly string[];
  /** Sentences about settings that have no effect; for the boot log. */
  readonly notices: readonly string[];
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** The process's environment, for the one call of `loadConfig` in the entry point. */
export function environment(): Environment {
  return { ...process.env };
}

const longestFile = 1_048_576;
const standardFile = 'forgeguard.yaml';

/**
 * Reads the configuration from `file`, else from FORGEGUARD_CONFIG, else from ./forgeguard.yaml if there is one, else
 * makes the sandbox's. Rejects with `config/invalid` with every problem found, or with `config/unreadable`.
 */
export async function loadConfig(options: {
  readonly file?: string | undefined;
  readonly env: Environment;
}): Promise<Config> {
  const named = options.file ?? (options.env['FORGEGUARD_CONFIG'] || undefined);
  const file = resolve(named ?? standardFile);
  const text = await readConfigText(file, named !== undefined);
  const name = text === undefined ? 'the environment' : (named ?? standardFile);
  const document: OpenDocument<ConfigDocument> = openDocument(configSchema, text ?? '{}', {
    name,
    code: 'config/invalid',
  });
  const { config, problems } = await resolveConfig(document, {
    env: options.env,
    file: text === undefined ? undefined : file,
    directory: text === undefined ? process.cwd() : dirname(file),
  });
  if (problems.length > 0) throw invalidDocument({ name, code: 'config/invalid' }, problems);
  return deepFreeze(config);
}

async function readConfigText(file: string, isNamed: boolean): Promise<string | undefined> {
  let bytes: Buffer | undefined;
  try {
    bytes = await readBoundedFile(file, longestFile);
  } catch (error) {
    const isAbsent = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (isAbsent && !isNamed) return undefined;
    throw new GuardError('config/unreadable', `couldn't read the configuration ${file}`, { cause: error });
  }
  if (bytes !== undefined) return bytes.toString('utf8');
  throw new GuardError('config/invalid', `the configuration ${file} is larger than ${longestFile} bytes`);
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const child of Object.values(value)) deepFreeze(child);
  }
  return value;
}
