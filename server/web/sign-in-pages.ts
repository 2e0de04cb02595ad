// Signing in and out: the choice of providers, the way there and back, the link of the first administrator, and the
// metadata that a SAML provider is given.
import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { GuardError } from '../../core/errors.ts';
import { type AdministratorLinks, linkLifetime } from './administrator-link.ts';
import { cookieLine, noCookieLine, readCookie } from './cookies.ts';
import type { Pages } from './pages.ts';
import type { Provider } from './provider.ts';
import { ownPath } from './request-origin.ts';
import type { SamlProvider } from './saml-provider.ts';
import type { Sessions } from './sessions.ts';
import type { Browser, Next, SignIn } from './sign-in.ts';

export interface SignInPagesOptions {
  readonly pages: Pages;
  readonly providers: readonly Provider[];
  readonly samlProviders: readonly SamlProvider[];
  readonly signIn: SignIn;
  readonly sessions: Sessions;
  readonly links: AdministratorLinks;
  readonly origin: string;
}

/** A SAML answer with its signatures. */
const longestAnswer = 524_288;
const attemptsPerMinute = 120;

type Named = { readonly Params: { readonly provider: string } };
type Returning = { readonly Querystring: Readonly<Record<string, unknown>> };

/** Registers `/ui/sign-in` and below, `/ui/sign-out` and `/ui/first-administrator/…`. */
export async function signInPages(app: FastifyInstance, options: SignInPagesOptions): Promise<void> {
  const { pages, providers, samlProviders, signIn, sessions, links, origin } = options;

  async function choose(request: FastifyRequest, reply: FastifyReply, data: object): Promise<FastifyReply> {
    const returnTo = ownPath(readQuery(request)['return']);
    return pages.send(request, reply, 'sign-in', {
      notice: null,
      isAdministratorLink: false,
      ...data,
      providers: providers.map(({ settings: { name, label } }) => ({
        label,
        href: `/ui/sign-in/${name}?return=${encodeURIComponent(returnTo)}`,
      })),
    });
  }

  await app.register(async (limited) => {
    await limited.register(rateLimit, {
      max: attemptsPerMinute,
      timeWindow: 60_000,
      errorResponseBuilder: (_request, { max }) =>
        new GuardError('request/too-many', `more than ${max} sign-ins in a minute from your address`),
    });

    limited.get<Named & Returning>('/sign-in/:provider', async (request, reply) => {
      const returnTo = ownPath(request.query['return']);
      return go(reply, await signIn.begin(request.params.provider, returnTo, browserOf(request)));
    });

    limited.get<Named & Returning>('/sign-in/:provider/callback', async (request, reply) => {
      const returned = { url: new URL(request.url, origin), fields: {} };
      const { state } = request.query;
      return go(reply, await signIn.finish(request.params.provider, state, returned, browserOf(request)));
    });

    limited.post<Named & { readonly Body: unknown }>(
      '/sign-in/:provider/assertion',
      { bodyLimit: longestAnswer, config: { isProviderAnswer: true } },
      async (request, reply) => {
        const fields = typeof request.body === 'object' && request.body !== null ? { ...request.body } : {};
        const state = 'RelayState' in fields ? fields.RelayState : undefined;
        const returned = { url: new URL(request.url, origin), fields };
        return go(reply, await signIn.finish(request.params.provider, state, returned, browserOf(request)));
      },
    );

    limited.get<{ readonly Params: { readonly secret: string } }>(
      '/first-administrator/:secret',
      async (request, reply) => {
        const { secret } = request.params;
        if (!/^[\w-]{43}$/.test(secret) || !(await links.isOpen(secret)))
          throw new GuardError(
            'login/refused',
            'this link has been used or has run out; start the guard again for a new one',
          );
        reply.header('set-cookie', cookieLine('administrator', secret, linkLifetime));
        return choose(request, reply, { isAdministratorLink: true });
      },
    );
  });

  app.get('/sign-in', async (request, reply) => {
    const wasSignedIn = readCookie(request.headers.cookie, 'session') !== undefined;
    if (pages.visitorOf(request) !== undefined)
      return reply.redirect(ownPath(readQuery(request)['return']), 303);
    return choose(request, reply, {
      notice: wasSignedIn ? 'Your session has ended. Sign in to go on.' : null,
    });
  });

  app.post('/sign-out', async (request, reply) => {
    const visitor = pages.demand(request);
    await sessions.end(visitor.session.id, visitor.grant);
    return reply.header('set-cookie', noCookieLine('session')).redirect('/ui/sign-in', 303);
  });

  app.get<Named>('/sign-in/:provider/metadata', async ({ params }, reply) => {
    const found = samlProviders.find(({ settings }) => settings.name === params.provider);
    if (found === undefined) throw new GuardError('route/unknown-path', 'there is no such SAML provider');
    return reply.type('application/samlmetadata+xml; charset=utf-8').send(found.metadata());
  });
}

function readQuery(request: FastifyRequest): Readonly<Record<string, unknown>> {
  return typeof request.query === 'object' && request.query !== null ? { ...request.query } : {};
}

function browserOf(request: FastifyRequest): Browser {
  return {
    cookie: request.headers.cookie,
    address: request.ip,
    userAgent: request.headers['user-agent'] ?? '',
  };
}

function go(reply: FastifyReply, { location, cookies }: Next): FastifyReply {
  for (const cookie of cookies) reply.header('set-cookie', cookie);
  return reply.redirect(location, 303);
}
