// Puts the web part together: people sign in with their provider and see the guard's pages below `/ui`. Without a provider
// there are no pages, and nobody can sign in.
import formBody from '@fastify/formbody';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { asGuardError, GuardError } from '../../core/errors.ts';
import type { PeopleDirectory, SessionMint, TokenDesk, WebSessions } from '../../core/people-services.ts';
import type { ApprovalService, AuditLog, Clock, HeldChanges } from '../../core/services.ts';
import type { Database } from '../db.ts';
import type { PeopleSettings } from '../web-login-types.ts';
import type { ActivityService } from '../../core/activity/service.ts';
import type { PostureService } from '../../core/posture.ts';
import type { OperationKind } from '../../core/operation.ts';
import { accountPages } from './account-pages.ts';
import { approvalPages } from './approval-pages.ts';
import { createAdministratorLinks } from './administrator-link.ts';
import { devicePages } from './device-pages.ts';
import { createDeviceFlow, type DeviceFlow } from './device-flow.ts';
import { deviceRoutes } from './device-routes.ts';
import { forgetExpired, useAssertion } from './login-store.ts';
import { posturePages } from './posture-pages.ts';
import { peoplePages } from './people-pages.ts';
import { type Pages, preparePages } from './pages.ts';
import type { Provider } from './provider.ts';
import type { SamlProvider } from './saml-provider.ts';
import { createSessions } from './sessions.ts';
import { signInPages } from './sign-in-pages.ts';
import { createSignIn } from './sign-in.ts';

export interface WebOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly audit: Pick<AuditLog, 'append'>;
  readonly directory: PeopleDirectory;
  readonly settings: PeopleSettings;
  /** Base URL of the guard, without a trailing slash. */
  readonly publicUrl: string;
  readonly tokens: TokenDesk;
  readonly mint: SessionMint;
  readonly approvals: ApprovalService;
  /** Who shows what a held operation would change, by its kind. */
  readonly changes: Readonly<Partial<Record<OperationKind, HeldChanges>>>;
  readonly posture: PostureService;
  readonly activity: Pick<ActivityService, 'bypasses' | 'catchUp'>;
}

export interface WebPart extends AsyncDisposable {
  readonly sessions: WebSessions;
  readonly devices: DeviceFlow;
  /** URL of the link for the first administrator; undefined where somebody is one. */
  readonly administratorLink: string | undefined;
  readonly plugin: (app: FastifyInstance) => Promise<void>;
}

const longestForm = 65_536;
const upkeepMs = 60_000;

/** The part; dispose of it before the database. */
export async function createWeb(options: WebOptions): Promise<WebPart> {
  const { database, clock, audit, directory, settings, publicUrl, tokens, mint, approvals, changes } =
    options;
  const origin = new URL(publicUrl).origin;
  const sessions = createSessions({ database, clock, audit, limits: settings.session, directory, origin });
  const links = createAdministratorLinks({ database, clock, audit, directory });
  const opened = new AsyncDisposableStack();
  const samlProviders: SamlProvider[] = [];
  const providers: Provider[] = [];
  for (const provider of settings.providers) {
    const path = `${publicUrl}/ui/sign-in/${provider.name}`;
    if (provider.kind === 'oidc') {
      const { createOidcProvider } = await import('./oidc-provider.ts');
      providers.push(opened.use(createOidcProvider(provider, `${path}/callback`)));
      continue;
    }
    const { createSamlProvider } = await import('./saml-provider.ts');
    const made = createSamlProvider({
      settings: provider,
      assertionUrl: `${path}/assertion`,
      metadataUrl: `${path}/metadata`,
      useOnce: (issuer, id, until) => useAssertion(database, issuer, id, until),
    });
    samlProviders.push(made);
    providers.push(made);
  }
  const signIn = createSignIn({ database, clock, audit, directory, sessions, links, providers });
  const devices = createDeviceFlow({ database, clock, audit, directory, mint });
  const secret = await links.issue();
  // What is missed now is done a minute later.
  const timer = setInterval(() => void forgetExpired(database, clock.now()).catch(() => undefined), upkeepMs);
  timer.unref();
  return {
    sessions,
    devices,
    administratorLink: secret === undefined ? undefined : `${publicUrl}/ui/first-administrator/${secret}`,
    plugin: async (app) => {
      await app.register((scope) => deviceRoutes(scope, { devices, publicUrl }));
      await app.register(
        async (scope) => {
          await scope.register(formBody, { bodyLimit: longestForm });
          const pages = await preparePages(scope, { sessions, directory, origin });
          answerErrorsAsPages(scope, pages);
          await signInPages(scope, { pages, providers, samlProviders, signIn, sessions, links, origin });
          accountPages(scope, { pages, sessions, directory, tokens, clock });
          peoplePages(scope, { pages, directory });
          posturePages(scope, { pages, directory, posture: options.posture, activity: options.activity });
          approvalPages(scope, { pages, approvals, changes, audit });
          await devicePages(scope, { pages, devices });
        },
        { prefix: '/ui' },
      );
    },
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await opened.disposeAsync();
    },
  };
}

/** Errors as pages; whoever is not signed in is asked to. */
function answerErrorsAsPages(app: FastifyInstance, pages: Pages): void {
  app.setErrorHandler(async (thrown, request, reply) => {
    const isInput = thrown instanceof Error && 'statusCode' in thrown && Number(thrown.statusCode) < 500;
    const error =
      isInput && !(thrown instanceof GuardError)
        ? new GuardError('input/invalid', 'the request is not valid')
        : asGuardError(thrown, 'internal', 'something went wrong inside the guard');
    if (error.status >= 500)
      request.log.error({ request: request.id, code: error.code, err: error }, 'failed');
    if (error.code === 'web/signed-out' && request.method === 'GET')
      return reply.redirect(`/ui/sign-in?return=${encodeURIComponent(request.url)}`, 303);
    return sendProblem(pages, request, reply, error);
  });
  app.setNotFoundHandler(async (request, reply) =>
    sendProblem(pages, request, reply, new GuardError('route/unknown-path', 'there is no such page')),
  );
}

const titles: Readonly<Record<number, string>> = {
  400: 'That does not work',
  401: 'You are signed out',
  403: 'Not permitted',
  404: 'Not found',
  409: 'Not possible now',
  429: 'Too many requests',
};

async function sendProblem(
  pages: Pages,
  request: FastifyRequest,
  reply: FastifyReply,
  error: GuardError,
): Promise<FastifyReply> {
  const isAboutSignIn = error.code.startsWith('login/') || error.status === 401;
  return pages.send(request, reply.code(error.status), 'problem', {
    title: titles[error.status] ?? 'Something went wrong',
    message: error.message.charAt(0).toUpperCase() + error.message.slice(1),
    remedy: error.code === 'route/unknown-path' ? 'Check the address.' : error.remedy,
    code: error.code,
    request: request.id,
    action: isAboutSignIn
      ? { href: '/ui/sign-in', label: 'Sign in' }
      : { href: '/ui', label: 'To the start' },
  });
}
