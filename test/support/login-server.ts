// An OpenID Connect provider of the tests on the loopback: the real one from npm, with people made by the test, and a page
// on which one of them signs in by name.
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider, { type Configuration } from 'oidc-provider';

export interface LoginAccount {
  readonly email?: string;
  readonly email_verified?: boolean;
  readonly name?: string;
  readonly groups?: readonly string[];
}

export interface LoginServer extends AsyncDisposable {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Subjects, and what is said of them; may be changed at any time. */
  readonly accounts: Map<string, LoginAccount>;
  /** Changes what the token endpoint answers, such as to break an ID token; undefined leaves it. */
  tamper: ((answer: Record<string, unknown>) => Record<string, unknown>) | undefined;
}

export interface LoginServerOptions {
  readonly redirectUris: readonly string[];
}

/** Starts it. */
export async function startLoginServer({ redirectUris }: LoginServerOptions): Promise<LoginServer> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const issuer = `http://127.0.0.1:${port}`;
  const clientSecret = ['secret', 'of', 'the', 'login', 'client'].join('-');
  const accounts = new Map<string, LoginAccount>();
  const configuration: Configuration = {
    clients: [
      {
        client_id: 'guard',
        client_secret: clientSecret,
        redirect_uris: [...redirectUris],
        grant_types: ['authorization_code'],
        response_types: ['code'],
      },
    ],
    cookies: { keys: ['a key of this test'] },
    claims: {
      openid: ['sub', 'acr', 'amr'],
      email: ['email', 'email_verified'],
      profile: ['name'],
      groups: ['groups'],
    },
    conformIdTokenClaims: false,
    // All told, the provider has nothing to warn of.
    ttl: {
      Interaction: 600,
      Grant: 600,
      Session: 600,
      AccessToken: 600,
      IdToken: 600,
      AuthorizationCode: 60,
    },
    jwks: {
      keys: [
        {
          ...generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }),
          use: 'sig',
        },
      ],
    },
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_context, id) => ({
      accountId: id,
      claims: () => ({ sub: id, ...(accounts.get(id) as Record<string, unknown> | undefined) }),
    }),
    loadExistingGrant: async (context) => {
      const grant = new context.oidc.provider.Grant({
        clientId: context.oidc.client?.clientId ?? '',
        accountId: context.oidc.session?.accountId ?? '',
      });
      grant.addOIDCScope('openid email profile groups');
      await grant.save();
      return grant;
    },
  };
  const provider = new Provider(issuer, configuration);
  const made: LoginServer = {
    issuer,
    clientId: 'guard',
    clientSecret,
    accounts,
    tamper: undefined,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  provider.use(async (context, next) => {
    if (context.path.startsWith('/interaction/')) {
      if (context.method === 'GET') {
        context.type = 'html';
        context.body = `<!doctype html><title>Provider</title><form method="post"><label>Who are you?
          <input name="login" autofocus></label><button>Sign in</button></form>`;
        return;
      }
      let body = '';
      for await (const part of context.req) body += String(part);
      const login = new URLSearchParams(body).get('login') ?? '';
      await provider.interactionFinished(context.req, context.res, {
        login: { accountId: login, amr: ['pwd', 'otp'], acr: 'second-factor' },
      });
      context.respond = false;
      return;
    }
    await next();
    if (context.path === '/token' && made.tamper !== undefined && context.status === 200)
      context.body = made.tamper({ ...(context.body as Record<string, unknown>) });
  });
  const answer = provider.callback();
  server.on('request', (request, response) => void answer(request, response));
  return made;
}

/** What a guard is configured with to let people in by this provider; the secret comes from `LOGIN_SECRET`. */
export function oidcLogin({ issuer, clientId }: LoginServer) {
  return {
    name: 'corp',
    label: 'Example Corp',
    issuer,
    clientId,
    clientSecret: { env: 'LOGIN_SECRET' },
    scopes: ['openid', 'profile', 'email', 'groups'],
    domains: ['example.org'],
  };
}
