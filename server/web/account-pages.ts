// A person's own page: who it is, what it may do, where it is signed in, and the tokens of its agents.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { GuardError } from '../../core/errors.ts';
import { delegableScopes, hasRole, roleTable } from '../../core/role.ts';
import { formatScope, parseScope } from '../../core/scope-text.ts';
import { scopesIncluded } from '../../core/scope-inclusion.ts';
import type { OwnedToken, PeopleDirectory, TokenDesk } from '../../core/people-services.ts';
import type { Clock } from '../../core/services.ts';
import { type Pages, shownTime } from './pages.ts';
import type { Sessions } from './sessions.ts';

export interface AccountPagesOptions {
  readonly pages: Pages;
  readonly sessions: Sessions;
  readonly directory: PeopleDirectory;
  readonly tokens: TokenDesk;
  readonly clock: Clock;
}

const day = 86_400;

const tokenForm = z.object({
  agent: z.string().trim().min(1).max(120),
  purpose: z.string().trim().min(1).max(300),
  scope: z.string().trim().min(1).max(1_000),
  days: z.coerce.number().int().min(1).max(90),
});

type WithId = { readonly Params: { readonly id: string } };

/** Registers `/ui`, `/ui/tokens` and `/ui/sessions/:id/end`. */
export function accountPages(app: FastifyInstance, options: AccountPagesOptions): void {
  const { pages, sessions, directory, tokens, clock } = options;

  async function show(
    request: FastifyRequest,
    reply: FastifyReply,
    issued: { readonly principal: string; readonly token: string } | null,
  ): Promise<FastifyReply> {
    const { person, session } = pages.demand(request);
    const grants = directory.rolesOf(person);
    const [own, owned] = await Promise.all([sessions.list(person.id), tokens.listOf(person.id)]);
    const delegable = delegableScopes(grants).map(formatScope);
    return pages.send(request, reply, 'account', {
      issued,
      me: person,
      roles: grants.map(({ role, repositories }) => ({
        role,
        meaning: roleTable[role].meaning,
        repositories: repositories.join(', '),
      })),
      mayOwnAgents: hasRole(grants, 'agent-owner'),
      delegable,
      scopeExample: (delegableScopes(grants)[0]?.repository ?? '') + ':fetch,push',
      tokens: owned.map((token) => shownToken(token, clock.now())),
      sessions: own.map((one) => ({
        id: one.id,
        isThis: one.id === session.id,
        userAgent: shownAgent(one.userAgent),
        address: one.address,
        createdAt: shownTime(one.createdAt),
        seenAt: shownTime(one.seenAt),
        expiresAt: shownTime(one.expiresAt),
      })),
    });
  }

  app.get('/', async (request, reply) => show(request, reply, null));

  app.post<{ readonly Body: unknown }>('/tokens', async (request, reply) => {
    const { person, grant } = pages.demand(request);
    const form = tokenForm.safeParse(request.body);
    if (!form.success)
      throw new GuardError(
        'input/invalid',
        `the form is not complete: ${form.error.issues[0]?.path.join('.') ?? ''}`,
      );
    const { agent, purpose, scope, days } = form.data;
    const scopes = scope
      .split(/\s+/)
      .map((word) => parseScope(word))
      .map((read) => {
        if ('fault' in read) throw new GuardError('input/invalid', read.fault);
        return read;
      });
    if (!scopesIncluded(scopes, delegableScopes(directory.rolesOf(person))))
      throw new GuardError('identity/forbidden', 'this is more than you may let your agents do');
    const made = await tokens.issueFor(grant.principal.id, { agent, purpose, scopes, lifetime: days * day });
    return show(request, reply, { principal: made.record.principal, token: made.token });
  });

  app.post<WithId>('/tokens/:id/revoke', async (request, reply) => {
    const { person } = pages.demand(request);
    const own = await tokens.listOf(person.id);
    if (!own.some(({ id }) => id === request.params.id))
      throw new GuardError('token/unknown', 'you answer for no such token');
    await tokens.revoke(request.params.id, person.id);
    return reply.redirect('/ui#tokens', 303);
  });

  app.post<WithId>('/sessions/:id/end', async (request, reply) => {
    const { grant } = pages.demand(request);
    await sessions.end(request.params.id, grant);
    return reply.redirect('/ui#sessions', 303);
  });
}

function shownToken(token: OwnedToken, now: Date): object {
  const state = token.revokedAt !== null ? 'revoked' : token.expiresAt <= now ? 'expired' : 'valid';
  return {
    id: token.id,
    principal: token.principal,
    purpose: token.purpose,
    scopes: token.scopes.map(formatScope),
    lastUse: shownTime(token.lastUse),
    expiresAt: shownTime(token.expiresAt),
    state,
  };
}

/** The product names of a browser, which people know it by. */
function shownAgent(userAgent: string): string {
  const names = [...userAgent.matchAll(/(?:Edg|OPR|Firefox|Chromium|HeadlessChrome|Chrome|Safari)\/[0-9]+/g)];
  return names[0]?.[0]?.replace('/', ' ') ?? userAgent.slice(0, 60);
}
