// Tokens of a GitHub App's installations, each for one repository and no more permissions than are asked for. The App's
// key and tokens go to the API that is configured and nowhere else, and never into an error.
import { Agent, fetch as undiciFetch } from 'undici';
import { z } from 'zod';
import { GuardError } from '../core/errors.ts';
import type { GithubAppCredential } from './credential-types.ts';
import { githubFailure } from './github-failure.ts';
import { Secret } from './secret.ts';
import { openSecret } from './secret-source.ts';
import { version } from './version.ts';

/** Names of permissions as the GitHub API writes them. */
export type InstallationPermissions = Readonly<Record<string, 'read' | 'write'>>;

export interface InstallationWish {
  /** `owner/name`. */
  readonly repository: string;
  readonly permissions: InstallationPermissions;
}

export interface InstallationTokens extends AsyncDisposable {
  /**
   * A token for the repository and the permissions, of whatever length. Rejects with `upstream/not-installed`,
   * `upstream/suspended`, `upstream/permission`, `upstream/rate-limited` or, for whatever else, with
   * `upstream/no-credential`.
   */
  tokenFor(wish: InstallationWish): Promise<Secret>;
  /** A token for all that an installation reaches; rejects as `tokenFor` does. */
  tokenOf(installation: number, permissions: InstallationPermissions): Promise<Secret>;
  /** Asks the API as the App itself, once; rejects as `tokenFor` does. `link` is the header that names further pages. */
  askAsApp(
    route: string,
    parameters: Readonly<Record<string, unknown>>,
  ): Promise<{ readonly data: unknown; readonly link: string }>;
  /** What GitHub says of the App; rejects as `tokenFor` does. For checks before there is a repository. */
  describeApp(): Promise<{ readonly slug: string; readonly permissions: readonly string[] }>;
  /** GitHub refused the token that was got for this wish: the next is a new one, unless it was only just made. */
  refused(wish: InstallationWish): void;
}

export interface InstallationTokensOptions {
  readonly app: GithubAppCredential;
  /** PEM text of the certificate authorities to trust instead of the system's. */
  readonly ca?: string | undefined;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
  /** Milliseconds since 1970. */
  readonly wallClock?: () => number;
}

interface KeptToken {
  readonly token: Secret;
  readonly madeAt: number;
  /** Until when it is handed out, by the clock that only goes forward. */
  readonly until: number;
}

/** A token is not handed out in its last minutes: what is begun with it must be finished with it. */
const marginMs = 10 * 60_000;
const youngMs = 10_000;
const installationMemoryMs = 3_600_000;
const maxKept = 10_000;
const answerMs = 20_000;

const installationAnswer = z.object({ id: z.int().min(1) });
const appAnswer = z.object({
  slug: z.string().regex(/^[\w-]{1,100}$/),
  permissions: z.record(z.string().regex(/^\w{1,60}$/), z.enum(['read', 'write', 'admin'])),
});
const tokenAnswer = z.object({
  token: z.string().regex(/^[\x21-\x7e]{1,16384}$/),
  expires_at: z.iso.datetime({ offset: true }),
});

