// Pushes around the guard over HTTP, those included that nobody is known for: for whoever may audit the repository.
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { attributionSchema } from '../../core/activity/bypass.ts';
import type { ActivityService, BypassRecord } from '../../core/activity/service.ts';
import type { Grant } from '../../core/principal.ts';
import { covers, coversEverything } from '../../core/scope.ts';
import { answers } from './answers.ts';
import { grantOf } from './grant.ts';
import { coverageView, coverageViewOf } from './session-view.ts';
import { actorId, timeQuery } from './time-query.ts';

const time = z.iso.datetime({ precision: 3 });
const view = z
  .object({
    request: z.string(),
    at: time.describe('when the guard noticed it'),
    repository: z.string().nullable(),
    actor: z.string().nullable().describe('principal id; null where nobody is known'),
    account: z.string().nullable().describe('the account that the forge names'),
    attribution: attributionSchema,
    how: z.string().describe('push, unchecked-merge or differing-merge'),
    found: z.string().describe('by what it was noticed: webhook or comparison'),
    ref: z.string().nullable().describe('masked'),
    old: z.string().nullable(),
    new: z.string().nullable(),
    change: z.string().nullable().describe('create, update, force or delete'),
    pullRequest: z.int().nullable(),
    verdict: z.string().nullable().describe('what the policy would have said; null where it was not scanned'),
    problem: z.string().nullable().describe('why it could not be scanned'),
    findings: z.int(),
    identifiers: z.record(z.string(), z.int()),
    firstEntry: z.int().describe('index in the audit log'),
    lastEntry: z.int(),
  })
  .meta({ id: 'Bypass' });

const entryCursor = z.coerce.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);
const query = z.strictObject({
  agent: z.string().min(1).max(1_000).optional().describe('principal id; `agent:` may be left out'),
  repository: z.string().min(1).max(1_000).optional().describe('`<forge>/<owner>/…/<repo>`'),
  certainty: z
    .enum(['unknown', 'all'])
    .default('all')
    .describe('`unknown`: only those of which nobody can tell whose they were'),
  from: timeQuery.optional().describe('noticed at this time or later: a day (UTC) or a time'),
  to: timeQuery.optional().describe('noticed before this'),
  cursor: entryCursor.optional().describe('the `next` of the page before'),
  limit: z.coerce.number().int().min(1).max(200).default(100),
});
const answer = z.object({
  bypasses: z.array(view),
  next: entryCursor
    .nullable()
    .describe(
      'what to send as `cursor` to get the next page, which a short page may have, too; null on the last',
    ),
  coverage: coverageView,
});

function viewOf({ request, at, repository, actor, facts, ...row }: BypassRecord): z.output<typeof view>[] {
  const { bypass } = facts;
  if (bypass === undefined) return [];
  const [ref] = facts.refs ?? [];
  return [
    {
      request,
      at: at.toISOString(),
      repository,
      actor,
      ...bypass,
      ref: ref?.ref ?? null,
      old: ref?.old ?? null,
      new: ref?.new ?? null,
      change: ref?.kind ?? null,
      verdict: facts.verdict ?? null,
      problem: facts.code ?? null,
      findings: facts.findings ?? 0,
      identifiers: facts.identifiers ?? {},
      firstEntry: row.firstIndex,
      lastEntry: row.lastIndex,
    },
  ];
}

function maySee(grant: Grant, repository: string | null): boolean {
  return repository === null ? coversEverything(grant, 'audit') : covers(grant, repository, 'audit');
}

/** Registers `/bypasses`. */
export function bypassRoutes(activity: ActivityService): (app: FastifyInstance) => Promise<void> {
  return async (plain) => {
    const app = plain.withTypeProvider<ZodTypeProvider>();
    app.get(
      '/bypasses',
      {
        schema: {
          tags: ['posture'],
          operationId: 'listBypasses',
          summary: 'List pushes that reached guarded repositories around the guard, newest first',
          description:
            'With `certainty=unknown` those that stand in no report, because nobody is known for them.',
          querystring: query,
          response: answers(answer, 'Those in repositories that the caller may audit.'),
        },
      },
      async (request) => {
        const { agent, repository, certainty, from, to, cursor, limit } = request.query;
        const grant = grantOf(request);
        const coverage = await activity.catchUp();
        const rows = await activity.bypasses({
          ...(agent === undefined ? {} : { actor: actorId(agent, 'agent') }),
          ...(repository === undefined ? {} : { repository }),
          unknown: certainty === 'unknown',
          ...(from === undefined ? {} : { from }),
          ...(to === undefined ? {} : { to }),
          ...(cursor === undefined ? {} : { before: cursor }),
          limit,
        });
        return {
          bypasses: rows.filter((row) => maySee(grant, row.repository)).flatMap(viewOf),
          next: rows.length < limit ? null : (rows.at(-1)?.firstIndex ?? null),
          coverage: coverageViewOf(coverage),
        };
      },
    );
  };
}
