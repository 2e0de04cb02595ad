// How guarded repositories are protected, for administrators: what is right, what to change and where, what the guard may
// not look at.
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { ActivityService, BypassRecord } from '../../core/activity/service.ts';
import { GuardError } from '../../core/errors.ts';
import type { PeopleDirectory } from '../../core/people-services.ts';
import { type PostureService, type PostureState, postureTitles } from '../../core/posture.ts';
import { hasRole } from '../../core/role.ts';
import { type Pages, shownTime } from './pages.ts';
import type { Visitor } from './sessions.ts';

export interface PosturePagesOptions {
  readonly pages: Pages;
  readonly directory: PeopleDirectory;
  readonly posture: PostureService;
  readonly activity: Pick<ActivityService, 'bypasses' | 'catchUp'>;
}

const perPage = 50;
/** Pushes around the guard that nobody is known for, the newest; the API lists all. */
const mostUnknown = 25;
const form = z.object({ after: z.string().max(300).default('') });
const words: Readonly<Record<PostureState, string>> = {
  ok: 'ok',
  'to-do': 'to do',
  unreadable: 'could not be read',
};

/** Registers `/ui/posture` and below. */
export function posturePages(
  app: FastifyInstance,
  { pages, directory, posture, activity }: PosturePagesOptions,
): void {
  function demandAdministrator(visitor: Visitor): void {
    if (!hasRole(directory.rolesOf(visitor.person), 'security-admin'))
      throw new GuardError('identity/forbidden', 'this page is for administrators');
  }

  app.get('/posture', async (request, reply) => {
    demandAdministrator(pages.demand(request));
    const { after } = form.catch({ after: '' }).parse(request.query);
    const found = await posture.list(after, perPage + 1);
    const shown = found.slice(0, perPage);
    await activity.catchUp();
    const unknown = await activity.bypasses({ unknown: true, limit: mostUnknown + 1 });
    return pages.send(request, reply, 'posture', {
      after,
      repositories: shown.map(({ repository, url, readAt, points }) => ({
        repository,
        url: safeLink(url),
        readAt: readAt === null ? null : shownTime(readAt),
        open: points.filter(({ state }) => state === 'to-do').length,
        hidden: points.filter(({ state }) => state === 'unreadable').length,
        points: points.map((point) => ({
          ...point,
          link: safeLink(point.link),
          title: postureTitles[point.topic],
          word: words[point.state],
        })),
      })),
      unknown: unknown.slice(0, mostUnknown).map(shownBypass),
      moreUnknown: unknown.length > mostUnknown,
      next: found.length > perPage ? encodeURIComponent(shown.at(-1)?.repository ?? '') : null,
    });
  });

  app.post<{ readonly Body: unknown }>('/posture', async (request, reply) => {
    demandAdministrator(pages.demand(request));
    const read = form.safeParse(request.body);
    if (!read.success) throw new GuardError('input/invalid', 'the form is not complete');
    const { after } = read.data;
    const found = await posture.list(after, perPage);
    await posture.refresh(found.map(({ repository }) => repository));
    return reply.redirect(`/ui/posture?after=${encodeURIComponent(after)}`, 303);
  });
}

function shownBypass({ at, repository, request, facts }: BypassRecord) {
  const [ref] = facts.refs ?? [];
  const brings = ref?.kind === 'delete' ? 'nothing: a deletion' : 'not scanned yet';
  return {
    at: shownTime(at),
    repository: repository ?? '',
    request,
    ref: ref?.ref ?? 'not known',
    commit: ref?.new.slice(0, 12) ?? '',
    account: facts.bypass?.account ?? null,
    isOwnApp: facts.bypass?.attribution.by === 'own-app',
    findings: facts.findings,
    brought: facts.code === undefined ? brings : `could not be scanned: ${facts.code}`,
  };
}

/** A link is from the forge's answer: only pages of the web are linked to. */
function safeLink(link: string | null): string | null {
  return link !== null && /^https?:\/\//.test(link) ? link : null;
}
