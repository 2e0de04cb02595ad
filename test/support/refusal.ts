// Reads what the guard says under `-o forgeguard.format=json`: one line of JSON on the progress band.
import { z } from 'zod';

const findingSchema = z.strictObject({
  rule: z.string(),
  category: z.enum(['phi', 'secret', 'policy']),
  identifier: z.string(),
  severity: z.enum(['low', 'medium', 'high', 'critical']),
  confidence: z.number().min(0).max(1),
  place: z.string(),
  commit: z.string().nullable(),
  path: z.string(),
  line: z.int().min(1),
  column: z.int().min(1),
  endLine: z.int().min(1),
  endColumn: z.int().min(1),
  masked: z.string(),
  fingerprint: z.string().regex(/^[0-9a-f]{32}$/),
  message: z.string(),
});

const reasonSchema = z.strictObject({
  rule: z.string(),
  action: z.string(),
  message: z.string(),
  refs: z.array(z.string()),
});

const refusalSchema = z.strictObject({
  version: z.literal(1),
  request: z.string().regex(/^[0-9a-f]{16}$/),
  verdict: z.enum(['allow', 'redact', 'hold', 'deny']),
  landed: z.union([z.literal(false), z.string()]),
  policyDigest: z.string().regex(/^[0-9a-f]{64}$/),
  reasons: z.array(reasonSchema),
  /** What rules in monitor mode would have said. */
  monitored: z.array(reasonSchema),
  findings: z.array(findingSchema),
  moreFindings: z.int().min(0),
  warnings: z.array(findingSchema),
  moreWarnings: z.int().min(0),
  remedy: z.array(z.string()),
  /** Of a push that is held. */
  approval: z
    .strictObject({
      id: z.string(),
      url: z.url(),
      state: z.literal('waiting'),
      expiresAt: z.iso.datetime(),
      requirements: z.array(
        z.looseObject({ rule: z.string(), approvers: z.array(z.string()), count: z.int() }),
      ),
    })
    .optional(),
});

export type Refusal = z.infer<typeof refusalSchema>;

/** The one JSON line in what `git push` printed; throws where there is none, more than one, or one of another form. */
export function readRefusal(stderr: string): Refusal {
  const lines = stderr.split('\n').filter((line) => line.startsWith('remote: {'));
  if (lines.length !== 1) throw new Error(`expected one line of JSON:\n${stderr}`);
  return refusalSchema.parse(JSON.parse(lines[0]?.slice('remote: '.length) ?? ''));
}
