// The schema of `policy.yaml`: strict, and every key carries its documentation.
import { z } from 'zod';
import { identifiers, severities } from '../../scanners/finding.ts';
import { formatDuration } from '../duration.ts';
import { operations, refUpdateKinds, signatureStates } from '../operation.ts';
import { closed, byteSize, duration, glob, oneOrMany } from '../schema.ts';
import { authorsOff, authorsSchema } from './authors-schema.ts';

const ruleId = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9._-]{0,99}$/,
    'an id is written with a-z, 0-9, ".", "_" and "-", at most 100 characters',
  );

const globs = oneOrMany(glob, 'a pattern');
const words = oneOrMany(z.string().min(1).max(200), 'a text');

const actor = closed({
  kind: oneOrMany(z.enum(['agent', 'human', 'workload']), 'a kind of actor')
    .optional()
    .describe('`agent`, `human` or `workload` (a build or another machine)'),
  id: globs.optional().describe('globs over the id, such as `agent:release-*`'),
  groups: words.optional().describe('groups of which the actor is a member of at least one'),
  onBehalfOf: globs
    .optional()
    .describe('globs over the ids of those for whom the actor acts, at any distance'),
});

const paths = z
  .union(
    [
      glob.transform((pattern) => ({ path: [pattern], count: undefined })),
      closed({
        path: globs.optional().describe('globs over the path, from the root of the repository'),
        change: oneOrMany(z.enum(['add', 'modify', 'delete']), 'a kind of change')
          .optional()
          .describe('`add`, `modify` or `delete`'),
        mode: oneOrMany(z.enum(['file', 'executable', 'symlink', 'submodule']), 'a mode')
          .optional()
          .describe('what the path is after the change: `file`, `executable`, `symlink` or `submodule`'),
        count: z
          .int()
          .min(1)
          .max(250_000)
          .optional()
          .describe('matches only where at least so many changed paths do'),
      }),
    ],
    { error: 'expected a pattern or a mapping with `path`, `change`, `mode` and `count`' },
  )
  .describe('changed paths');

const findings = closed({
  category: oneOrMany(z.enum(['phi', 'secret', 'policy']), 'a category')
    .optional()
    .describe('`phi`, `secret` or `policy`'),
  rule: globs.optional().describe('globs over the scanner rule, such as `aws/*`'),
  identifier: oneOrMany(z.enum(identifiers), 'an identifier').optional().describe('HIPAA Safe Harbor kinds'),
  path: globs.optional().describe('globs over the path in which the value was found'),
  severity: z.enum(severities).optional().describe('the least severity'),
  confidence: z.number().min(0).max(1).optional().describe('the least confidence, 0 to 1'),
});

const size = closed({
  bytes: byteSize.optional().describe('more bytes than this, such as `50MiB`'),
  objects: z.int().min(0).optional().describe('more objects than this'),
  commits: z.int().min(0).optional().describe('more commits than this'),
});

const subject = {
  operation: oneOrMany(z.enum(operations), 'an operation').optional().describe('what is done'),
  actor: oneOrMany(actor, 'a mapping').optional().describe('who does it'),
  repository: globs.optional().describe('globs over `<forge>/<owner>/…/<repo>`'),
  ref: globs
    .optional()
    .describe('`default-branch`, globs over branch names, or globs over full names that begin with `refs/`'),
  refUpdate: oneOrMany(z.enum(refUpdateKinds), 'a kind of ref update')
    .optional()
    .describe('`create`, `update` (fast-forward), `force` or `delete`'),
  paths: oneOrMany(paths, 'a pattern or mapping').optional().describe('changed paths'),
  findings: oneOrMany(findings, 'a mapping').optional().describe('what the scanners found'),
  environment: globs
    .optional()
    .describe('globs over the environment that is deployed to; letter case has no meaning'),
};

const when = closed({
  ...subject,
  size: oneOrMany(size, 'a mapping')
    .optional()
    .describe('size of what is sent; every number given must be exceeded'),
  authorMismatch: z.boolean().optional().describe('whether authors or committers are strangers to the actor'),
  signature: oneOrMany(z.enum(signatureStates), 'a state')
    .optional()
    .describe('`good`, `bad`, `unknown`, `expired` or `none`: the signature of some new commit or tag'),
  mergeApproved: z
    .boolean()
    .optional()
    .describe('of a deployment: whether people approved the merge of exactly its commit'),
  not: closed(subject)
    .optional()
    .describe('each key takes away what it matches; the rule applies to what is left'),
}).superRefine((value, context) => {
  for (const [index, { count }] of (value.not?.paths ?? []).entries()) {
    if (count === undefined) continue;
    context.addIssue({
      code: 'custom',
      path: ['not', 'paths', index, 'count'],
      message: '`count` asks for many paths and cannot take single ones away; write it under `paths`',
    });
  }
  if (value.not?.findings !== undefined && value.findings === undefined) {
    context.addIssue({
      code: 'custom',
      path: ['not', 'findings'],
      message: '`not.findings` takes findings away from those that `findings` matches; write `findings` too',
    });
  }
});

const approver = z
  .string()
  .max(300)
  .superRefine((text, context) => {
    if (/^(agent|workload):/.test(text)) {
      context.addIssue({
        code: 'custom',
        continue: false,
        message: 'an approver is a human or a group, never an agent or a workload',
      });
    } else if (!/^[^\s:]+:\S+$/.test(text)) {
      context.addIssue({
        code: 'custom',
        continue: false,
        message: 'an approver is written `group:NAME` or as a principal id such as `human:ada`',
      });
    }
  });

