// A kept token is used as long as it is good for a while; then one program of this user gets the next for all of them.
import type { CacheEntry, CredentialCache } from './credential-cache.ts';
import type { SessionToken } from './token-service.ts';

export type GoodToken = Pick<SessionToken, 'token' | 'expiresAt'>;

/** How long a person may take to sign in. */
export const loginPatienceMs = 15 * 60_000;
/** A token that would not outlast one request. */
const uselessSeconds = 5;

/** The kept token where it is fresh, else what `fetchNew` gets, once among all programs of this user. */
export async function freshToken(
  cache: CredentialCache,
  waitMs: number,
  fetchNew: () => Promise<SessionToken>,
): Promise<GoodToken> {
  const kept = usable(await cache.read());
  if (kept?.isFresh === true) return kept;
  return cache.alone(waitMs, async () => {
    const meanwhile = usable(await cache.read());
    if (meanwhile?.isFresh === true) return meanwhile;
    try {
      const session = await fetchNew();
      await cache.write(session);
      return session;
    } catch (thrown) {
      // Not fresh any more, and better than none.
      if (meanwhile !== undefined) return meanwhile;
      throw thrown;
    }
  });
}

/** What a git that begins now can work with; fresh for two thirds of its life. */
function usable(entry: CacheEntry | undefined): (GoodToken & { readonly isFresh: boolean }) | undefined {
  const left = (entry?.expiresAt ?? 0) - Date.now() / 1000;
  if (entry?.token === undefined || left < uselessSeconds) return undefined;
  return { token: entry.token, expiresAt: entry.expiresAt, isFresh: left > entry.lifetime / 3 };
}
