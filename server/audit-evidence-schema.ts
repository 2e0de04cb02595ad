// The schema of what bears the audit log out from elsewhere: `audit.anchor` and `audit.timestamp` in `forgeguard.yaml`.
import { parseDuration } from '../core/duration.ts';
import { closed, duration } from '../core/schema.ts';
import { anchorGitSchema } from './anchor-git-schema.ts';
import { isPlainRemote } from './address.ts';
import { baseUrl, fileName } from './config-values.ts';
import { s3Place, s3PlaceFaults } from './s3-schema.ts';
import { z } from 'zod';

/** Six years, as long as entries are kept at least. */
const lockDays = 2_192;

export const anchorSchema = closed({
  directory: fileName.optional().describe('directory that gets a file with each anchored checkpoint'),
  s3: closed({
    ...s3Place,
    lockDays: z
      .int()
      .min(0)
      .max(36_525)
      .default(lockDays)
      .describe(
        'days for which nobody can delete or change the object (Object Lock, compliance); `0`: no lock',
      ),
    caFile: fileName.optional().describe('PEM file with the certificate authorities of the store'),
    dangerouslyAllowPlainHttp: z
      .boolean()
      .default(false)
      .describe('allows an `endpoint` on another machine without TLS'),
  })
    .superRefine((place, context) => {
      for (const [path, message] of s3PlaceFaults(place))
        context.addIssue({ code: 'custom', path: [path], message });
      if (place.endpoint !== undefined && isPlainRemote(place.endpoint) && !place.dangerouslyAllowPlainHttp) {
        const message =
          'http to another machine is refused: use https, or set `dangerouslyAllowPlainHttp: true`';
        context.addIssue({ code: 'custom', path: ['endpoint'], message });
      }
    })
    .optional()
    .describe('bucket that gets an object with each anchored checkpoint'),
  git: anchorGitSchema,
  every: duration({ least: '1m', most: '7d' })
    .default(parseDuration('1h') ?? 0)
    .describe('how often'),
})
  .superRefine((anchor, context) => {
    if (anchor.directory === undefined && anchor.s3 === undefined && anchor.git === undefined)
      context.addIssue({
        code: 'custom',
        message: 'name a `directory`, a bucket in `s3`, or a repository in `git`',
      });
  })
  .optional()
  .describe('where checkpoints are kept besides the database');

/** A sentence for each place that is reached in the clear. */
export function anchorWeakenings(anchor: z.output<typeof anchorSchema>): readonly string[] {
  const plain = [
    ...(anchor?.git !== undefined && isPlainRemote(anchor.git.url) ? ['repository'] : []),
    ...(anchor?.s3?.endpoint !== undefined && isPlainRemote(anchor.s3.endpoint) ? ['bucket'] : []),
  ];
  return plain.map(
    (place) => `the ${place} for anchors is reached by plain http: its credential can be read on the network`,
  );
}

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
