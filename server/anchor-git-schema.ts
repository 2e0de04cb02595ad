// The schema of `audit.anchor.git` in `forgeguard.yaml`.
import { z } from 'zod';
import { closed } from '../core/schema.ts';
import { isPlainRemote } from './address.ts';
import { baseUrl, fileName } from './config-values.ts';
import { credentialSchema } from './credential-schema.ts';

/** As git check-ref-format has it, and shorter. */
const branchName = /^(?!.*(?:\.\.|\/\/|\.lock(?:\/|$)|\/\.|\.$))[A-Za-z0-9][A-Za-z0-9._/-]{0,200}(?<!\/)$/;

export const anchorGitSchema = closed({
  url: baseUrl.describe('URL of the repository, such as `https://git.example.org/audit/anchors.git`'),
  branch: z
    .string()
    .regex(branchName, 'expected the name of a branch, such as anchors')
    .default('anchors')
    .describe('branch that gets a commit with each anchored checkpoint'),
  credential: credentialSchema.refine(
    ({ mode }) => mode !== 'passthrough',
    'nobody is there whose credential could be passed on',
  ),
  caFile: fileName.optional().describe('PEM file with the certificate authorities of the server'),
  dangerouslyAllowPlainHttp: z
    .boolean()
    .default(false)
    .describe('allows http to another machine: the credential crosses the network in the clear'),
})
  .superRefine(({ url, dangerouslyAllowPlainHttp }, context) => {
    const message = 'http to another machine is refused: use https, or set `dangerouslyAllowPlainHttp: true`';
    if (isPlainRemote(url) && !dangerouslyAllowPlainHttp)
      context.addIssue({ code: 'custom', path: ['url'], message });
  })
  .optional()
  .describe('Git repository that gets a commit with each anchored checkpoint');
export type AnchorGitDocument = NonNullable<z.output<typeof anchorGitSchema>>;
