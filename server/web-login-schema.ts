// How people sign in, as it stands in `forgeguard.yaml`: `identity.web`, `identity.saml` and `identity.scim`.
import { z } from 'zod';
import { parseDuration } from '../core/duration.ts';
import { roles } from '../core/role.ts';
import { closed, duration, glob, oneOrMany } from '../core/schema.ts';
import { isPlainRemote, parseBaseUrl } from './address.ts';
import { fileName, secretRef } from './config-values.ts';

const groupName = z.string().min(1).max(200);

const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'a name is written with a-z, 0-9 and "-", at most 32 characters')
  .describe('name in URLs and in the audit log');
const label = z
  .string()
  .min(1)
  .max(80)
  .optional()
  .describe('what people read on the button; default: the name');
const domains = z
  .array(z.string().regex(/^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$/, 'expected a domain such as example.org'))
  .max(100)
  .default([])
  .describe(
    'e-mail domains that this provider speaks for; only in these it names people by their address, others by its own name and their subject',
  );

const plainProblem = 'http to another machine is refused: use https';

const oidcLogin = closed({
  name,
  label,
  issuer: z
    .string()
    .refine((text) => parseBaseUrl(text) !== undefined, 'expected an http or https URL')
    .refine((text) => !URL.canParse(text) || !isPlainRemote(new URL(text)), plainProblem)
    .describe('issuer URL, as the provider writes it in its tokens'),
  clientId: z.string().min(1).max(500).describe('the guard’s client id at the provider'),
  clientSecret: secretRef.optional().describe('the client secret; without it the client is public'),
  scopes: z
    .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/, 'expected a scope such as profile'))
    .max(30)
    .default(['openid', 'profile', 'email'])
    .describe('scopes that are asked for; `openid` always is'),
  groupsClaim: z.string().min(1).max(200).default('groups').describe('claim with the names of groups'),
  acrValues: z
    .array(z.string().regex(/^[\x21-\x7e]{1,200}$/, 'expected a value without spaces'))
    .max(10)
    .default([])
    .describe('authentication contexts of which one is demanded, such as one with a second factor'),
  domains,
  caFile: fileName.optional().describe('PEM file with the certificate authorities of the provider'),
});
export type OidcLoginDocument = z.output<typeof oidcLogin>;

const samlLogin = closed({
  name,
  label,
  issuer: z.string().min(1).max(1_024).describe('entity id of the identity provider'),
  signInUrl: z
    .url({ protocol: /^https?$/ })
    .refine((text) => !isPlainRemote(new URL(text)), plainProblem)
    .describe('its single sign-on URL (HTTP-Redirect binding)'),
  certificateFile: oneOrMany(fileName, 'a file name').describe(
    'PEM file with its signing certificate; several while it changes the key',
  ),
  entityId: z
    .string()
    .min(1)
    .max(1_024)
    .optional()
    .describe('entity id of the guard; default: the URL of its metadata'),
  emailAttribute: z.string().min(1).max(300).default('email').describe('attribute with the e-mail address'),
  nameAttribute: z.string().min(1).max(300).default('displayName').describe('attribute with the name'),
  groupsAttribute: z
    .string()
    .min(1)
    .max(300)
    .default('groups')
    .describe('attribute with the names of groups'),
  domains,
});
export type SamlLoginDocument = z.output<typeof samlLogin>;

export const samlSchema = z.array(samlLogin).max(20).default([]).describe('SAML 2.0 identity providers');

export const webSchema = closed({
  oidc: z.array(oidcLogin).max(20).default([]).describe('OpenID Connect providers'),
  roles: z
    .array(
      closed({
        role: z.enum(roles).describe('`agent-owner`, `reviewer`, `security-admin` or `auditor`'),
        groups: oneOrMany(groupName, 'a group').describe('groups whose members have it'),
        repositories: z
          .array(glob)
          .min(1)
          .default(['**'])
          .describe('globs over `<forge>/<owner>/…/<repo>` where they have it'),
      }),
    )
    .max(200)
    .default([])
    .describe('which groups have which roles'),
  memberGroups: z
    .array(groupName)
    .max(200)
    .default([])
    .describe('groups of which everybody must have one: who has none any more is offboarded'),
  session: closed({
    idle: duration({ least: '1m', most: '24h' })
      .default(parseDuration('30m') ?? 0)
      .describe('a session ends after this time without a request'),
    absolute: duration({ least: '5m', most: '7d' })
      .default(parseDuration('12h') ?? 0)
      .describe('a session ends after this time, whatever happens'),
  }).prefault({}),
});

export const scimSchema = closed({
  token: secretRef.describe('Bearer token of the directory that manages people; 32 characters or more'),
});
