// The list of people, for administrators: who there is, what they may do, and the end of somebody's access.
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { GuardError } from '../../core/errors.ts';
import { hasRole } from '../../core/role.ts';
import type { PeopleDirectory } from '../../core/people-services.ts';
import { type Pages, shownTime } from './pages.ts';
import type { Visitor } from './sessions.ts';

export interface PeoplePagesOptions {
  readonly pages: Pages;
  readonly directory: PeopleDirectory;
}

const perPage = 100;
const form = z.object({ person: z.string().min(1).max(300) });

/** Registers `/ui/people` and below. */
export function peoplePages(app: FastifyInstance, { pages, directory }: PeoplePagesOptions): void {
  function demandAdministrator(visitor: Visitor): Visitor {
    if (hasRole(directory.rolesOf(visitor.person), 'security-admin')) return visitor;
    throw new GuardError('identity/forbidden', 'this page is for administrators');
  }

  app.get<{ readonly Querystring: Readonly<Record<string, unknown>> }>('/people', async (request, reply) => {
    const { person: self } = demandAdministrator(pages.demand(request));
    const { after } = request.query;
    const found = await directory.list(typeof after === 'string' ? after.slice(0, 300) : '', perPage + 1);
    const people = found.slice(0, perPage);
    return pages.send(request, reply, 'people', {
      people: people.map((person) => ({
        ...person,
        isSelf: person.id === self.id,
        roles: [...new Set(directory.rolesOf(person).map(({ role }) => role))],
        lastSeen: shownTime(person.lastSeen),
      })),
      next: found.length > perPage ? encodeURIComponent(people.at(-1)?.id ?? '') : null,
    });
  });

  for (const action of ['deactivate', 'reactivate'] as const) {
    app.post<{ readonly Body: unknown }>(`/people/${action}`, async (request, reply) => {
      const { grant, person } = demandAdministrator(pages.demand(request));
      const read = form.safeParse(request.body);
      if (!read.success) throw new GuardError('input/invalid', 'the form names no person');
      if (read.data.person === person.id)
        throw new GuardError('input/invalid', 'nobody ends their own access: ask another administrator');
      if (action === 'deactivate')
        await directory.deactivate(read.data.person, 'administrator', grant.principal);
      else await directory.reactivate(read.data.person, grant.principal);
      return reply.redirect('/ui/people', 303);
    });
  }
}
