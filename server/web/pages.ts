// The guard's pages: how they are rendered, what every page shows, who is looking at it. Everything in a page is escaped
// by the template engine; there are no scripts.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import fastifyHelmet from '@fastify/helmet';
import fastifyView from '@fastify/view';
import { Eta } from 'eta';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { GuardError } from '../../core/errors.ts';
import { hasRole } from '../../core/role.ts';
import type { PeopleDirectory } from '../../core/people-services.ts';
import { browserRequestOf } from '../browser-request.ts';
import type { Sessions, Visitor } from './sessions.ts';

export interface Pages {
  /** Sends a page; `data` is what its template shows. */
  send(request: FastifyRequest, reply: FastifyReply, page: string, data: object): Promise<FastifyReply>;
  /** Who is signed in; throws `web/signed-out`. */
  demand(request: FastifyRequest): Visitor;
  /** Who is signed in, if somebody is. */
  visitorOf(request: FastifyRequest): Visitor | undefined;
}

const key = 'visitor';
const prefix = '/ui';
const files = fileURLToPath(new URL('pages/', import.meta.url));

/** What pages load; each is served under a name that changes with its content. */
const assets = {
  style: { file: 'style.css', type: 'text/css; charset=utf-8' },
  icon: { file: 'icon.svg', type: 'image/svg+xml; charset=utf-8' },
} as const;

/** Prepares an instance for pages below `/ui`: headers, templates, the style sheet, who is signed in. */
export async function preparePages(
  app: FastifyInstance,
  options: { readonly sessions: Sessions; readonly directory: PeopleDirectory; readonly origin: string },
): Promise<Pages> {
  const { sessions, directory, origin } = options;
  const paths: Record<string, string> = {};
  for (const [name, { file, type }] of Object.entries(assets)) {
    const content = await readFile(new URL(`assets/${file}`, import.meta.url));
    const path = `/assets/${createHash('sha256').update(content).digest('hex').slice(0, 16)}-${file}`;
    paths[name] = prefix + path;
    app.get(path, async (_request, reply) =>
      reply.type(type).header('cache-control', 'public, max-age=31536000, immutable').send(content),
    );
  }
  await app.register(fastifyHelmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'"],
        formAction: ["'self'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    // Forms must tell their origin; other sites are told nothing.
    referrerPolicy: { policy: 'same-origin' },
    frameguard: { action: 'deny' },
    strictTransportSecurity: origin.startsWith('https:') ? { maxAge: 31_536_000 } : false,
  });
  await app.register(fastifyView, {
    engine: { eta: new Eta({ autoEscape: true }) },
    root: files,
    viewExt: 'eta',
    production: true,
  });
  app.decorateRequest(key, undefined);
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('cache-control', 'no-store');
  });
  app.addHook('preHandler', async (request) => {
    const body: unknown = request.body;
    const csrf = typeof body === 'object' && body !== null && 'csrf' in body ? body.csrf : undefined;
    const isAnswer = request.routeOptions.config.isProviderAnswer === true;
    // What a provider sends is bound to the browser by the sign-in itself, and changes nothing of a session.
    const asked = browserRequestOf(request, csrf);
    const visitor = await sessions.visitor(isAnswer ? { ...asked, method: 'GET' } : asked);
    request.setDecorator<Visitor | undefined>(key, visitor);
  });
  const visitorOf = (request: FastifyRequest): Visitor | undefined =>
    request.getDecorator<Visitor | undefined>(key);

  return {
    visitorOf,
    demand: (request) => {
      const visitor = visitorOf(request);
      if (visitor === undefined) throw new GuardError('web/signed-out', 'you are not signed in');
      return visitor;
    },
    send: async (request, reply, page, data) => {
      const visitor = visitorOf(request);
      const shown =
        visitor === undefined
          ? null
          : {
              name: visitor.person.displayName,
              csrf: visitor.csrf,
              isAdministrator: hasRole(directory.rolesOf(visitor.person), 'security-admin'),
            };
      const html = await reply.viewAsync(page, {
        here: '',
        narrow: false,
        ...data,
        ...paths,
        visitor: shown,
      });
      return reply.type('text/html; charset=utf-8').send(html);
    },
  };
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** True for the route to which a provider sends its answer as a form. */
    readonly isProviderAnswer?: boolean;
  }
}

/** A time for people, in UTC. */
export function shownTime(at: Date | null): string {
  return at === null ? 'never' : `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
