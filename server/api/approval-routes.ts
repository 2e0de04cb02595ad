// Requests for approval over HTTP: to list, to see, to see what they would change, and to decide. What a caller may not
// see is answered like what does not exist.
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { approvalStates, type ApprovalState } from '../../core/approval/state.ts';
import type { OperationKind } from '../../core/operation.ts';
import type { ApprovalService, AuditLog, HeldChanges } from '../../core/services.ts';
import { decisionRoutes } from './approval-decisions.ts';
import { answers } from './answers.ts';
import { approvalParams, createDesk } from './approval-desk.ts';
import { listVisible } from './approval-list.ts';
import { approvalView } from './approval-view.ts';
import { changesRoute } from './changes-route.ts';
import { grantOf } from './grant.ts';
import { apiBase } from './api-base.ts';

export interface ApprovalRoutesOptions {
  readonly approvals: ApprovalService;
  /** Who shows what would change, by the kind of the held operation. */
  readonly changes: Readonly<Partial<Record<OperationKind, HeldChanges>>>;
  readonly audit: Pick<AuditLog, 'append'>;
}

const states = z
  .union([z.string().max(400), z.array(z.string().max(40)).max(approvalStates.length)])
  .transform((given, context): readonly ApprovalState[] => {
    const names = [given].flat().flatMap((text) => text.split(',').map((name) => name.trim()));
    const known = approvalStates.filter((state) => names.includes(state));
    if (known.length === new Set(names).size) return known;
    context.addIssue({ code: 'custom', message: `is not among ${approvalStates.join(', ')}` });
    return z.NEVER;
  })
  .describe(`states, separated by commas or repeated: ${approvalStates.join(', ')}`);

const listQuery = z.strictObject({
  state: states.optional(),
  repository: z.string().max(1_000).optional().describe('`<forge>/<owner>/…/<repo>`'),
  agent: z.string().max(1_000).optional().describe('principal id of who made it; `agent:` may be left out'),
  review: z.enum(['open']).optional().describe('`open`: only those with an open review of a broken glass'),
  limit: z.coerce.number().int().min(1).max(100).default(50),
  before: approvalParams.shape.id.optional().describe('the `next` of the page before'),
});

const listAnswer = z.object({
  approvals: z.array(approvalView),
  next: z.string().nullable().describe('what to send as `before` to get the next page; null on the last'),
});

/** Registers `/approvals` and everything below. */
export function approvalRoutes(options: ApprovalRoutesOptions): (app: FastifyInstance) => Promise<void> {
  const { approvals, changes, audit } = options;
  const desk = createDesk(approvals, `${apiBase}/approvals`);

  return async (plain) => {
    const app = plain.withTypeProvider<ZodTypeProvider>();
    const tags = ['approvals'];
    app.get(
      '/approvals',
      {
        schema: {
          tags,
          operationId: 'listApprovals',
          summary: 'List requests, newest first',
          querystring: listQuery,
          response: answers(listAnswer, 'Requests that the caller may see.'),
        },
      },
      async (request) => {
        const { state, repository, agent, review, limit, before } = request.query;
        const { found, next } = await listVisible(approvals, grantOf(request), {
          ...(state === undefined ? {} : { states: state }),
          ...(repository === undefined ? {} : { repository }),
          ...(agent === undefined
            ? {}
            : { actor: /^(agent|human|workload):/.test(agent) ? agent : `agent:${agent}` }),
          ...(review === undefined ? {} : { openReview: true }),
          ...(before === undefined ? {} : { before }),
          limit,
        });
        return { approvals: found.map(desk.show), next };
      },
    );
    app.get(
      '/approvals/:id',
      {
        schema: {
          tags,
          operationId: 'getApproval',
          summary: 'Show one request; for the agent that made it too',
          params: approvalParams,
          response: answers(approvalView, 'The request.'),
        },
      },
      async (request) => desk.show(await desk.find(request.params.id, grantOf(request))),
    );
    changesRoute(plain, { changes, audit, desk });
    decisionRoutes(plain, { approvals, audit, desk });
  };
}
