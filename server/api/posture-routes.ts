// How guarded repositories are protected, over HTTP: for whoever may audit them.
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { type PostureService, postureStates, postureTitles, postureTopicNames } from '../../core/posture.ts';
import { covers } from '../../core/scope.ts';
import { answers } from './answers.ts';
import { grantOf } from './grant.ts';

const view = z
  .object({
    repository: z.string(),
    url: z.string().nullable(),
    readAt: z.iso.datetime({ precision: 3 }).nullable().describe('null: it is being read'),
    points: z.array(
      z.object({
        topic: z.enum(postureTopicNames),
        title: z.string(),
        state: z.enum(postureStates),
        found: z.string(),
        change: z.string().nullable().describe('what to change'),
        link: z.string().nullable().describe('the page with the setting'),
      }),
    ),
  })
  .meta({ id: 'Posture' });

const query = z.strictObject({
  after: z.string().max(1_000).default('').describe('the `next` of the page before'),
  limit: z.coerce.number().int().min(1).max(200).default(100),
});
const answer = z.object({
  repositories: z.array(view),
  next: z.string().nullable().describe('what to send as `after` to get the next page; null on the last'),
});

/** Registers `/posture`. */
export function postureRoutes(posture: PostureService): (app: FastifyInstance) => Promise<void> {
  return async (plain) => {
    const app = plain.withTypeProvider<ZodTypeProvider>();
    app.get(
      '/posture',
      {
        schema: {
          tags: ['posture'],
          operationId: 'listPosture',
          summary: 'Whether the settings of repositories make the guard the only way in',
          description:
            'Read from the forge at most a quarter of an hour ago; what is older is read anew soon.',
          querystring: query,
          response: answers(answer, 'The repositories that the caller may audit.'),
        },
      },
      async (request) => {
        const { after, limit } = request.query;
        const grant = grantOf(request);
        const found = await posture.list(after, limit);
        const next = found.length === limit ? (found.at(-1)?.repository ?? null) : null;
        return {
          next,
          repositories: found
            .filter(({ repository }) => covers(grant, repository, 'audit'))
            .map(({ repository, url, readAt, points }) => ({
              repository,
              url,
              readAt: readAt?.toISOString() ?? null,
              points: points.map((point) => ({ ...point, title: postureTitles[point.topic] })),
            })),
        };
      },
    );
  };
}
