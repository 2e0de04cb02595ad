// The schema of `identity.certificates`: which client certificate stands for whom, and what it may do.
import { z } from 'zod';
import { verbs } from '../core/principal.ts';
import { closed, glob, oneOrMany } from '../core/schema.ts';

const principalId = z
  .string()
  .regex(
    /^(agent|human|workload):[A-Za-z0-9][A-Za-z0-9._@+/-]{0,199}$/,
    'expected an id such as human:ada@example.org',
  );

const certificateRule = closed({
  uri: glob
    .optional()
    .describe('glob over the one URI in subjectAltName, such as `spiffe://example.org/agents/*`'),
  dns: glob.optional().describe('glob over a DNS name in subjectAltName'),
  subject: glob.optional().describe('glob over the subject, written `CN=coder, O=Example`'),
  principal: z
    .string()
    .regex(
      /^(agent|human|workload):(?:[A-Za-z0-9._@+/-]|\{name\}){1,200}$/,
      'expected an id such as agent:coder or agent:{name}',
    )
    .describe(
      'whom it stands for; `{name}` is the last part of the URI, the first of the DNS name, or the CN',
    ),
  owner: principalId.describe('the person who answers for it'),
  onBehalfOf: z.array(principalId).max(20).default([]).describe('for whom it acts, nearest first'),
  groups: z.array(z.string().min(1).max(200)).max(100).default([]).describe('groups of which it is a member'),
  scopes: z
    .array(
      closed({
        repository: glob.describe('glob over `<forge>/<owner>/…/<repo>`'),
        verbs: z.array(z.enum(verbs)).min(1).describe('what it may do there'),
        refs: oneOrMany(glob, 'a pattern')
          .optional()
          .describe('globs over full ref names that it may push to'),
      }),
    )
    .min(1)
    .max(100)
    .describe('what it may do'),
}).superRefine((rule, context) => {
  if ([rule.uri, rule.dns, rule.subject].filter((value) => value !== undefined).length !== 1)
    context.addIssue({ code: 'custom', message: 'write one of `uri`, `dns` and `subject`' });
});

export const certificateRules = z
  .array(certificateRule)
  .max(1_000)
  .default([])
  .describe('whom client certificates stand for; the first that matches counts');
export type CertificateRule = Readonly<z.output<typeof certificateRule>>;
