// The schema of `forges[].app`.
import { z } from 'zod';
import { closed, glob } from '../core/schema.ts';
import { bypassWatchSchema } from './bypass-watch-schema.ts';
import { secretRef } from './config-values.ts';
import { githubWorkflowSchema } from './github-workflow-schema.ts';

const principalId = z
  .string()
  .regex(
    /^(agent|human|workload):[A-Za-z0-9][A-Za-z0-9._@+/-]{0,199}$/,
    'expected an id such as human:ada@example.org',
  );
const login = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,99}$/, 'expected a login name of GitHub');

const membership = z
  .string()
  .regex(
    /^(team:[A-Za-z0-9-]{1,100}\/[a-z0-9_-]{1,200}|codeowners|permission:(write|maintain|admin))$/,
    'expected team:ORGANIZATION/SLUG, codeowners or permission:write, permission:maintain, permission:admin',
  );

export const githubAppSchema = closed({
  webhookSecrets: z
    .array(secretRef)
    .min(1)
    .max(5)
    .describe('secrets of the App’s webhook, the new one and the old one while it is changed'),
  agents: z
    .array(
      closed({
        logins: z.array(glob).min(1).describe('globs over login names, such as `*\\[bot]`'),
        onBehalfOf: z.array(principalId).max(20).default([]).describe('the people for whom they act'),
        id: principalId
          .refine((id) => id.startsWith('agent:'), 'expected an id such as agent:release-bot')
          .optional()
          .describe(
            'what the agent is called where it comes to the guard itself, such as `agent:release-bot`',
          ),
      }),
    )
    .max(200)
    .default([])
    .describe('accounts that are agents; bots are, in any case'),
  people: z.record(login, principalId).default({}).describe('login names and who these people are elsewhere'),
  groups: z
    .record(z.string().min(1).max(200), z.array(membership).min(1).max(50))
    .default({})
    .describe('groups of the policy, and what makes an account of GitHub a member'),
  reviewsApprove: z
    .boolean()
    .default(false)
    .describe('whether an approving review of the newest commit counts as an approval'),
  merge: z
    .enum(['people', 'guard'])
    .default('people')
    .describe('who merges an approved pull request: `people`, or the `guard` at once'),
  mergeMethod: z
    .enum(['merge', 'squash', 'rebase'])
    .optional()
    .describe(
      'how the guard merges; without it, the first of squash, merge, rebase that the repository allows',
    ),
  summaryComment: z
    .boolean()
    .default(false)
    .describe('keeps one comment with the summary in each pull request that has findings'),
  writesPerMinute: z
    .int()
    .min(10)
    .max(100_000)
    .default(150)
    .describe('requests in a minute that change something, of one installation; github.com allows 180'),
  bypass: bypassWatchSchema.prefault({}),
  workflows: githubWorkflowSchema.prefault({}).describe('logs and artifacts of workflow runs'),
});
export type GithubAppDocument = z.output<typeof githubAppSchema>;
