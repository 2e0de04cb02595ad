// One step of a session as it is replayed: everything that the audit log and the evidence beside it say about one
// request, in the order in which it happened. Times are RFC 3339 in UTC. All texts were masked before they were recorded.
import { z } from 'zod';
import { bypassFactsSchema } from './bypass.ts';
import { artifactFileSchema, evidenceFileSchema } from './evidence.ts';

const time = z.iso.datetime({ precision: 3 });
const index = z.int().nonnegative().describe('index of the entry in the audit log');

const common = {
  request: z.string(),
  repository: z.string().nullable(),
  at: time,
  entries: z.array(index).describe('all entries of the log about it, in order'),
};

const ref = z.object({
  ref: z.string().describe('masked'),
  old: z.string(),
  new: z.string(),
  change: z.string().nullable().describe('create, update, force or delete; null where it was not decided'),
});

const decision = z.object({
  index,
  at: time,
  verdict: z.string(),
  rules: z.array(z.object({ rule: z.string(), action: z.string() })),
  exceptions: z.array(z.string()).describe('exceptions of the policy that excused findings'),
  policyDigest: z.string().describe('SHA-256 of the policy in force'),
  approval: z.string().nullable().describe('the approval that let it go on'),
});

/** A finding as the entry of a decision has it, and as it is shown. */
export const replayedFinding = z.object({
  rule: z.string(),
  identifier: z.string(),
  severity: z.string(),
  place: z.string(),
  path: z.string(),
  line: z.int(),
  column: z.int(),
  commit: z.string().nullable(),
  masked: z.string(),
});

const approvalStep = z.object({
  index,
  at: time,
  action: z.string(),
  by: z.string().nullable().describe('null where the guard moved it'),
  decision: z.string().nullable(),
  reason: z.string().nullable(),
});

const changes = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('kept'),
    digest: z.string().describe('SHA-256 of the document, the same as in the log'),
    total: z.int(),
    files: z.array(evidenceFileSchema).readonly(),
  }),
  z.object({ kind: z.literal('gone'), digest: z.string() }).describe('not kept any more'),
  z.object({ kind: z.literal('destroyed'), digest: z.string() }).describe('destroyed under an approval'),
  z
    .object({ kind: z.literal('changed'), digest: z.string() })
    .describe('what is kept is not what was recorded; it is not shown'),
  z.object({ kind: z.literal('missing'), why: z.string() }).describe('none was kept'),
]);

const pushStep = z.object({
  kind: z.literal('push'),
  ...common,
  address: z.string().nullable(),
  userAgent: z.string().nullable(),
  refs: z.array(ref),
  refCount: z.int(),
  refLists: z
    .array(z.string())
    .default([])
    .describe('SHA-256 of the parts of the whole list, where it was too long for the entry'),
  decisions: z.array(decision).describe('two where it was held and then approved'),
  findings: z.array(replayedFinding).describe('those that the entry holds; findingCount counts all'),
  findingCount: z.int(),
  changes,
  approval: z.array(approvalStep),
  outcome: z.string().describe('open, held, forwarded, refused or unknown'),
  why: z.string().nullable().describe('code of a refusal'),
  endedAt: time.nullable(),
});

const fetchStep = z.object({
  kind: z.literal('fetch'),
  ...common,
  command: z.string().nullable(),
  address: z.string().nullable(),
  outcome: z.enum(['served', 'refused']),
  why: z.string().nullable(),
});

/** What is told of a log or artifact that the guard looked at, at the upstream. */
const lookedAt = {
  ...common,
  run: z.int().nullable().describe('of the workflow'),
  attempt: z.int().nullable(),
  item: z.int().nullable().describe('id of the job or of the artifact'),
  title: z.string().nullable().describe('of the job or of the artifact; masked'),
  head: z.string().nullable().describe('the commit that it ran for'),
  decisions: z.array(decision),
  findings: z.array(replayedFinding).describe('those that the entry holds; findingCount counts all'),
  findingCount: z.int(),
  bytes: z.int().nullable().describe('that were looked at'),
  isCut: z.boolean().describe('whether there was more, which nobody looked at'),
  exposedSince: z.string().nullable().describe('when the first value could be read by others'),
  exposedUntil: z.string().nullable().describe('when it was deleted; null where it was not'),
  deletion: z.enum(['none', 'began', 'failed', 'done']),
  why: z.string().nullable().describe('why nobody could look at it'),
};

