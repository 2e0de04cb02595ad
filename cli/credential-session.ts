// The session token that Git gets: the one that is kept, as long as it is good for a while, or a new one.
import process from 'node:process';
import {
  cacheDirectory,
  type CacheEntry,
  type CredentialCache,
  openCredentialCache,
} from './credential-cache.ts';
import type { CredentialSettings } from './credential-settings.ts';
import { loginByDevice } from './device-login.ts';
import { connectToTokenService, type SessionToken, type TokenService } from './token-service.ts';
import { type ChosenSource, chooseSource } from './token-sources.ts';

/** A source, and what is kept of the tokens that it led to. */
export interface CredentialSession {
  readonly source: ChosenSource;
  /** A token that is good for a while. Rejects with a `GuardError` that shows no token. */
  token(): Promise<Pick<SessionToken, 'token' | 'expiresAt'>>;
  /** What is kept, whether it is still good or not. */
  kept(): Promise<CacheEntry | undefined>;
  /** Forgets the token where it is this one; what signs a person in again stays. */
  erase(token: string): Promise<void>;
}

const seconds = (): number => Date.now() / 1000;
/** How long another git of this user may take to get the token that this one needs, too. */
const patienceMs = 60_000;
const loginPatienceMs = 15 * 60_000;
/** A token that would not outlast one request. */
const uselessSeconds = 5;

/** `repository`: `<forge>/<path>`; undefined where Git did not tell it. Rejects with `identity/missing`. */
export async function openCredentialSession(
  guard: URL,
  repository: string | undefined,
  settings: CredentialSettings,
): Promise<CredentialSession> {
  const source = await chooseSource(settings.source, settings.forSources);
  const identity = source.found.kind === 'login' ? 'login' : `${source.name} ${source.found.identity}`;
  const cache = await openCredentialCache(cacheDirectory(settings.env), [
    guard.origin,
    repository ?? '*',
    identity,
    settings.audience,
  ]);
  const service = connectToTokenService(guard, settings.ca, seconds);

  return {
    source,
    kept: () => cache.read(),
    token: () => freshToken(cache, source, () => obtain(service, source, repository, settings, cache)),
    async erase(token) {
      const entry = await cache.read();
      if (entry?.token !== token) return;
      if (entry.refreshToken === undefined) await cache.forget();
      else await cache.write({ refreshToken: entry.refreshToken, expiresAt: 0, lifetime: 0 });
    },
  };
}

async function freshToken(
  cache: CredentialCache,
  source: ChosenSource,
  fetchNew: () => Promise<SessionToken>,
): Promise<Pick<SessionToken, 'token' | 'expiresAt'>> {
  const kept = usable(await cache.read());
  if (kept?.isFresh === true) return kept;
  return cache.alone(source.found.kind === 'login' ? loginPatienceMs : patienceMs, async () => {
    const meanwhile = usable(await cache.read());
    if (meanwhile?.isFresh === true) return meanwhile;
    try {
      const session = await fetchNew();
      await cache.write({
        token: session.token,
        expiresAt: session.expiresAt,
        lifetime: session.lifetime,
        refreshToken: session.refreshToken,
      });
      return session;
    } catch (thrown) {
      // Not fresh any more, and better than none.
      if (meanwhile !== undefined) return meanwhile;
      throw thrown;
    }
  });
}

/** What a git that begins now can work with; fresh for two thirds of its life. */
function usable(
  entry: CacheEntry | undefined,
): { readonly token: string; readonly expiresAt: number; readonly isFresh: boolean } | undefined {
  const left = (entry?.expiresAt ?? 0) - seconds();
  if (entry?.token === undefined || left < uselessSeconds) return undefined;
  return { token: entry.token, expiresAt: entry.expiresAt, isFresh: left > entry.lifetime / 3 };
}

async function obtain(
  service: TokenService,
  { found }: ChosenSource,
  repository: string | undefined,
  { audience }: CredentialSettings,
  cache: CredentialCache,
): Promise<SessionToken> {
  if (found.kind === 'token') return service.exchange(await found.read(audience), repository);
  const refreshToken = (await cache.read())?.refreshToken;
  if (refreshToken !== undefined) {
    const renewed = await service.refresh(refreshToken, repository).catch(() => undefined);
    if (renewed !== undefined) return { ...renewed, refreshToken: renewed.refreshToken ?? refreshToken };
  }
  return loginByDevice(service, repository, {
    say: (line) => void process.stderr.write(`${line}\n`),
    now: () => performance.now(),
  });
}
