// A sign-in, from the guard to a provider and back: begun by a browser, bound to it by a cookie, finished once, within ten
// minutes, by the same browser. Every refusal is recorded.
import { createHash, randomBytes } from 'node:crypto';
import { asGuardError, GuardError } from '../../core/errors.ts';
import type { PeopleDirectory } from '../../core/people-services.ts';
import type { AuditLog, Clock } from '../../core/services.ts';
import type { Queryable } from '../db.ts';
import { type AdministratorLinks, administratorWhy } from './administrator-link.ts';
import { cookieLine, noCookieLine, readCookie } from './cookies.ts';
import { insertAttempt, takeAttempt } from './login-store.ts';
import { LoginRefusal, type Provider, type Returned } from './provider.ts';
import type { Sessions } from './sessions.ts';

export interface SignInOptions {
  readonly database: Queryable;
  readonly clock: Clock;
  readonly audit: Pick<AuditLog, 'append'>;
  readonly directory: PeopleDirectory;
  readonly sessions: Sessions;
  readonly links: AdministratorLinks;
  readonly providers: readonly Provider[];
}

/** Who asks, as far as the request tells. */
export interface Browser {
  readonly cookie: string | undefined;
  readonly address: string;
  readonly userAgent: string;
}

/** Where the browser goes next, and the `Set-Cookie` lines that go with it. */
export interface Next {
  readonly location: string;
  readonly cookies: readonly string[];
}

export interface SignIn {
  /** Rejects with `login/unavailable`, or `route/unknown-path` where there is no such provider. */
  begin(provider: string, returnTo: string, browser: Browser): Promise<Next>;
  /** Rejects with `login/refused`, `login/unavailable`, `person/ended` or `person/conflict`. */
  finish(provider: string, state: unknown, returned: Returned, browser: Browser): Promise<Next>;
}

const attemptSeconds = 600;
const silent = { method: 'GET', origin: undefined, fetchSite: undefined, csrf: undefined };

function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Sign-ins through these providers. */
export function createSignIn(options: SignInOptions): SignIn {
  const { database, clock, audit, directory, sessions, links, providers } = options;

  function providerOf(name: string): Provider {
    const found = providers.find(({ settings }) => settings.name === name);
    if (found === undefined) throw new GuardError('route/unknown-path', 'there is no such identity provider');
    return found;
  }

  async function prove(provider: Provider, state: unknown, returned: Returned, browser: Browser) {
    const cookie = readCookie(browser.cookie, provider.settings.kind);
    if (cookie === undefined) throw refused('browser');
    if (typeof state !== 'string' || !/^[0-9a-f]{64}$/.test(state)) throw refused('state');
    const { name, domains } = provider.settings;
    const attempt = await takeAttempt(database, hashOf(state), name, hashOf(cookie), clock.now());
    if (attempt === undefined) throw refused('state');
    const hop = { state, browser: cookie, startedAt: attempt.createdAt };
    const account = await provider.finish(hop, returned);
    return { account, person: await directory.signIn(account, domains), returnTo: attempt.returnTo };
  }

  async function record(provider: Provider, thrown: unknown, address: string): Promise<void> {
    const { code, cause } = asGuardError(thrown, 'internal', 'a sign-in failed');
    const reason = cause instanceof LoginRefusal ? cause.reason : code;
    await audit.append({
      action: 'login.refused',
      request: randomBytes(8).toString('hex'),
      actor: null,
      repository: null,
      details: { provider: provider.settings.name, code, reason, address },
    });
  }

  return {
    begin: async (name, returnTo, browser) => {
      const provider = providerOf(name);
      const { kind } = provider.settings;
      // Several sign-ins of one browser may be under way, such as in two windows.
      const cookie = readCookie(browser.cookie, kind) ?? randomBytes(32).toString('base64url');
      const state = randomBytes(32).toString('hex');
      const now = clock.now();
      const location = await provider.begin({ state, browser: cookie, startedAt: now });
      await insertAttempt(
        database,
        hashOf(state),
        { provider: name, browserHash: hashOf(cookie), returnTo, createdAt: now },
        new Date(now.getTime() + attemptSeconds * 1_000),
      );
      return { location: location.href, cookies: [cookieLine(kind, cookie, attemptSeconds)] };
    },
    finish: async (name, state, returned, browser) => {
      const provider = providerOf(name);
      try {
        const { account, person, returnTo } = await prove(provider, state, returned, browser);
        const link = readCookie(browser.cookie, 'administrator');
        const isFirst = link !== undefined && (await links.use(link, person.id));
        if (isFirst) await directory.grantRole(person.id, 'security-admin', administratorWhy);
        const found = (isFirst ? await directory.find(person.id) : undefined) ?? person;
        const cookie = await sessions.start(found, account, browser);
        // The session that this browser had is not carried on.
        const old = await sessions.visitor({ ...silent, cookie: browser.cookie });
        if (old !== undefined) await sessions.end(old.session.id, old.grant);
        return {
          location: returnTo,
          cookies: [
            cookieLine('session', cookie),
            noCookieLine(provider.settings.kind),
            noCookieLine('administrator'),
          ],
        };
      } catch (thrown) {
        await record(provider, thrown, browser.address);
        throw thrown;
      }
    },
  };
}

function refused(reason: string): GuardError {
  return new GuardError('login/refused', 'this sign-in was not begun in this browser, or it took too long', {
    cause: new LoginRefusal(reason),
  });
}
