// Scans that run elsewhere, such as those of the GitHub Action: they take the guard's policy, and tell what they found. A
// report is what its sender says; who that is was proved, and the entry that opened its session has the verified claims.
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { GuardError } from '../../core/errors.ts';
import type { Grant } from '../../core/principal.ts';
import { covers } from '../../core/scope.ts';
import { scanReportSchema } from '../../core/scan-report.ts';
import type { AuditLog } from '../../core/services.ts';
import { answers } from './answers.ts';
import { grantOf } from './grant.ts';

export interface ScanRoutesOptions {
  /** The policy in force. */
  readonly policy: { readonly digest: string; readonly text: string };
  readonly audit: Pick<AuditLog, 'append'>;
}

/** The most findings of a report, each with the longest path, fit in. */
const longestBody = 1024 * 1024;

const policyQuery = z.strictObject({
  repository: z
    .string()
    .min(1)
    .max(1_000)
    .describe('`<forge>/<owner>/…/<repo>`, for which the token has the verb `log`'),
});
const policyAnswer = z.object({
  digest: z.string().describe('SHA-256 of the text'),
  text: z.string().describe('the policy in force, YAML'),
});
const reportAnswer = z.object({ request: z.string().describe('the id under which the audit log has it') });

/** Registers `GET /policy` and `POST /scans`. */
export function scanRoutes({ policy, audit }: ScanRoutesOptions): (app: FastifyInstance) => Promise<void> {
  return async (plain) => {
    const app = plain.withTypeProvider<ZodTypeProvider>();
    const tags = ['scans'];
    app.get(
      '/policy',
      {
        schema: {
          tags,
          operationId: 'showPolicy',
          summary: 'The policy in force, for scans that run elsewhere',
          querystring: policyQuery,
          response: answers(policyAnswer, 'The policy.'),
        },
      },
      async (request) => {
        demandLog(grantOf(request), request.query.repository);
        return { digest: policy.digest, text: policy.text };
      },
    );
    app.post(
      '/scans',
      {
        bodyLimit: longestBody,
        schema: {
          tags,
          operationId: 'reportScan',
          summary: 'Put the result of a scan that ran elsewhere into the audit log',
          description:
            'The token needs the verb `log` for the repository. Answered once the entry is durable.',
          body: scanReportSchema,
          response: answers(reportAnswer, 'It is in the log.'),
        },
      },
      async (request) => {
        const { principal } = demandLog(grantOf(request), request.body.repository);
        const { repository, ...details } = request.body;
        await audit.append({
          action: 'scan.reported',
          request: request.id,
          actor: principal,
          repository,
          details,
        });
        return { request: request.id };
      },
    );
  };
}

function demandLog(grant: Grant, repository: string): Grant {
  if (covers(grant, repository, 'log')) return grant;
  throw new GuardError('identity/forbidden', 'the token does not have the verb `log` for this repository');
}
