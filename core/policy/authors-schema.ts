// The schema of `authors` in `policy.yaml`: whose names and keys commits and tags may bear. Public keys stand in the
// policy itself, so that its digest covers them.
import { z } from 'zod';
import { closed, glob, oneOrMany } from '../schema.ts';
import { placeholderPattern, placeholders } from './author-address.ts';
import { readPgpKey, readSshKey } from './signing-key.ts';

const domain = z
  .string()
  .max(253)
  .regex(/^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)+$/, 'expected a domain such as example.org or *.example.org')
  .describe('a domain, or `*.` before it for all below it');

const address = z
  .string()
  .max(320)
  .superRefine((text, context) => {
    const filled = text.replaceAll(placeholderPattern, 'x');
    if (/[{}]/.test(filled)) {
      const known = placeholders.map((name) => `{${name}}`).join(', ');
      context.addIssue({ code: 'custom', message: `what stands in braces must be one of ${known}` });
    } else if (!/^[^\s<>@]*@?[^\s<>@]+$/.test(filled) || (!filled.includes('@') && filled === text)) {
      context.addIssue({ code: 'custom', message: 'expected an e-mail address such as bot@example.org' });
    }
  });

const identity = closed({
  principal: oneOrMany(glob, 'a pattern').describe('globs over ids, such as `agent:release-bot`'),
  emails: z
    .array(address)
    .min(1)
    .max(100)
    .describe('addresses; `{name}` is what stands behind the kind in the id, `{subject}` the subject'),
  names: z
    .array(z.string().min(1).max(200))
    .max(20)
    .optional()
    .describe('names that its commits may bear; any without it'),
});

const keyMoment = z.iso
  .datetime({ offset: true, error: 'expected a time such as 2027-01-31T12:00:00Z' })
  .transform((text) => new Date(text));

const signer = closed({
  id: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,99}$/, 'an id is written with a-z, 0-9, ".", "_" and "-"')
    .describe('what audit entries call it'),
  principal: oneOrMany(glob, 'a pattern')
    .optional()
    .describe('globs over the ids of those who sign with these keys'),
  forge: z
    .boolean()
    .default(false)
    .describe(
      'true: a forge signs with it, such as merges made on its pages; what it signed is not compared',
    ),
  ssh: z
    .array(
      z.string().transform((text, context) => {
        const key = readSshKey(text);
        if (key !== undefined) return key;
        context.addIssue({
          code: 'custom',
          message: 'expected an OpenSSH public key such as `ssh-ed25519 AAAA…`',
        });
        return z.NEVER;
      }),
    )
    .max(100)
    .default([])
    .describe('OpenSSH public keys, as in a `.pub` file'),
  gpg: z
    .array(
      z
        .string()
        .max(1_000_000)
        .transform((text, context) => {
          const key = readPgpKey(text);
          if (key !== undefined) return key;
          context.addIssue({
            code: 'custom',
            message: 'expected one OpenPGP public key of version 4, as `gpg --armor --export` prints it',
          });
          return z.NEVER;
        }),
    )
    .max(100)
    .default([])
    .describe('OpenPGP public keys, armoured'),
  validUntil: keyMoment.optional().describe('from then on its signatures count as expired'),
}).superRefine((value, context) => {
  if (value.ssh.length + value.gpg.length === 0) {
    context.addIssue({ code: 'custom', message: 'a signer has keys: write `ssh` or `gpg`' });
  }
  if (value.forge === (value.principal !== undefined)) {
    context.addIssue({
      code: 'custom',
      message: 'a signer is somebody (`principal`) or a forge (`forge: true`)',
    });
  }
});

export const authorsSchema = closed({
  mode: z
    .enum(['strict', 'domain', 'off'])
    .describe(
      '`strict`: authors, committers and taggers are the actor or somebody for whom it acts; `domain`: or anybody of `domains`; `off`',
    ),
  domains: z.array(domain).max(1_000).default([]).describe('domains whose addresses pass in mode `domain`'),
  identities: z.array(identity).max(10_000).default([]).describe('which addresses belong to whom'),
  signers: z.array(signer).max(1_000).default([]).describe('whose signatures are known'),
  acceptSigned: z
    .boolean()
    .default(false)
    .describe('true: commits of others pass where they are signed with a key of their author'),
}).superRefine((value, context) => {
  if (value.mode === 'domain' && value.domains.length === 0) {
    context.addIssue({ code: 'custom', path: ['mode'], message: 'mode `domain` needs `domains`' });
  }
  const seen = new Set<string>();
  for (const [index, { id, ssh, gpg }] of value.signers.entries()) {
    for (const text of [`id ${id}`, ...[...ssh, ...gpg].map((key) => `key ${key.fingerprint}`)]) {
      if (seen.has(text))
        context.addIssue({ code: 'custom', path: ['signers', index], message: `the ${text} is used twice` });
      seen.add(text);
    }
  }
});

/** What is in force where a policy says nothing about authors: nothing is compared. */
export const authorsOff = authorsSchema.parse({ mode: 'off' });

/** `authors` of a policy, read. */
export type AuthorsPolicy = Readonly<z.output<typeof authorsSchema>>;
