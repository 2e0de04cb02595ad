// Where the identity of an agent comes from on the machine that it runs on, as one table in the order in which they are
// tried. What they give is shown to the guard's token service and to nobody else.
import { createHash } from 'node:crypto';
import { access, constants } from 'node:fs/promises';
import { GuardError } from '../core/errors.ts';
import { readBoundedFile } from '../server/bounded-file.ts';
import type { Environment } from '../server/config.ts';
import { fetchActionsToken } from './actions-token.ts';

/** A token that the guard exchanges for one of its own. */
export interface SubjectToken {
  readonly token: string;
  /** RFC 8693 §3. */
  readonly type: 'access_token' | 'jwt';
}

export type FoundSource =
  | {
      readonly kind: 'token';
      /** What was found, in words that show no token. */
      readonly shown: string;
      /** Two identities of one user have different ones; never the token. */
      readonly identity: string;
      /** `audience`: whom the token is to be made for, where the source makes it. */
      readonly read: (audience: string) => Promise<SubjectToken>;
    }
  /** A person signs in with a browser. */
  | { readonly kind: 'login'; readonly shown: string };

export interface SourceSettings {
  readonly env: Environment;
  /** File or variable that was named for the chosen source. */
  readonly file: string | undefined;
  readonly variable: string | undefined;
  /** True where somebody may be asked to sign in. */
  readonly isInteractive: boolean;
}

interface SourceEntry {
  /** What must be there for it, for people. */
  readonly needs: string;
  readonly find: (settings: SourceSettings) => Promise<FoundSource | undefined>;
}

const kubernetesFile = '/var/run/secrets/tokens/forgeguard';

/** What an operator named for this program comes first, then what the platform offers, a person last. */
const sources = {
  token: {
    needs: 'FORGEGUARD_TOKEN or FORGEGUARD_TOKEN_FILE: a registered token of the guard (fg_…)',
    find: async ({ env, file, variable }) =>
      (await fromVariable(env, variable ?? 'FORGEGUARD_TOKEN')) ??
      fromFile(file ?? setting(env, 'FORGEGUARD_TOKEN_FILE')),
  },
  'id-token': {
    needs: 'FORGEGUARD_ID_TOKEN: a variable with an OIDC token, such as one of GitLab’s id_tokens',
    find: ({ env, variable }) => fromVariable(env, variable ?? 'FORGEGUARD_ID_TOKEN'),
  },
  file: {
    needs: 'FORGEGUARD_ID_TOKEN_FILE: a file with an OIDC token',
    find: ({ env, file }) => fromFile(file ?? setting(env, 'FORGEGUARD_ID_TOKEN_FILE')),
  },
  'github-actions': {
    needs: 'a GitHub Actions job with `permissions: id-token: write`',
    find: ({ env }) => fromActions(env),
  },
  spiffe: {
    needs: 'FORGEGUARD_SPIFFE_TOKEN_FILE: a file with a JWT-SVID, as spiffe-helper writes it',
    find: ({ env, file }) => fromFile(file ?? setting(env, 'FORGEGUARD_SPIFFE_TOKEN_FILE')),
  },
  kubernetes: {
    needs: `FORGEGUARD_KUBERNETES_TOKEN_FILE, or ${kubernetesFile}: a projected service account token`,
    find: async ({ env, file }) => {
      const named = file ?? setting(env, 'FORGEGUARD_KUBERNETES_TOKEN_FILE');
      if (named !== undefined) return fromFile(named);
      return (await exists(kubernetesFile)) ? fromFile(kubernetesFile) : undefined;
    },
  },
  login: {
    needs: 'a terminal, and a person who signs in with a browser',
    find: ({ isInteractive }) =>
      Promise.resolve(isInteractive ? { kind: 'login', shown: 'a sign-in with a browser' } : undefined),
  },
} as const satisfies Record<string, SourceEntry>;

export type SourceName = keyof typeof sources;

/** Every source, in the order in which they are tried. */
export const sourceNames = Object.keys(sources).filter(isSourceName);

