// What a request would change, over HTTP. It is computed for each page, which is work: a few at a time, no longer than a
// minute, and not for a caller who has gone. That it was shown is in the audit log before it is sent.
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Approval } from '../../core/approval.ts';
import { changesCaps, type HeldChangesPage } from '../../core/approval/changes.ts';
import { GuardError } from '../../core/errors.ts';
import type { OperationKind } from '../../core/operation.ts';
import type { AuditLog, HeldChanges } from '../../core/services.ts';
import { answers } from './answers.ts';
import { approvalParams, type Desk } from './approval-desk.ts';
import { changesView, changesViewOf } from './changes-view.ts';
import { grantOf } from './grant.ts';

export interface ChangesRouteOptions {
  /** Who shows what would change, by the kind of the held operation. */
  readonly changes: Readonly<Partial<Record<OperationKind, HeldChanges>>>;
  readonly audit: Pick<AuditLog, 'append'>;
  readonly desk: Desk;
}

const longestMs = 60_000;
const mostAtOnce = 4;
/** Seconds after which one who was sent away may come again. */
const comeAgain = 5;

const query = z.strictObject({
  after: z.string().min(1).max(changesCaps.cursorLength).optional().describe('the `next` of the page before'),
});

/** Registers `GET /approvals/:id/changes`. */
export function changesRoute(app: FastifyInstance, { changes, audit, desk }: ChangesRouteOptions): void {
  let running = 0;

  async function pageOf(
    approval: Approval,
    after: string | null,
    gone: AbortSignal,
  ): Promise<HeldChangesPage> {
    if (running >= mostAtOnce)
      throw new GuardError('request/too-many', `the changes of ${mostAtOnce} requests are being looked at`);
    const late = AbortSignal.timeout(longestMs);
    running += 1;
    try {
      const signal = AbortSignal.any([gone, late]);
      const answer = await changes[approval.binding.kind]?.changes(approval, after, signal);
      if (answer?.kind === 'page') return answer;
    } catch (cause) {
      if (gone.aborted) throw new GuardError('request/cancelled', 'the client went away', { cause });
      if (late.aborted)
        throw new GuardError('upstream/timeout', 'the changes could not be told in time', { cause });
      throw cause;
    } finally {
      running -= 1;
    }
    throw new GuardError('approval/gone', 'what was held for this request is not there any more');
  }

  app.withTypeProvider<ZodTypeProvider>().get(
    '/approvals/:id/changes',
    {
      schema: {
        tags: ['approvals'],
        operationId: 'getApprovalChanges',
        summary: 'Show what a request would change, file by file, with values masked',
        params: approvalParams,
        querystring: query,
        response: answers(changesView, 'Some of the changed files.', 410, 504),
      },
    },
    async (request, reply) => {
      const gone = new AbortController();
      reply.raw.once('close', () => gone.abort());
      const { principal } = grantOf(request);
      const approval = await desk.find(request.params.id, grantOf(request));
      const after = request.query.after ?? null;
      if (running >= mostAtOnce) reply.header('retry-after', comeAgain);
      const page = await pageOf(approval, after, gone.signal);
      await audit.append({
        action: 'approval.shown',
        request: approval.request,
        actor: principal,
        repository: approval.binding.repository,
        details: {
          approval: approval.id,
          version: approval.version,
          files: page.files.length,
          from: after,
        },
      });
      return changesViewOf(page);
    },
  );
}
