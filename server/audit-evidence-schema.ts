// The schema of what bears the audit log out from elsewhere: `audit.timestamp` in `forgeguard.yaml`.
import { parseDuration } from '../core/duration.ts';
import { closed, duration } from '../core/schema.ts';
import { baseUrl, fileName } from './config-values.ts';
import { z } from 'zod';

export const timestampSchema = closed({
  url: baseUrl.describe('URL of the time stamping authority (RFC 3161)'),
  caFile: fileName.describe('PEM file with the roots whose stamps count'),
  every: duration({ least: '1m', most: '7d' })
    .default(parseDuration('1h') ?? 0)
    .describe('how often'),
  policy: z
    .string()
    .regex(/^[0-2](\.(0|[1-9][0-9]{0,18})){1,30}$/, 'expected an object id such as 1.3.6.1.4.1.32473.1')
    .optional()
    .describe('object id of the policy to ask for; without it the authority’s own'),
})
  .optional()
  .describe('who stamps checkpoints with the time');
