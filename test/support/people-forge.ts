// A guard where people sign in: an upstream, a provider with people, a directory's token for SCIM, and browsers.
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { freePort } from './free-port.ts';
import { type GuardedForge, type GuardedForgeOptions, startGuardedForge } from './guarded-forge.ts';
import { type LoginServer, oidcLogin, startLoginServer } from './login-server.ts';
import { signIn, type WebAnswer, WebClient } from './web-client.ts';

export interface PeopleForge extends AsyncDisposable {
  readonly forge: GuardedForge;
  readonly url: string;
  readonly logins: LoginServer;
  /** A fresh browser in which this subject has signed in. */
  browserOf(subject: string): Promise<{ readonly client: WebClient; readonly page: WebAnswer }>;
  /** Calls SCIM with its token, or with another one. */
  scim(method: string, path: string, body?: object, token?: string): Promise<ScimAnswer>;
}

export interface ScimAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface PeopleForgeOptions extends GuardedForgeOptions {
  /** More members of `identity.web`. */
  readonly web?: object;
  /** More members of `identity`. */
  readonly identity?: object;
}

/** Ada reviews, Olu owns agents, Cem is a contractor who owns agents, Ida has no group. */
export const people = {
  ada: { email: 'ada@example.org', name: 'Ada Reviewer', groups: ['code-review'] },
  olu: { email: 'olu@example.org', name: 'Olu Owner', groups: ['agents'] },
  cem: { email: 'cem@example.org', name: 'Cem Contractor', groups: ['agents', 'contractors'] },
  ida: { email: 'ida@example.org', name: 'Ida', groups: [] },
} as const;

/** Starts all of it. */
export async function startPeopleForge(options: PeopleForgeOptions = {}): Promise<PeopleForge> {
  await using stack = new AsyncDisposableStack();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const logins = stack.use(await startLoginServer({ redirectUris: [`${url}/ui/sign-in/corp/callback`] }));
  for (const [subject, account] of Object.entries(people)) logins.accounts.set(subject, account);
  const scimToken = randomBytes(24).toString('hex');
  const forge = stack.use(
    await startGuardedForge({
      ...options,
      port,
      config: {
        publicUrl: url,
        identity: {
          web: {
            oidc: [oidcLogin(logins)],
            roles: [
              { role: 'reviewer', groups: 'code-review' },
              { role: 'agent-owner', groups: 'agents', repositories: ['forge/**'] },
            ],
            ...options.web,
          },
          scim: { token: { env: 'SCIM_TOKEN' } },
          ...options.identity,
        },
        ...options.config,
      },
      env: { LOGIN_SECRET: logins.clientSecret, SCIM_TOKEN: scimToken, ...options.env },
    }),
  );
  const kept = stack.move();
  return {
    forge,
    url,
    logins,
    browserOf: async (subject) => {
      const client = new WebClient();
      return { client, page: await signIn(client, url, 'corp', subject) };
    },
    scim: async (method, path, body, token = scimToken) => {
      const answer = await fetch(`${url}/scim/v2${path}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/scim+json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      const read = text === '' ? {} : z.record(z.string(), z.unknown()).parse(JSON.parse(text));
      return { status: answer.status, headers: answer.headers, body: read };
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