const logStep = z.object({
  kind: z.literal('log'),
  ...lookedAt,
  recording: z
    .object({
      digests: z.array(z.string()).describe('SHA-256 of its parts, as in the log'),
      isWhole: z.boolean(),
    })
    .nullable()
    .describe('the redacted copy, which `/sessions/:id/recordings/:request` plays; null where none was kept'),
});

const fileList = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('kept'),
    digest: z.string().describe('SHA-256 of the document, the same as in the log'),
    total: z.int(),
    files: z.array(artifactFileSchema).readonly(),
  }),
  z.object({ kind: z.enum(['gone', 'destroyed', 'changed']), digest: z.string() }),
  z.object({ kind: z.literal('missing') }),
]);

const artifactStep = z.object({ kind: z.literal('artifact'), ...lookedAt, files: fileList });

const deployStep = z.object({
  kind: z.literal('deploy'),
  ...common,
  environment: z.string().nullable().describe('masked'),
  run: z.int().nullable().describe('of the workflow'),
  commit: z.string().nullable(),
  ref: z.string().nullable().describe('masked'),
  decisions: z.array(decision).describe('two where it was held and then approved'),
  approval: z.array(approvalStep),
  outcome: z.string().describe('open, held, forwarded or refused'),
  why: z.string().nullable().describe('code of a refusal'),
  endedAt: time.nullable(),
});

const bypassStep = z.object({
  kind: z.literal('bypass'),
  ...common,
  ...bypassFactsSchema.shape,
  pusher: z.string().nullable().describe('how GitHub calls whoever pushed, where that is not the account'),
  deployKeys: z.array(z.int()).describe('deploy keys that may write and were used at about that time'),
  ref: z.string().nullable().describe('masked'),
  old: z.string().nullable(),
  new: z.string().nullable(),
  change: z.string().nullable().describe('create, update, force or delete'),
  commits: z.int().nullable(),
  files: z.int().nullable().describe('that were looked at'),
  scan: z
    .enum(['done', 'failed', 'open', 'none'])
    .describe('`open`: it is not done yet; `none`: a deletion brings nothing'),
  why: z.string().nullable().describe('why it could not be scanned'),
  scannedAt: time.nullable(),
  decisions: z.array(decision).describe('what the policy would have said'),
  findings: z.array(replayedFinding).describe('those that the entry holds; findingCount counts all'),
  findingCount: z.int(),
  foundBefore: z.int().describe('findings in the same files that were there before'),
});

export const replayStepSchema = z
  .discriminatedUnion('kind', [pushStep, fetchStep, logStep, artifactStep, deployStep, bypassStep])
  .meta({ id: 'ReplayStep' });
export type ReplayStep = z.output<typeof replayStepSchema>;
export type PushStep = z.output<typeof pushStep>;
export type FetchStep = z.output<typeof fetchStep>;
export type DeployStep = z.output<typeof deployStep>;
export type BypassStep = z.output<typeof bypassStep>;
export type LogStep = z.output<typeof logStep>;
export type ArtifactStep = z.output<typeof artifactStep>;

export interface ReplayPage {
  readonly steps: readonly ReplayStep[];
  /** What to give as `after` for the next page; null on the last. */
  readonly next: number | null;
}

export interface ReplayService {
  /** Steps of a session in order, from behind the entry `after`; those of repositories that are not to be shown are left out. */
  replay(
    session: string,
    mayShow: (repository: string | null) => boolean,
    after: number,
    limit: number,
  ): Promise<ReplayPage>;
  /**
   * The redacted log of a request of a session as an asciicast of version 2, line by line. Rejects with
   * `session/no-recording` where none is kept or none may be shown; what fails later ends the lines.
   */
  recording(
    session: string,
    request: string,
    mayShow: (repository: string | null) => boolean,
  ): Promise<AsyncIterable<string>>;
}
