// The session token that Git gets: the one that is kept, as long as it is good for a while, or a new one.
import { GuardError } from '../core/errors.ts';
import {
  cacheDirectory,
  type CacheEntry,
  type CredentialCache,
  openCredentialCache,
} from './credential-cache.ts';
import type { CredentialSettings } from './credential-settings.ts';
import { freshToken, type GoodToken, loginPatienceMs } from './kept-token.ts';
import { narrowLogin } from './login-session.ts';
import { connectToTokenService, type SessionToken } from './token-service.ts';
import { type ChosenSource, chooseSource } from './token-sources.ts';

/** A source, and what is kept of the tokens that it led to. */
export interface CredentialSession {
  readonly source: ChosenSource;
  /** A token that is good for a while. Rejects with a `GuardError` that shows no token. */
  token(): Promise<GoodToken>;
  /** What is kept, whether it is still good or not. */
  kept(): Promise<CacheEntry | undefined>;
  /** Forgets the token where it is this one. */
  erase(token: string): Promise<void>;
}

/** How long another git of this user may take to get the token that this one needs, too. */
const patienceMs = 60_000;

/** `repository`: `<forge>/<path>`; undefined where Git did not tell it. Rejects with `identity/no-source`. */
export async function openCredentialSession(
  guard: URL,
  repository: string | undefined,
  settings: CredentialSettings,
): Promise<CredentialSession> {
  const source = await chooseSource(settings.source, settings.forSources);
  const { found } = source;
  const open = (...key: readonly string[]): Promise<CredentialCache> =>
    openCredentialCache(cacheDirectory(settings.env), [guard.origin, ...key]);
  const service = connectToTokenService(guard, settings.ca, () => Date.now() / 1000);

  const about = repository ?? '*';
  if (found.kind === 'token') {
    const cache = await open(about, source.name, found.identity, settings.audience);
    const fetchNew = async (): Promise<SessionToken> =>
      service.exchange(await found.read(settings.audience), repository);
    return sessionOf(source, cache, () => freshToken(cache, patienceMs, fetchNew));
  }
  const asked = { agent: settings.agent, scope: scopeOf(settings, repository) };
  const cache = await open(about, 'login', asked.agent, asked.scope);
  const login = await open('login', asked.agent, asked.scope);
  const fetchNew = (): Promise<SessionToken> => narrowLogin(service, login, asked, repository);
  return sessionOf(source, cache, () => freshToken(cache, loginPatienceMs, fetchNew));
}

function sessionOf(
  source: ChosenSource,
  cache: CredentialCache,
  token: CredentialSession['token'],
): CredentialSession {
  return {
    source,
    token,
    kept: () => cache.read(),
    erase: async (refused) => {
      if ((await cache.read())?.token === refused) await cache.forget();
    },
  };
}

function scopeOf({ scope }: CredentialSettings, repository: string | undefined): string {
  if (scope !== undefined) return scope;
  if (repository !== undefined) return `${repository}:fetch,push`;
  throw new GuardError(
    'input/invalid',
    'a person who signs in must know what for: set credential.useHttpPath, or name --scope',
  );
}