function isSourceName(name: string): name is SourceName {
  return Object.hasOwn(sources, name);
}

/** Reads the name of a source. Throws `input/invalid`. */
export function readSourceName(text: string): SourceName {
  if (isSourceName(text)) return text;
  throw new GuardError('input/invalid', `the sources of an identity are ${sourceNames.join(', ')}`);
}

export interface ChosenSource {
  readonly name: SourceName;
  readonly found: FoundSource;
}

/** The first source that is there, or the one that is named. Rejects with `identity/no-source` where there is none. */
export async function chooseSource(
  named: SourceName | undefined,
  settings: SourceSettings,
): Promise<ChosenSource> {
  for (const name of named === undefined ? sourceNames : [named]) {
    const forced = name === 'login' && named === 'login';
    const found = await sources[name].find(forced ? { ...settings, isInteractive: true } : settings);
    if (found !== undefined) return { name, found };
  }
  throw new GuardError(
    'identity/no-source',
    named === undefined
      ? 'nothing here says who you are; `forgeguard credential status` lists what is looked for'
      : `the source ${named} is not here: it needs ${sources[named].needs}`,
  );
}

/** What a source needs, for people. */
export function needsOf(name: SourceName): string {
  return sources[name].needs;
}

function setting(env: Environment, name: string): string | undefined {
  return env[name] || undefined;
}

const longestToken = 65_536;

function fromVariable(env: Environment, name: string): Promise<FoundSource | undefined> {
  const value = setting(env, name);
  if (value === undefined) return Promise.resolve(undefined);
  const what = `the environment variable ${name}`;
  return Promise.resolve({
    kind: 'token',
    shown: what,
    identity: digest(value),
    read: () => Promise.resolve(subjectOf(value, what)),
  });
}

async function fromFile(file: string | undefined): Promise<FoundSource | undefined> {
  if (file === undefined) return undefined;
  const what = `the file ${file}`;
  const read = async (): Promise<string> => {
    const bytes = await readBoundedFile(file, longestToken).catch((cause: unknown) => {
      throw new GuardError('input/unreadable', `couldn't read ${what}`, { cause });
    });
    return bytes?.toString('utf8') ?? '';
  };
  return {
    kind: 'token',
    shown: what,
    // The platform replaces the token in time; whose it is stays the same as long as its subject does.
    identity: digest(subjectClaims(await read())),
    read: async () => subjectOf(await read(), what),
  };
}

function fromActions(env: Environment): Promise<FoundSource | undefined> {
  const url = setting(env, 'ACTIONS_ID_TOKEN_REQUEST_URL');
  const token = setting(env, 'ACTIONS_ID_TOKEN_REQUEST_TOKEN');
  if (url === undefined || token === undefined) return Promise.resolve(undefined);
  return Promise.resolve({
    kind: 'token',
    shown: 'the identity of this GitHub Actions job',
    identity: digest(`${url} ${token}`),
    read: async (audience) => subjectOf(await fetchActionsToken(url, token, audience), 'GitHub’s answer'),
  });
}

function subjectOf(text: string, what: string): SubjectToken {
  const token = text.trim();
  if (!/^[\x21-\x7e]+$/.test(token))
    throw new GuardError('input/invalid', `${what} holds no token: it is empty, too large, or has spaces`);
  return { token, type: isJwt(token) ? 'jwt' : 'access_token' };
}

function isJwt(token: string): boolean {
  return /^eyJ[\w-]+\.[\w-]+\.[\w-]+$/.test(token);
}

/** Issuer and subject of a JWT, which stay when it is renewed; all of any other token. Nothing is verified here. */
function subjectClaims(text: string): string {
  const token = text.trim();
  if (!isJwt(token)) return token;
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
    if (typeof claims !== 'object' || claims === null || !('iss' in claims) || !('sub' in claims))
      return token;
    return JSON.stringify([claims.iss, claims.sub]);
  } catch {
    return token;
  }
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

async function exists(file: string): Promise<boolean> {
  return access(file, constants.R_OK).then(
    () => true,
    () => false,
  );
}
