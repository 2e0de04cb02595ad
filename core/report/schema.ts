// A report about one agent and one period: what the audit log says, counted and listed. All texts were masked before they
// were recorded. Lists have a cap and say so; the table as CSV has none.
import { z } from 'zod';
import { attributionSchema } from '../activity/bypass.ts';

export const reportCaps = {
  /** Attempts, refusals and approvals that are listed. */
  attempts: 1_000,
  refusals: 200,
  approvals: 300,
  bypasses: 300,
  /** Rows of each table of counts. */
  rows: 100,
  anomalies: 100,
} as const;

const time = z.iso.datetime({ precision: 3 });
const count = z.int().nonnegative();
const entry = z.int().nonnegative().describe('index in the audit log');
const names = z.array(z.string());

const outcomeCounts = {
  attempts: count,
  forwarded: count,
  refused: count,
  held: count.describe('that people were asked about, whatever came of it'),
  unknown: count,
  open: count.describe('without an outcome yet'),
  seen: count.describe('logs and artifacts of workflows that were at the upstream already, and still are'),
  removed: count.describe('such logs and artifacts that the guard has deleted there'),
};

const attempt = z.object({
  at: time,
  endedAt: time.nullable(),
  kind: z.string(),
  session: z.string(),
  request: z.string(),
  repository: z.string().nullable(),
  refs: names.describe('masked'),
  verdict: z.string().nullable(),
  rules: names,
  outcome: z.string(),
  code: z.string().nullable(),
  findings: count,
  identifiers: z.record(z.string(), count),
  policyDigest: z.string().nullable(),
  address: z.string().nullable(),
  evidence: z.string().nullable().describe('SHA-256 of the masked diff that is kept'),
  approvalState: z.string().nullable(),
  entries: z.tuple([entry, entry]).describe('first and last'),
});

const bypass = z.object({
  at: time.describe('when the guard noticed it'),
  session: z.string(),
  request: z.string(),
  repository: z.string().nullable(),
  ref: z.string().nullable().describe('masked'),
  old: z.string().nullable(),
  new: z.string().nullable(),
  change: z.string().nullable().describe('create, update, force or delete'),
  how: z.string().describe('push, unchecked-merge or differing-merge'),
  found: z.string().describe('by what it was noticed: webhook or comparison'),
  account: z.string().nullable().describe('the account that the forge names'),
  pullRequest: z.int().nullable(),
  attribution: attributionSchema.describe('what it rests on that it was this agent, and how sure that is'),
  verdict: z.string().nullable().describe('what the policy would have said; null where it was not scanned'),
  rules: names,
  findings: count,
  criticalFindings: count,
  identifiers: z.record(z.string(), count),
  policyDigest: z.string().nullable(),
  problem: z.string().nullable().describe('why it could not be scanned'),
  entries: z.tuple([entry, entry]).describe('first and last'),
});

const approvalStep = z.object({
  at: time,
  action: z.string(),
  by: z.string().nullable().describe('null where the guard moved it'),
  decision: z.string().nullable(),
  reason: z.string().nullable(),
  entry,
});

const approval = z.object({
  id: z.string(),
  request: z.string(),
  repository: z.string().nullable(),
  requestedAt: time.nullable().describe('null where it was asked before the period'),
  reason: z.string().nullable().describe('what the agent gave as its reason'),
  state: z.string(),
  steps: z.array(approvalStep),
});

const anomaly = z.object({
  kind: z.enum([
    'new-repository',
    'new-address',
    'new-person',
    'new-owner',
    'new-issuer',
    'unusual-hour',
    'unusual-volume',
    'repeated-refusals',
    'broken-glass',
    'bypass',
  ]),
  at: time,
  what: z.string(),
  numbers: z.record(z.string(), z.number()),
  how: z.string().describe('how it was computed'),
});

const safeguard = z.object({
  citation: z.string(),
  title: z.string(),
  evidence: names.describe('what is on record'),
  duty: z.string().describe("what remains the customer's own duty"),
});

export const reportSchema = z
  .object({
    v: z.literal(1),
    agent: z.object({
      id: z.string(),
      kind: z.string(),
      firstSeen: time,
      lastSeen: time,
      people: names.describe('for whom it acted in the period'),
      owners: names.describe('who answered for its credentials in the period'),
      issuers: names,
      addresses: names,
    }),
    period: z.object({ from: time, to: time }),
    generatedAt: time,
    scope: z.enum(['all', 'some']).describe('`some`: only repositories that the reader may audit are in it'),
    coverage: z.object({
      entries: count.describe('entries of the audit log that the report rests on'),
      behind: count.describe('newer entries that are not in it'),
    }),
    summary: z.object({
      ...outcomeCounts,
      sessions: count,
      fetches: count,
      findings: count,
      criticalFindings: count,
      excused: count.describe('findings that an exception of the policy excused'),
      approvals: count,
      bypasses: count.describe('pushes around the guard, which are no attempts'),
      bypassFindings: count.describe('findings in what they brought, which are not among the findings'),
      criticalBypassFindings: count,
    }),
    repositories: z.array(z.object({ repository: z.string(), ...outcomeCounts, findings: count })),
    verdicts: z.array(z.object({ verdict: z.string(), attempts: count })),
    rules: z.array(z.object({ rule: z.string(), action: z.string(), attempts: count })),
    identifiers: z.array(z.object({ identifier: z.string(), findings: count, attempts: count })),
    exceptions: z.array(z.object({ exception: z.string(), findings: count, attempts: count })),
    policies: z.array(z.object({ digest: z.string(), attempts: count })),
    days: z.array(z.object({ day: z.string(), attempts: count })),
    approvals: z.array(approval),
    refusals: z.array(attempt),
    attempts: z.array(attempt),
    anomalies: z.array(anomaly),
    bypasses: z.array(bypass),
    leftOut: z
      .object({ attempts: count, refusals: count, approvals: count, rows: count, bypasses: count })
      .describe('what the caps left out of the lists; the counts have all'),
    integrity: z.object({
      log: z.string().describe('name of the log'),
      size: count,
      root: z.string().describe('SHA-256 root of the Merkle tree, base64'),
      keyName: z.string(),
      keyId: z.string(),
      verifierKey: z.string(),
      cosigned: z
        .object({ size: count, by: names })
        .nullable()
        .describe('the newest checkpoint that witnesses have signed'),
      checkpoint: z.string().describe('the signed checkpoint'),
      meaning: z.string(),
    }),
    safeguards: z.array(safeguard),
  })
  .meta({ id: 'AgentReport' });

export type Report = z.output<typeof reportSchema>;
export type ReportAttempt = Report['attempts'][number];
export type ReportBypass = Report['bypasses'][number];
export type ReportApproval = Report['approvals'][number];
export type Anomaly = Report['anomalies'][number];
export type Safeguard = Report['safeguards'][number];
