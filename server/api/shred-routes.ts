// Destroying sealed texts of the audit log over HTTP: one person asks, another one approves.
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AuditShredding } from '../../core/services.ts';
import { answers } from './answers.ts';
import { grantOf } from './grant.ts';

const wish = z.strictObject({
  repository: z.string().min(1).max(1_000).describe('`<forge>/<owner>/…/<repo>`'),
  month: z
    .string()
    .regex(/^\d{4}-(0[1-9]|1[0-2])$/)
    .describe('the month (UTC), `YYYY-MM`; it must be over'),
  reason: z.string().min(1).max(1_000).describe('why; it stays in the log'),
});

export const shredView = z.object({
  id: z.string(),
  repository: z.string(),
  month: z.string(),
  state: z.enum(['requested', 'destroyed']),
});

const params = z.strictObject({ id: z.string().regex(/^shred-[0-9a-f]{12}$/) });

/** Registers `POST /audit/shreds` and `POST /audit/shreds/:id/approve`. */
export function shredRoutes(shredding: AuditShredding): (app: FastifyInstance) => Promise<void> {
  return async (plain) => {
    const app = plain.withTypeProvider<ZodTypeProvider>();
    const tags = ['audit'];
    app.post(
      '/audit/shreds',
      {
        schema: {
          tags,
          operationId: 'requestShred',
          summary: 'Ask that the sealed texts of a repository and month be destroyed',
          body: wish,
          response: answers(shredView, 'What somebody else must approve now.'),
        },
      },
      async (request) => shredding.request(grantOf(request), request.id, request.body),
    );
    app.post(
      '/audit/shreds/:id/approve',
      {
        schema: {
          tags,
          operationId: 'approveShred',
          summary: 'Destroy these texts; for somebody else than the one who asked',
          params,
          response: answers(shredView, 'They are destroyed.'),
        },
      },
      async (request) => shredding.approve(grantOf(request), request.id, request.params.id),
    );
  };
}
