// Agents and the reports about them over HTTP. Who asks for a report is on record before it is made, and its SHA-256 before
// its last byte is sent.
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { addCounts, noCounts } from '../../core/activity/counts.ts';
import type { Actor, ActivityService, Period } from '../../core/activity/service.ts';
import { seesAllOf, type Sight, sightOf } from '../../core/activity/visibility.ts';
import { GuardError } from '../../core/errors.ts';
import type { Grant } from '../../core/principal.ts';
import { reportMadeEvent } from '../../core/report/made.ts';
import { type Report, reportSchema } from '../../core/report/schema.ts';
import { type ReportFormat, reportFormats, type ReportService } from '../../core/report/service.ts';
import { covers } from '../../core/scope.ts';
import type { AuditLog, Clock } from '../../core/services.ts';
import { answers } from './answers.ts';
import { grantOf } from './grant.ts';
import { type Digested, digestOf, recorded } from './report-digest.ts';
import { coverageView, coverageViewOf, countsView } from './session-view.ts';
import { actorId, timeQuery } from './time-query.ts';

export interface AgentRoutesOptions {
  readonly activity: ActivityService;
  readonly reports: ReportService;
  readonly audit: Pick<AuditLog, 'append'>;
  readonly clock: Clock;
}

const time = z.iso.datetime({ precision: 3 });
const agentView = z
  .object({
    id: z.string(),
    kind: z.string(),
    owners: z.array(z.string()).describe('who answers for its credentials'),
    people: z.array(z.string()).describe('on whose behalf it acts'),
    firstSeen: time,
    lastSeen: time,
    sessions: z.int(),
    repositories: z.int(),
    counts: countsView,
  })
  .meta({ id: 'Agent' });

const listQuery = z.strictObject({
  kind: z.enum(['agent', 'workload', 'human']).optional(),
  after: z.string().max(1_000).default('').describe('the `next` of the page before'),
  limit: z.coerce.number().int().min(1).max(200).default(100),
});
const listAnswer = z.object({
  agents: z.array(agentView),
  next: z.string().nullable().describe('what to send as `after` to get the next page; null on the last'),
  coverage: coverageView,
});

const longestPeriodDays = 3_660;
const defaultPeriodDays = 30;
const dayMs = 86_400_000;
const longestMs = 120_000;
const mostAtOnce = 4;

const reportQuery = z.strictObject({
  format: z.enum(reportFormats).default('json'),
  from: timeQuery
    .optional()
    .describe(`a day (UTC) or a time; ${defaultPeriodDays} days before the end unless given`),
  to: timeQuery.optional().describe('does not belong to the period; now unless given'),
});

const contentTypes: Readonly<Record<ReportFormat, string>> = {
  json: 'application/json; charset=utf-8',
  html: 'text/html; charset=utf-8',
  csv: 'text/csv; charset=utf-8; header=present',
  pdf: 'application/pdf',
};

const nothing = z.string();
const reportAnswers = ((): Readonly<Record<number, object>> => {
  const all = answers(reportSchema, 'The report.', 501);
  const others = {
    'text/html': { schema: nothing },
    'text/csv': { schema: nothing },
    'application/pdf': { schema: nothing },
  };
  return {
    ...all,
    200: { description: 'The report.', content: { 'application/json': { schema: reportSchema }, ...others } },
  };
})();

interface Seen {
  readonly actor: Actor;
  readonly sight: Sight;
  readonly scope: 'all' | 'some';
}

function valuesOf({ traits }: Actor, kind: 'owner' | 'person'): string[] {
  return traits.filter((trait) => trait.kind === kind).map(({ value }) => value);
}

/** What a grant may see of an agent; undefined where nothing. */
function seenBy(grant: Grant, actor: Actor): Seen | undefined {
  // Who answers for the agent sees all of it; somebody for whom it acted besides sees the sessions of that.
  const involved = { actor: actor.actor, people: valuesOf(actor, 'owner') };
  const sight = sightOf(grant, involved);
  if (seesAllOf(grant, involved)) return { actor, sight, scope: 'all' };
  const some = actor.repositories.some(({ repository }) => covers(grant, repository, 'audit'));
  return some ? { actor, sight, scope: 'some' } : undefined;
}

function agentViewOf({ actor, sight, scope }: Seen): z.output<typeof agentView> {
  const repositories = actor.repositories.filter(({ repository }) => sight(repository));
  const isWhole = scope === 'all';
  return {
    id: actor.actor,
    kind: actor.kind,
    owners: isWhole ? valuesOf(actor, 'owner') : [],
    people: isWhole ? valuesOf(actor, 'person') : [],
    firstSeen: actor.firstAt.toISOString(),
    lastSeen: actor.lastAt.toISOString(),
    sessions: isWhole ? actor.sessions : 0,
    repositories: repositories.length,
    counts: repositories.reduce((sum, { counts }) => addCounts(sum, counts), noCounts),
  };
}

function periodOf(from: Date | undefined, to: Date | undefined, now: Date): Period {
  const end = to ?? now;
  const begin = from ?? new Date(end.getTime() - defaultPeriodDays * dayMs);
  if (begin >= end) throw new GuardError('input/invalid', '`from` is not before `to`');
  if (end.getTime() - begin.getTime() > longestPeriodDays * dayMs)
    throw new GuardError('input/invalid', `a report is about ${longestPeriodDays} days at most`);
  return { from: begin, to: end };
}

