// A session and its attempts as the API shows them. Counts are of what the caller may see.
import { z } from 'zod';
import { addCounts, countNames, noCounts } from '../../core/activity/counts.ts';
import { factsSchema, outcomes } from '../../core/activity/attempt.ts';
import type { Attempt, Coverage, Session } from '../../core/activity/service.ts';
import { sessionStates } from '../../core/activity/session.ts';
import type { Sight } from '../../core/activity/visibility.ts';

export const countsView = z.record(z.enum(countNames), z.int().nonnegative()).meta({ id: 'ActivityCounts' });
const time = z.iso.datetime({ precision: 3 });

export const sessionView = z
  .object({
    id: z.string(),
    agent: z.string().describe('principal id of who acted'),
    kind: z.string(),
    onBehalfOf: z.array(z.string()).describe('nearest first; who answers for it is last'),
    owner: z.string().nullable().describe('who answers for the credential, as far as the log says so'),
    credential: z.string().describe('id of the token or session that was shown; never the token'),
    issuer: z.string(),
    proof: z.string(),
    state: z.enum(sessionStates),
    startedAt: time,
    activeAt: time.describe('when the agent itself was last seen in it'),
    firstEntry: z.int().describe('index in the audit log'),
    lastEntry: z.int(),
    waiting: z.int().describe('requests that people have not decided about'),
    repositories: z.array(z.object({ repository: z.string(), counts: countsView })),
    counts: countsView,
  })
  .meta({ id: 'Session' });
export type SessionView = z.output<typeof sessionView>;

/** The session with what may be seen of it; undefined where nothing may. */
export function sessionViewOf(session: Session, sight: Sight): SessionView | undefined {
  const repositories = Object.entries(session.repositories)
    .filter(([repository]) => sight(repository))
    .map(([repository, counts]) => ({ repository, counts }));
  if (repositories.length === 0 && !sight(null)) return undefined;
  return {
    id: session.id,
    agent: session.actor,
    kind: session.kind,
    onBehalfOf: [...session.onBehalfOf],
    owner: session.owner,
    credential: session.credential,
    issuer: session.issuer,
    proof: session.proof,
    state: session.state,
    startedAt: session.startedAt.toISOString(),
    activeAt: session.activeAt.toISOString(),
    firstEntry: session.firstIndex,
    lastEntry: session.lastIndex,
    waiting: session.waiting,
    repositories,
    counts: repositories.reduce((sum, { counts }) => addCounts(sum, counts), noCounts),
  };
}

export const attemptView = z
  .object({
    request: z.string(),
    kind: z.string().describe('what was attempted, such as push'),
    repository: z.string().nullable(),
    at: time,
    endedAt: time.nullable(),
    outcome: z.enum(outcomes),
    firstEntry: z.int(),
    lastEntry: z.int(),
    facts: factsSchema,
  })
  .meta({ id: 'Attempt' });
export type AttemptView = z.output<typeof attemptView>;

/** An attempt as JSON. */
export function attemptViewOf(attempt: Attempt): AttemptView {
  const { request, family, repository, at, endedAt, outcome, firstIndex, lastIndex, facts } = attempt;
  return {
    request,
    kind: family,
    repository,
    at: at.toISOString(),
    endedAt: endedAt?.toISOString() ?? null,
    outcome,
    firstEntry: firstIndex,
    lastEntry: lastIndex,
    facts,
  };
}

export const coverageView = z
  .object({
    entries: z.int().describe('entries of the audit log that are in this answer'),
    behind: z.int().describe('newer entries that are not in it yet; 0 but under load or after an upgrade'),
  })
  .meta({ id: 'Coverage' });

/** How much of the log an answer rests on. */
export function coverageViewOf({ entries, behind }: Coverage): z.output<typeof coverageView> {
  return { entries, behind };
}
