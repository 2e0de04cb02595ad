// The schema of `forges[].app.workflows`.
import { z } from 'zod';
import { byteSize, closed } from '../core/schema.ts';

const care = ['off', 'scan', 'delete'] as const;

export const githubWorkflowSchema = closed({
  logs: z
    .enum(care)
    .default('scan')
    .describe(
      'logs of workflow runs: `scan` tells of values in them, `delete` also deletes the logs of the run, once redacted copies are kept',
    ),
  artifacts: z
    .enum(care)
    .default('scan')
    .describe(
      'artifacts of workflow runs: `scan` tells of values in them, `delete` also deletes the artifact',
    ),
  keepLogs: z
    .enum(['found', 'all'])
    .default('found')
    .describe('which logs have a redacted copy kept: those with values in them, or `all`'),
  maxLogBytes: byteSize
    .default(64 * 2 ** 20)
    .describe('bytes of a log that are looked at; of a longer one the rest is not, and people are told'),
  maxArtifactBytes: byteSize
    .default(256 * 2 ** 20)
    .describe('bytes, packed, of an artifact that is looked at; about a larger one people are told'),
});
export type GithubWorkflowConfig = Readonly<z.output<typeof githubWorkflowSchema>>;
