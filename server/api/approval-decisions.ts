// Deciding about a request over HTTP. Who may decide is judged by the service; that somebody wanted to and may not is
// written to the audit log before it is answered.
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Approval } from '../../core/approval.ts';
import { leastBreakGlassReason, longestComment } from '../../core/approval/judge.ts';
import { type ErrorCode, GuardError } from '../../core/errors.ts';
import type { Grant } from '../../core/principal.ts';
import type { ApprovalService, AuditLog } from '../../core/services.ts';
import { answers } from './answers.ts';
import { approvalParams, type Desk } from './approval-desk.ts';
import { approvalView } from './approval-view.ts';
import { grantOf } from './grant.ts';

export interface DecisionOptions {
  readonly approvals: ApprovalService;
  readonly audit: Pick<AuditLog, 'append'>;
  readonly desk: Desk;
}

const text = z.string().max(longestComment);
type Told = z.ZodType<string | null>;

const mayReason: Told = z
  .strictObject({ reason: text.nullish().describe('told to the agent and kept; values in it are masked') })
  .nullish()
  .transform((body) => body?.reason ?? null);

const mustReason: Told = z
  .strictObject({ reason: text.describe(`why it cannot wait; ${leastBreakGlassReason} characters or more`) })
  .transform(({ reason }) => reason);

const mustComment: Told = z
  .strictObject({ comment: text.describe('what the review found') })
  .transform(({ comment }) => comment);

const nothing: Told = z
  .strictObject({})
  .nullish()
  .transform(() => null);

interface Decision {
  readonly summary: string;
  /** Reads the text that comes with it out of the body. */
  readonly body: Told;
  readonly decide: (
    approvals: ApprovalService,
    id: string,
    grant: Grant,
    told: string | null,
  ) => Promise<Approval>;
}

/** Every decision, by the last part of its path. */
const decisions: Readonly<Record<string, Decision>> = {
  approve: {
    summary: 'Agree; where all requirements are met then, it is applied',
    body: mayReason,
    decide: (approvals, id, grant, told) => approvals.vote(id, grant, 'approve', told),
  },
  deny: {
    summary: 'Deny; this ends the request',
    body: mayReason,
    decide: (approvals, id, grant, told) => approvals.vote(id, grant, 'deny', told),
  },
  revoke: {
    summary: 'Take your approval back, until the request is being applied',
    body: nothing,
    decide: (approvals, id, grant) => approvals.revokeVote(id, grant),
  },
  cancel: {
    summary: 'Withdraw the request; for those whose request it is',
    body: mayReason,
    decide: (approvals, id, grant, told) => approvals.cancel(id, grant, told),
  },
  'break-glass': {
    summary: 'Approve alone; alerts at once, and opens a review that somebody else must close',
    body: mustReason,
    decide: (approvals, id, grant, told) => approvals.breakGlass(id, grant, told ?? ''),
  },
  'close-review': {
    summary: 'Close the review of a broken glass; for somebody else than the one who broke it',
    body: mustComment,
    decide: (approvals, id, grant, told) => approvals.closeReview(id, grant, told ?? ''),
  },
};

const forbidden: readonly ErrorCode[] = [
  'identity/forbidden',
  'approval/not-human',
  'approval/involved',
  'approval/not-approver',
  'approval/not-yours',
];

/** Registers `POST /approvals/:id/{approve|deny|revoke|cancel|break-glass|close-review}`. */
export function decisionRoutes(app: FastifyInstance, { approvals, audit, desk }: DecisionOptions): void {
  for (const [name, { summary, body, decide }] of Object.entries(decisions)) {
    const operationId = `${name.replaceAll(/-(.)/g, (_dash, letter: string) => letter.toUpperCase())}Approval`;
    const response = answers(approvalView, 'The request as it stands then.', 409);
    app
      .withTypeProvider<ZodTypeProvider>()
      .post(
        `/approvals/:id/${name}`,
        { schema: { tags: ['approvals'], operationId, summary, params: approvalParams, body, response } },
        async (request) => {
          const grant = grantOf(request);
          const seen = await desk.find(request.params.id, grant);
          try {
            return desk.show(await decide(approvals, seen.id, grant, request.body));
          } catch (thrown) {
            if (thrown instanceof GuardError && forbidden.includes(thrown.code)) {
              await audit.append({
                action: 'approval.forbidden',
                request: seen.request,
                actor: grant.principal,
                repository: seen.binding.repository,
                details: { approval: seen.id, version: seen.version, wanted: name, code: thrown.code },
              });
            }
            throw thrown;
          }
        },
      );
  }
}
