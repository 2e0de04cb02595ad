// Lists the sessions that a caller may see. What sessions are is filtered in the database; who may see them is decided
// here, page by page.
import type { ActivityService, Session, SessionFilter } from '../../core/activity/service.ts';
import { sightOf } from '../../core/activity/visibility.ts';
import type { Grant } from '../../core/principal.ts';
import { coversEverything } from '../../core/scope.ts';
import { sessionViewOf, type SessionView } from './session-view.ts';

export interface VisibleSessions {
  readonly sessions: SessionView[];
  /** What to give as cursor for the next page; null where there is no more. */
  readonly next: number | null;
}

const pageSize = 200;
/** A page that costs more looks than this ends early, with a `next`. */
const mostPages = 5;

/** What a grant may see of a session. */
export function viewFor(grant: Grant, session: Session): SessionView | undefined {
  const { actor, onBehalfOf, owner } = session;
  const people = owner === null ? onBehalfOf : [...onBehalfOf, owner];
  return sessionViewOf(session, sightOf(grant, { actor, people }));
}

/** One page of at most `filter.limit`; it may hold fewer although there are more: `next` says so. */
export async function listVisibleSessions(
  activity: Pick<ActivityService, 'sessions'>,
  grant: Grant,
  filter: SessionFilter,
): Promise<VisibleSessions> {
  const size = coversEverything(grant, 'audit') ? filter.limit : pageSize;
  const sessions: SessionView[] = [];
  let before = filter.before;
  for (let page = 0; page < mostPages; page += 1) {
    const rows = await activity.sessions({
      ...filter,
      limit: size,
      ...(before === undefined ? {} : { before }),
    });
    for (const row of rows) {
      const view = viewFor(grant, row);
      if (view !== undefined) sessions.push(view);
      if (sessions.length === filter.limit) return { sessions, next: row.firstIndex };
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < size) return { sessions, next: null };
    before = last.firstIndex;
  }
  return { sessions, next: before ?? null };
}