/** Nothing is asked before the first wish. */
export function createInstallationTokens(options: InstallationTokensOptions): InstallationTokens {
  const { app, now } = options;
  const wallClock = options.wallClock ?? Date.now;
  const agent = new Agent({
    connect: { timeout: 10_000, ...(options.ca === undefined ? {} : { ca: options.ca }) },
    headersTimeout: answerMs,
    bodyTimeout: answerMs,
  });
  const privateKey = openSecret(app.privateKey, { now, lines: 'many lines' });
  const tokens = new Map<string, KeptToken>();
  const minting = new Map<string, Promise<Secret>>();
  const installations = new Map<string, { readonly id: number; readonly until: number }>();

  /** Asks the API as the App. The library's own memory of tokens is not used: it knows no servers, only numbers. */
  async function ask(route: string, parameters: Readonly<Record<string, unknown>>): Promise<unknown> {
    return (await askWhole(route, parameters)).data;
  }

  async function askWhole(
    route: string,
    parameters: Readonly<Record<string, unknown>>,
  ): Promise<{ readonly data: unknown; readonly link: string }> {
    const key = await privateKey.read();
    const { createAppAuth } = await import('@octokit/auth-app');
    const { request: octokitRequest } = await import('@octokit/request');
    const base = octokitRequest.defaults({
      baseUrl: app.apiUrl,
      headers: { 'user-agent': `forgeguard/${version}`, 'x-github-api-version': '2022-11-28' },
      request: {
        fetch: (url: string, init: Parameters<typeof undiciFetch>[1]) =>
          undiciFetch(url, { ...init, dispatcher: agent, signal: AbortSignal.timeout(answerMs) }),
        log: silent,
      },
    });
    const auth = createAppAuth({ appId: app.appId, privateKey: key.reveal(), request: base, log: silent });
    const hook = (...call: Parameters<typeof auth.hook>) => auth.hook(...call);
    const response = await base(route, { ...parameters, request: { hook } });
    const data: unknown = response.data;
    return { data, link: response.headers.link ?? '' };
  }

  async function installationOf(repository: string): Promise<number> {
    if (app.installation !== undefined) return app.installation;
    const known = installations.get(repository);
    if (known !== undefined && known.until > now()) return known.id;
    const [owner, repo] = namesOf(repository);
    const answer = await ask('GET /repos/{owner}/{repo}/installation', { owner, repo }).catch(
      (thrown: unknown) => {
        throw githubFailure(thrown, `the installation of the GitHub App for ${repository}`);
      },
    );
    const { id } = read(installationAnswer, answer);
    limit(installations);
    installations.set(repository, { id, until: now() + installationMemoryMs });
    return id;
  }

  async function mint(wish: InstallationWish, key: string): Promise<Secret> {
    const installation = await installationOf(wish.repository);
    const scope = { repositories: [namesOf(wish.repository)[1]], permissions: wish.permissions };
    return mintFor(installation, scope, key).catch((thrown: unknown) => {
      // It may have been installed anew, under another number.
      installations.delete(wish.repository);
      throw githubFailure(thrown, `a token of the GitHub App for ${wish.repository}`);
    });
  }

  async function mintFor(
    installation: number,
    scope: Readonly<Record<string, unknown>>,
    key: string,
  ): Promise<Secret> {
    const asked = wallClock();
    const answer = await ask('POST /app/installations/{installation_id}/access_tokens', {
      installation_id: installation,
      ...scope,
    });
    const made = read(tokenAnswer, answer);
    const token = new Secret(made.token);
    const lifetime = Date.parse(made.expires_at) - asked;
    const madeAt = now();
    limit(tokens);
    tokens.set(key, { token, madeAt, until: madeAt + Math.max(lifetime - marginMs, lifetime / 2) });
    return token;
  }

  function kept(key: string, make: () => Promise<Secret>): Promise<Secret> {
    const known = tokens.get(key);
    if (known !== undefined && known.until > now()) return Promise.resolve(known.token);
    const shared = minting.get(key) ?? make().finally(() => minting.delete(key));
    minting.set(key, shared);
    return shared;
  }

  return {
    tokenFor: (wish) => kept(keyOf(wish), () => mint(wish, keyOf(wish))),
    tokenOf: (installation, permissions) => {
      const key = keyOf({ repository: String(installation), permissions });
      return kept(key, () =>
        mintFor(installation, { permissions }, key).catch((thrown: unknown) => {
          throw githubFailure(thrown, `a token of installation ${installation} of the GitHub App`);
        }),
      );
    },
    askAsApp: (route, parameters) =>
      askWhole(route, parameters).catch((thrown: unknown) => {
        throw githubFailure(thrown, 'what GitHub tells the App about itself');
      }),
    async describeApp() {
      const answer = await ask('GET /app', {}).catch((thrown: unknown) => {
        throw githubFailure(thrown, 'what GitHub knows of the App');
      });
      const { slug, permissions } = read(appAnswer, answer);
      return { slug, permissions: Object.entries(permissions).map(([name, access]) => `${name}: ${access}`) };
    },
    refused(wish) {
      const known = tokens.get(keyOf(wish));
      if (known === undefined || now() - known.madeAt < youngMs) return;
      tokens.delete(keyOf(wish));
      installations.delete(wish.repository);
    },
    [Symbol.asyncDispose]: () => agent.close(),
  };
}

const silent = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

function keyOf({ repository, permissions }: InstallationWish): string {
  const named = Object.entries(permissions).map(([name, access]) => `${name}:${access}`);
  return [repository.toLowerCase(), ...named.sort()].join(' ');
}

function namesOf(repository: string): readonly [string, string] {
  const [owner, name, ...rest] = repository.split('/');
  if (owner === undefined || name === undefined || rest.length > 0)
    throw new GuardError('upstream/not-installed', 'a repository of GitHub is named owner/name');
  return [owner, name];
}

function read<T>(schema: z.ZodType<T>, answer: unknown): T {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  // What was answered may hold a token.
  throw new GuardError(
    'upstream/no-credential',
    'what answered at the URL of the GitHub API is not that API',
  );
}

function limit(memory: Map<string, unknown>): void {
  const oldest = memory.keys().next();
  if (memory.size >= maxKept && oldest.done !== true) memory.delete(oldest.value);
}
