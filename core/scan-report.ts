// What a scan that ran elsewhere tells the guard. Strict, with caps on everything, and without a place for a value.
import { z } from 'zod';
import { severities } from '../scanners/finding.ts';

const oid = z.string().regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/);
const digest = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.int().min(0).max(1_000_000_000);

/** Findings of one report; the worst come first. */
export const mostReported = 200;
/** Characters of a path. */
export const longestReportedPath = 1_000;

const finding = z.strictObject({
  rule: z.string().regex(/^[a-z0-9][a-z0-9/._-]{0,99}$/),
  category: z.enum(['phi', 'secret', 'policy']),
  severity: z.enum(severities),
  confidence: z.number().min(0).max(1),
  path: z.string().max(longestReportedPath).describe('as it may be shown'),
  line: count,
  fingerprint: z.string().regex(/^[0-9a-f]{32}$/),
  level: z.enum(['error', 'warning', 'notice']).describe('`error` fails the scan'),
});

export const scanReportSchema = z.strictObject({
  repository: z.string().min(1).max(1_000).describe('`<forge>/<owner>/…/<repo>`'),
  result: z.enum(['passed', 'failed', 'incomplete']),
  mode: z.enum(['diff', 'full', 'staged']),
  event: z
    .string()
    .regex(/^[a-z_]{1,100}$/)
    .describe('the event that started the run'),
  commit: oid.nullable().describe('the newest commit that was scanned; null where it was a tree'),
  base: oid.nullable().describe('where the change began'),
  policyDigest: digest.describe('SHA-256 of the policy that was applied'),
  reportDigest: digest.describe('SHA-256 of the SARIF file'),
  files: count,
  bytes: count,
  findingCount: count,
  failing: count,
  excused: count,
  unscanned: count.describe('how much could not be scanned'),
  findings: z.array(finding).max(mostReported),
});

export type ScanReportDocument = z.infer<typeof scanReportSchema>;
