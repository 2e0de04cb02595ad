// The session of a person who signed in: it is kept for the whole machine, renewed with refresh tokens of which each works
// once, and exchanged for a smaller one for each repository.
import process from 'node:process';
import { GuardError } from '../core/errors.ts';
import type { CredentialCache } from './credential-cache.ts';
import { freshToken, loginPatienceMs } from './kept-token.ts';
import { loginByDevice } from './device-login.ts';
import type { SessionToken, TokenService } from './token-service.ts';

export interface Asked {
  readonly agent: string;
  readonly scope: string;
}

/** A token for the repository from the session of a person, who is asked to sign in where there is none. */
export async function narrowLogin(
  service: TokenService,
  login: CredentialCache,
  asked: Asked,
  repository: string | undefined,
): Promise<SessionToken> {
  const whole = (): ReturnType<typeof freshToken> =>
    freshToken(login, loginPatienceMs, () => renewOrLogIn(service, login, asked));
  const first = await whole();
  try {
    return await narrowed(service, first.token, repository);
  } catch (thrown) {
    if (!(thrown instanceof GuardError) || thrown.code !== 'identity/invalid') throw thrown;
  }
  // It was ended before its time: another one may still be had.
  const kept = await login.read();
  if (kept !== undefined && kept.token === first.token)
    await login.write({ refreshToken: kept.refreshToken, expiresAt: 0, lifetime: 0 });
  return narrowed(service, (await whole()).token, repository);
}

function narrowed(
  service: TokenService,
  token: string,
  repository: string | undefined,
): Promise<SessionToken> {
  return service.exchange({ token, type: 'access_token' }, repository);
}

async function renewOrLogIn(
  service: TokenService,
  login: CredentialCache,
  asked: Asked,
): Promise<SessionToken> {
  const refreshToken = (await login.read())?.refreshToken;
  if (refreshToken !== undefined) {
    try {
      return await service.refresh(refreshToken, asked.agent);
    } catch (thrown) {
      // Only where it is told that it is over is a person asked again.
      if (!(thrown instanceof GuardError) || thrown.code !== 'identity/invalid') throw thrown;
    }
  }
  return loginByDevice(service, asked, {
    say: (line) => void process.stderr.write(`${line}\n`),
    now: () => performance.now(),
  });
}