function fileName(agent: string, { from, to }: Period, format: ReportFormat): string {
  const name = agent.replaceAll(/[^A-Za-z0-9.-]+/g, '-').slice(0, 80);
  return `forgeguard-${name}-${from.toISOString().slice(0, 10)}-${to.toISOString().slice(0, 10)}.${format}`;
}

/** Registers `/agents` and `/agents/:id/report`. */
export function agentRoutes(options: AgentRoutesOptions): (app: FastifyInstance) => Promise<void> {
  const { activity, reports, audit, clock } = options;
  let running = 0;

  async function listVisible(grant: Grant, after: string, limit: number, kind: string | undefined) {
    const agents: z.output<typeof agentView>[] = [];
    let last = after;
    for (let page = 0; page < 5; page += 1) {
      const actors = await activity.actors(last, 200);
      for (const actor of actors) {
        last = actor.actor;
        const seen = kind === undefined || actor.kind === kind ? seenBy(grant, actor) : undefined;
        if (seen !== undefined) agents.push(agentViewOf(seen));
        if (agents.length === limit) return { agents, next: last };
      }
      if (actors.length < 200) return { agents, next: null };
    }
    return { agents, next: last };
  }

  async function find(id: string, grant: Grant): Promise<Seen> {
    await activity.catchUp();
    const actor = await activity.actor(id);
    const seen = actor === undefined ? undefined : seenBy(grant, actor);
    if (seen !== undefined) return seen;
    throw new GuardError(
      'agent/unknown',
      'there is no such agent in the audit log, or this token may not see it',
    );
  }

  return async (plain) => {
    const app = plain.withTypeProvider<ZodTypeProvider>();
    const tags = ['agents'];
    app.get(
      '/agents',
      {
        schema: {
          tags,
          operationId: 'listAgents',
          summary: 'List everybody who was seen to act, by name',
          querystring: listQuery,
          response: answers(listAnswer, 'Those whom the caller may see, with counts over all time.'),
        },
      },
      async (request) => {
        const { after, limit, kind } = request.query;
        const coverage = await activity.catchUp();
        return {
          ...(await listVisible(grantOf(request), after, limit, kind)),
          coverage: coverageViewOf(coverage),
        };
      },
    );
    app.get(
      '/agents/:id/report',
      {
        schema: {
          tags,
          operationId: 'getAgentReport',
          summary: 'Report about an agent and a period',
          description:
            'JSON, HTML that prints well, CSV with one line for each attempt, or PDF where the guard finds a Chromium.',
          params: z.object({
            id: z.string().min(1).max(1_000).describe('principal id; `agent:` may be left out'),
          }),
          querystring: reportQuery,
          response: reportAnswers,
        },
      },
      async (request, reply) => {
        const { format, from, to } = request.query;
        const grant = grantOf(request);
        const agent = actorId(request.params.id, 'agent');
        const period = periodOf(from, to, clock.now());
        const { sight, scope } = await find(agent, grant);
        if (running >= mostAtOnce) {
          reply.header('retry-after', 5);
          throw new GuardError('request/too-many', `${mostAtOnce} reports are being made`);
        }
        const [begin, end] = [period.from.toISOString(), period.to.toISOString()];
        await audit.append({
          action: 'audit.read',
          request: request.id,
          actor: grant.principal,
          repository: null,
          details: { by: 'http', what: 'report', agent, format, from: begin, to: end, scope },
        });
        const gone = new AbortController();
        reply.raw.once('close', () => gone.abort());
        const signal = AbortSignal.any([gone.signal, AbortSignal.timeout(longestMs)]);
        reply
          .header('content-type', contentTypes[format])
          .header(
            'content-disposition',
            `${format === 'html' ? 'inline' : 'attachment'}; filename="${fileName(agent, period, format)}"`,
          )
          .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; sandbox");
        const question = { agent, period, sight, scope, signal };
        const record = async (made: Digested): Promise<void> => {
          const report = { agent, format, from: begin, to: end, scope, ...made };
          await audit.append(reportMadeEvent(request.id, grant.principal, 'http', [report]));
        };
        running += 1;
        try {
          if (format === 'csv') return await sendLines(reply, recorded(reports.csv(question), record));
          const bytes = await bytesOf(reports, format, await reports.report(question));
          await record(digestOf(bytes));
          return await reply.send(bytes);
        } finally {
          running -= 1;
        }
      },
    );
  };
}

async function bytesOf(
  reports: ReportService,
  format: Exclude<ReportFormat, 'csv'>,
  report: Report,
): Promise<Buffer> {
  if (format === 'json') return Buffer.from(JSON.stringify(reportSchema.parse(report)));
  return Buffer.from(format === 'html' ? await reports.html(report) : await reports.pdf(report));
}

/** Sends what comes as it comes. What fails before the first line is answered as any error is. */
async function sendLines(reply: FastifyReply, lines: AsyncIterable<string>): Promise<FastifyReply> {
  return reply.send(Readable.from(lines, { objectMode: false }));
}