const escalation = closed({
  to: oneOrMany(approver, 'an approver').describe('`group:NAME` or ids of people; they may approve as well'),
  after: duration({ least: '1m', most: '30d' }).describe('how long the request waits for the others before'),
});

const approval = closed({
  approvers: oneOrMany(approver, 'an approver')
    .default(['group:reviewers'])
    .describe('`group:NAME` or ids of people; anyone of them may approve'),
  count: z.int().min(1).max(20).default(1).describe('how many different people must approve'),
  expires: duration({ least: '1m', most: '30d' }).default(86_400).describe('how long the request waits'),
  escalate: escalation.optional().describe('who may approve as well where nobody does in time, and when'),
}).superRefine((hold, context) => {
  const people = new Set([...hold.approvers, ...(hold.escalate?.to ?? [])]);
  const hasGroup = [...people].some((each) => each.startsWith('group:'));
  if (hold.escalate !== undefined && hold.escalate.after >= hold.expires) {
    context.addIssue({
      code: 'custom',
      path: ['escalate', 'after'],
      message: `must be shorter than \`expires\`, which is ${formatDuration(hold.expires)}`,
    });
  }
  if (hold.escalate?.to.every((each) => hold.approvers.includes(each)) === true) {
    context.addIssue({
      code: 'custom',
      path: ['escalate', 'to'],
      message: 'everybody named here may approve from the beginning',
    });
  }
  if (!hasGroup && hold.count > people.size) {
    context.addIssue({
      code: 'custom',
      path: ['count'],
      message: `${hold.count} people can never approve where only ${people.size} may`,
    });
  }
});

const thenError =
  'expected allow, redact, deny, hold or a mapping `hold: {approvers, count, expires, escalate}`';
const then = z.union(
  [
    z.literal('allow').transform(() => ({ kind: 'allow' }) as const),
    z.literal('redact').transform(() => ({ kind: 'redact' }) as const),
    z.literal('deny').transform(() => ({ kind: 'deny' }) as const),
    z.literal('hold').transform(() => ({ kind: 'hold', ...approval.parse({}) }) as const),
    closed({ hold: approval }).transform(({ hold }) => ({ kind: 'hold', ...hold }) as const),
  ],
  { error: thenError },
);

const rule = closed({
  id: ruleId.describe('unique name of the rule; it stands in every refusal and audit entry'),
  when: when.describe('what the rule applies to; all keys must hold'),
  // oxlint-disable-next-line unicorn/no-thenable -- the key is part of the policy's format and is no function
  then: then.describe('`allow`, `redact`, `deny`, `hold` or `hold: {approvers, count, expires, escalate}`'),
  message: z.string().min(1).max(1_000).optional().describe('a sentence for the one who must act'),
  monitor: z.boolean().default(false).describe('`true`: recorded and told, not enforced'),
});

const expiry = z
  .union([z.string(), z.never()], { error: 'expected a date such as 2027-01-31' })
  .transform((text, context) => {
    const date = readExpiry(text);
    if (date !== undefined) return date;
    context.addIssue({
      code: 'custom',
      message: 'expected a date such as 2027-01-31 or a time such as 2027-01-31T12:00:00Z',
    });
    return z.NEVER;
  });

/** A date stands for its end in UTC: the exception holds the whole day. */
function readExpiry(text: string): Date | undefined {
  const day = z.iso.date().safeParse(text);
  if (day.success) return new Date(Date.parse(`${day.data}T00:00:00Z`) + 86_400_000);
  const moment = z.iso.datetime({ offset: true }).safeParse(text);
  return moment.success ? new Date(moment.data) : undefined;
}

const exception = closed({
  id: ruleId.describe('unique name of the exception'),
  fingerprint: oneOrMany(
    z
      .string()
      .regex(/^[0-9a-f]{32}$/, 'a fingerprint has 32 hex digits; a refusal shows it beside each finding'),
    'a fingerprint',
  )
    .optional()
    .describe('fingerprints of the values that are excused'),
  path: globs.optional().describe('globs over the path in which the value was found'),
  rule: globs
    .optional()
    .describe('globs over the scanner rule; needed to excuse findings of category `policy`'),
  repository: globs.optional().describe('globs over the repository; all repositories without it'),
  reason: z.string().min(1).max(1_000).describe('why the findings are harmless'),
  owner: z.string().min(1).max(200).describe('the person who answers for it'),
  expires: expiry.describe('last day (UTC), or the exact time, until which it holds'),
}).superRefine((value, context) => {
  if (value.fingerprint === undefined && value.path === undefined) {
    context.addIssue({ code: 'custom', message: 'an exception names a `fingerprint` or a `path`' });
  }
});

/** Exceptions in a file of their own, as policies hold them. */
export const baselineSchema = closed({
  version: z.literal(1).optional().describe('version of this format; 1'),
  exceptions: z.array(exception).max(10_000).describe('findings that are excused for a time'),
});

export const policySchema = closed({
  version: z.literal(1).optional().describe('version of this format; 1'),
  rules: z.array(rule).max(1_000).describe('all rules that match apply; the strongest action wins'),
  authors: authorsSchema.default(authorsOff).describe('whose names and keys commits and tags may bear'),
  exceptions: z.array(exception).max(10_000).default([]).describe('findings that are excused for a time'),
}).superRefine((policy, context) => {
  for (const list of ['rules', 'exceptions'] as const) {
    const seen = new Set<string>();
    for (const [index, { id }] of policy[list].entries()) {
      if (seen.has(id)) {
        context.addIssue({
          code: 'custom',
          path: [list, index, 'id'],
          message: `the id \`${id}\` is used twice`,
        });
      }
      seen.add(id);
    }
  }
});
