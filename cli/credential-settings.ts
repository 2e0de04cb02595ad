// What the credential helper was told: options of its own, which `credential setup` writes into Git's configuration, and
// the environment.
import { hostname, userInfo } from 'node:os';
import process from 'node:process';
import { GuardError } from '../core/errors.ts';
import { isPlainRemote, parseBaseUrl } from '../server/address.ts';
import { readBoundedFile } from '../server/bounded-file.ts';
import { type Environment, environment } from '../server/config.ts';
import { readSourceName, type SourceName, type SourceSettings } from './token-sources.ts';

export interface CredentialFlags {
  readonly guard?: string;
  readonly source?: string;
  readonly audience?: string;
  readonly tokenFile?: string;
  readonly tokenVariable?: string;
  readonly caFile?: string;
  readonly agent?: string;
  readonly scope?: string;
  readonly dangerouslyAllowPlainHttp?: true;
}

export interface CredentialSettings {
  /** Undefined where no guard is named; then there is nothing to say to anybody. */
  readonly guard: URL | undefined;
  /** Undefined: the first that is there. */
  readonly source: SourceName | undefined;
  /** Whom a token is to be made for, where its source makes it. */
  readonly audience: string;
  /** PEM text. */
  readonly ca: string | undefined;
  /** As whom a person who signs in lets this machine act. */
  readonly agent: string;
  /** What for; undefined: fetches from and pushes to the one repository. */
  readonly scope: string | undefined;
  readonly env: Environment;
  readonly forSources: SourceSettings;
}

const longestCaFile = 1_048_576;

/** Reads and checks all of it. Rejects with `input/invalid` or `input/unreadable`. */
export async function readCredentialSettings(flags: CredentialFlags): Promise<CredentialSettings> {
  const env = environment();
  const named = flags.guard ?? (env['FORGEGUARD_URL'] || undefined);
  const guard = named === undefined ? undefined : readGuardUrl(named, flags);
  const source = flags.source ?? (env['FORGEGUARD_CREDENTIAL_SOURCE'] || undefined);
  return {
    guard,
    source: source === undefined ? undefined : readSourceName(source),
    audience: flags.audience ?? (env['FORGEGUARD_AUDIENCE'] || guard?.origin || ''),
    ca: flags.caFile === undefined ? undefined : await readCa(flags.caFile),
    agent: readAgent(flags.agent ?? env['FORGEGUARD_AGENT']),
    scope: flags.scope,
    env,
    forSources: {
      env,
      file: flags.tokenFile,
      variable: flags.tokenVariable,
      isInteractive: process.stderr.isTTY && env['GIT_TERMINAL_PROMPT'] !== '0',
    },
  };
}

/** A token in the clear is a token lost. Throws `input/invalid`. */
export function readGuardUrl(text: string, flags: Pick<CredentialFlags, 'dangerouslyAllowPlainHttp'>): URL {
  const url = parseBaseUrl(text);
  if (url === undefined || url.pathname !== '/')
    throw new GuardError('input/invalid', 'the URL of the guard is written https://HOST[:PORT]');
  if (isPlainRemote(url) && flags.dangerouslyAllowPlainHttp !== true)
    throw new GuardError(
      'input/invalid',
      'http to another machine would show tokens to the network: use https, or --dangerously-allow-plain-http',
    );
  return url;
}

/** Who is at which machine, where nothing else is said. */
function readAgent(named: string | undefined): string {
  const name = named || `${userInfo().username}@${hostname()}`.replaceAll(/[^A-Za-z0-9._@+-]/g, '-');
  if (/^[A-Za-z0-9][A-Za-z0-9._@+/-]{0,119}$/.test(name)) return name;
  throw new GuardError('input/invalid', 'the name of an agent is written with letters, digits and ._@+/-');
}

async function readCa(file: string): Promise<string> {
  const bytes = await readBoundedFile(file, longestCaFile).catch((cause: unknown) => {
    throw new GuardError('input/unreadable', `couldn't read the file ${file}`, { cause });
  });
  if (bytes === undefined)
    throw new GuardError('input/invalid', `the file ${file} is larger than ${longestCaFile} bytes`);
  return bytes.toString('utf8');
}
