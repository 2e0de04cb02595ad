// Sessions over HTTP: to list, to see, to replay. Whoever looks into one is on record before it is sent. What a caller may
// not see is answered like what does not exist.
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { type ReplayService, replayStepSchema } from '../../core/activity/replay.ts';
import type { ActivityService, Coverage, Session } from '../../core/activity/service.ts';
import { sessionStates } from '../../core/activity/session.ts';
import { type Sight, sightOf } from '../../core/activity/visibility.ts';
import { GuardError } from '../../core/errors.ts';
import type { Grant } from '../../core/principal.ts';
import type { AuditLog } from '../../core/services.ts';
import { answers } from './answers.ts';
import { grantOf } from './grant.ts';
import { listVisibleSessions, viewFor } from './session-list.ts';
import {
  attemptView,
  attemptViewOf,
  coverageView,
  coverageViewOf,
  sessionView,
  type SessionView,
} from './session-view.ts';
import { actorId, timeQuery } from './time-query.ts';

export interface SessionRoutesOptions {
  readonly activity: ActivityService;
  readonly replay: ReplayService;
  readonly audit: Pick<AuditLog, 'append'>;
}

const entryCursor = z.coerce.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);
const name = z.string().min(1).max(1_000);

const listQuery = z.strictObject({
  agent: name.optional().describe('principal id of who acted; `agent:` may be left out'),
  person: name.optional().describe('principal id of somebody for whom it acted; `human:` may be left out'),
  repository: name.optional().describe('`<forge>/<owner>/…/<repo>`'),
  from: timeQuery
    .optional()
    .describe('sessions that were going on at this time or later: a day (UTC) or a time'),
  to: timeQuery.optional().describe('sessions that began before this'),
  state: z.enum(sessionStates).optional(),
  cursor: entryCursor.optional().describe('the `next` of the page before'),
  limit: z.coerce.number().int().min(1).max(100).default(50),
});

const next = entryCursor.nullable().describe('what to send to get the next page; null on the last');
const listAnswer = z.object({ sessions: z.array(sessionView), next, coverage: coverageView });

const params = z.object({ id: z.string().regex(/^s-[0-9a-f]{24}$/, 'is not the id of a session') });
const recordingParams = params.extend({
  request: z.string().regex(/^[0-9a-zA-Z-]{1,64}$/, 'is not the id of a request'),
});
const pageQuery = z.strictObject({
  after: entryCursor.optional().describe('the `next` of the page before'),
  limit: z.coerce.number().int().min(1).max(200).default(100),
});
const replayQuery = pageQuery.extend({ limit: z.coerce.number().int().min(1).max(50).default(20) });
const oneAnswer = z.object({
  session: sessionView,
  attempts: z.array(attemptView),
  next,
  coverage: coverageView,
});
const replayAnswer = z.object({ session: sessionView, steps: z.array(replayStepSchema), next });

const recordingAnswers: Readonly<Record<number, object>> = {
  ...answers(z.string(), 'The recording.'),
  200: {
    description: 'The recording: a line of JSON for each line of the log.',
    content: { 'application/x-asciicast': { schema: z.string() } },
  },
};

/** Registers `/sessions` and everything below. */
export function sessionRoutes(options: SessionRoutesOptions): (app: FastifyInstance) => Promise<void> {
  const { activity, replay, audit } = options;

  async function find(id: string, grant: Grant): Promise<Seen> {
    const coverage = await activity.catchUp();
    const session = await activity.session(id);
    const view = session === undefined ? undefined : viewFor(grant, session);
    if (session === undefined || view === undefined)
      throw new GuardError('session/unknown', 'there is no such session, or this token may not see it');
    const { actor, onBehalfOf, owner } = session;
    const people = owner === null ? onBehalfOf : [...onBehalfOf, owner];
    return { session, view, sight: sightOf(grant, { actor, people }), coverage };
  }

  async function record(
    request: string,
    { principal }: Grant,
    what: string,
    session: string,
    after: number,
  ): Promise<void> {
    await audit.append({
      action: 'audit.read',
      request,
      actor: principal,
      repository: null,
      details: { by: 'http', what, session, after },
    });
  }

  return async (plain) => {
    const app = plain.withTypeProvider<ZodTypeProvider>();
    const tags = ['sessions'];
    app.get(
      '/sessions',
      {
        schema: {
          tags,
          operationId: 'listSessions',
          summary: 'List sessions, newest first',
          querystring: listQuery,
          response: answers(listAnswer, 'Sessions that the caller may see.'),
        },
      },
      async (request) => {
        const { agent, person, repository, from, to, state, cursor, limit } = request.query;
        const coverage = await activity.catchUp();
        const listed = await listVisibleSessions(activity, grantOf(request), {
          ...(agent === undefined ? {} : { actor: actorId(agent, 'agent') }),
          ...(person === undefined ? {} : { person: actorId(person, 'human') }),
          ...(repository === undefined ? {} : { repository }),
          ...(from === undefined ? {} : { from }),
          ...(to === undefined ? {} : { to }),
          ...(state === undefined ? {} : { state }),
          ...(cursor === undefined ? {} : { before: cursor }),
          limit,
        });
        return { ...listed, coverage: coverageViewOf(coverage) };
      },
    );
    app.get(
      '/sessions/:id',
      {
        schema: {
          tags,
          operationId: 'getSession',
          summary: 'Show a session with its attempts, in order',
          params,
          querystring: pageQuery,
          response: answers(oneAnswer, 'The session.'),
        },
      },
      async (request) => {
        const { after = -1, limit } = request.query;
        const { session, view, sight, coverage } = await find(request.params.id, grantOf(request));
        await record(request.id, grantOf(request), 'session', session.id, after);
        const attempts = await activity.attempts(session.id, after, limit);
        return {
          session: view,
          attempts: attempts.filter(({ repository }) => sight(repository)).map(attemptViewOf),
          next: attempts.length < limit ? null : (attempts.at(-1)?.firstIndex ?? null),
          coverage: coverageViewOf(coverage),
        };
      },
    );
    app.get(
      '/sessions/:id/replay',
      {
        schema: {
          tags,
          operationId: 'replaySession',
          summary:
            'Replay a session: every request with what it changed, the decisions, approvals and the outcome',
          params,
          querystring: replayQuery,
          response: answers(replayAnswer, 'Some of the steps, in order.'),
        },
      },
      async (request) => {
        const { after = -1, limit } = request.query;
        const { session, view, sight } = await find(request.params.id, grantOf(request));
        await record(request.id, grantOf(request), 'replay', session.id, after);
        const page = await replay.replay(session.id, sight, after, limit);
        return { session: view, steps: [...page.steps], next: page.next };
      },
    );
    app.get(
      '/sessions/:id/recordings/:request',
      {
        schema: {
          tags,
          operationId: 'getSessionRecording',
          summary:
            'The redacted log of a request, as a recording that a terminal plays (asciicast, version 2)',
          params: recordingParams,
          response: recordingAnswers,
        },
      },
      async (request, reply) => {
        const { id, request: recorded } = request.params;
        const { session, sight } = await find(id, grantOf(request));
        await record(request.id, grantOf(request), `recording ${recorded}`, session.id, -1);
        const lines = await replay.recording(session.id, recorded, sight);
        return reply
          .header('content-type', 'application/x-asciicast')
          .header('content-disposition', `attachment; filename="${recorded}.cast"`)
          .send(Readable.from(lines, { objectMode: false }));
      },
    );
  };
}

interface Seen {
  readonly session: Session;
  readonly view: SessionView;
  readonly sight: Sight;
  readonly coverage: Coverage;
}
