// The schema of `identity.issuers`: whose tokens the guard trusts, and whom they stand for.
import { z } from 'zod';
import { parseDuration } from '../core/duration.ts';
import { compileGlobs, GlobError } from '../core/glob.ts';
import { nearestName } from '../core/nearest-name.ts';
import { verbs } from '../core/principal.ts';
import { closed, duration, glob, oneOrMany } from '../core/schema.ts';
import { isPlainRemote } from './address.ts';
import { claimsIn, withPlaceholders } from './claim-template.ts';
import { baseUrl, fileName } from './config-values.ts';
import { commonClaims, issuerProfileNames, type IssuerProfileName, profileOf } from './issuer-profiles.ts';
import { tokenAlgorithms } from './issuer-types.ts';

const template = z.string().min(1).max(500);

/** A glob in which claims may be named. */
const globTemplate = template.superRefine((text, context) => {
  try {
    compileGlobs([withPlaceholders(text, 'x')]);
  } catch (error) {
    if (!(error instanceof GlobError)) throw error;
    context.addIssue({ code: 'custom', message: error.message });
  }
});

const name = template.regex(
  /^(?!(?:agent|human|workload):)(?:[A-Za-z0-9._@+/-]|\{[^{}]*\})+$/,
  'a name is made of letters, digits, ".", "_", "@", "+", "/", "-" and claims such as {sub}; its kind is the key',
);
const principalId = template.regex(
  /^(?:agent|human|workload):(?:[A-Za-z0-9._@+/-]|\{[^{}]*\})+$/,
  'expected an id such as human:ada@example.org or human:{email}',
);

/** A value of a claim; numbers and truth values are what they are written as. */
const pattern = z
  .union([glob, z.number(), z.boolean()], {
    error: 'expected a text with "*" for anything, a number, true or false',
  })
  .transform(String);

const scope = closed({
  repository: globTemplate.describe('glob over `<forge>/<owner>/…/<repo>`; may name claims'),
  verbs: z.array(z.enum(verbs)).min(1).max(verbs.length).describe('what may be done there'),
  refs: z
    .array(globTemplate)
    .min(1)
    .max(50)
    .optional()
    .describe('globs over the refs that may be pushed to; may name claims; all where left out'),
});

const rule = closed({
  when: z
    .record(z.string().min(1).max(200), oneOrMany(pattern, 'a value'))
    .default({})
    .describe('values of claims, all of which must match: texts with `*`, or lists of which one must match'),
  agent: name
    .optional()
    .describe('name of the agent that the token stands for; may name claims: `{repository}`'),
  human: name.optional().describe('or name of the person'),
  workload: name.optional().describe('or name of the build or machine'),
  onBehalfOf: oneOrMany(principalId, 'an id')
    .default([])
    .describe('for whom it acts, nearest first: ids such as `human:{actor}`'),
  owner: principalId
    .optional()
    .describe('who answers for it; where left out the last of `onBehalfOf`, or the person itself'),
  groups: oneOrMany(template, 'a group')
    .default([])
    .describe('its groups; `{groups}` stands for all of a claim'),
  scopes: z.array(scope).min(1).max(50).describe('what the token may be used for'),
}).superRefine((value, context) => {
  const kinds = (['agent', 'human', 'workload'] as const).filter((kind) => value[kind] !== undefined);
  const issue = (message: string): void => context.addIssue({ code: 'custom', message });
  if (kinds.length !== 1) issue('a rule names exactly one of `agent`, `human` and `workload`');
  if (value.human === undefined && value.owner === undefined && value.onBehalfOf.length === 0)
    issue('an agent or workload needs an `owner` or `onBehalfOf`: somebody answers for it');
});
export type RuleDocument = z.output<typeof rule>;

const spiffeId = /^spiffe:\/\/[a-z0-9._-]{1,255}$/;

const shape = closed({
  issuer: z
    .string()
    .max(2_000)
    .refine(
      (text) => spiffeId.test(text) || (/^https?:\/\//.test(text) && URL.canParse(text)),
      'expected a URL as tokens have it in `iss`, or spiffe://TRUST-DOMAIN',
    )
    .optional()
    .describe('as its tokens have it in `iss`, or `spiffe://<trust domain>`'),
  profile: z.enum(issuerProfileNames).default('generic').describe('what is known about its tokens'),
  audience: oneOrMany(z.string().min(1).max(2_000), 'an audience').describe(
    'what its tokens must have in `aud`: a name of this guard, and of nothing else',
  ),
  jwksUri: baseUrl.optional().describe('where its keys are; found by discovery where left out'),
  jwksFile: fileName.optional().describe('or a file with its keys: a JWKS, or a SPIFFE trust bundle'),
  caFile: fileName.optional().describe('PEM file with the certificate authorities of the issuer'),
  algorithms: z
    .array(z.enum(tokenAlgorithms))
    .min(1)
    .default([...tokenAlgorithms])
    .describe('signatures that are accepted; none of them with a shared secret'),
  clockSkew: duration({ least: '0s', most: '5m' })
    .default(parseDuration('30s') ?? 0)
    .describe('by how much clocks may differ'),
  maxAge: duration({ least: '1m', most: '7d' })
    .default(parseDuration('24h') ?? 0)
    .describe('how long after its issue a token is accepted at most'),
  reuse: z
    .enum(['never', 'until-expiry'])
    .optional()
    .describe('whether a token may be exchanged again until it expires; the default is the profile’s'),
  claims: z
    .array(z.string().min(1).max(200))
    .max(100)
    .default([])
    .describe('names of further claims of its tokens'),
  rules: z
    .array(rule)
    .min(1)
    .max(500)
    .describe('whom its tokens stand for; the first rule that matches decides'),
  dangerouslyAllowPlainHttp: z
    .boolean()
    .default(false)
    .describe('allows to fetch keys over http from another machine: whoever is in between can be anybody'),
});

/** One trusted issuer. */
export const issuerSchema = shape.superRefine((value, context) => {
  const issue = (path: (string | number)[], message: string): void =>
    context.addIssue({ code: 'custom', path, message });
  const profile = profileOf(value.profile);
  const issuer = value.issuer ?? profile.issuer;
  if (issuer === undefined) issue(['issuer'], 'expected the issuer of the tokens');
  const isSpiffe = issuer?.startsWith('spiffe:') === true;
  if (isSpiffe !== (value.profile === 'spiffe'))
    issue(['issuer'], 'the profile spiffe and an issuer spiffe://TRUST-DOMAIN belong together');
  if (value.jwksUri !== undefined && value.jwksFile !== undefined)
    issue(['jwksFile'], '`jwksUri` and `jwksFile` exclude each other');
  if (isSpiffe && value.jwksUri === undefined && value.jwksFile === undefined)
    issue(['issuer'], 'a trust domain has no discovery: name `jwksUri` or `jwksFile`');
  if (!value.dangerouslyAllowPlainHttp) {
    const message = 'http to another machine is refused: use https, or set `dangerouslyAllowPlainHttp: true`';
    const isFetched = value.jwksUri === undefined && value.jwksFile === undefined && !isSpiffe;
    if (isFetched && issuer !== undefined && URL.canParse(issuer) && isPlainRemote(new URL(issuer)))
      issue(['issuer'], message);
    if (value.jwksUri !== undefined && isPlainRemote(value.jwksUri)) issue(['jwksUri'], message);
  }
  for (const [index, entry] of value.rules.entries())
    for (const fault of ruleFaults(entry, value.profile, value.claims)) issue(['rules', index], fault);
});
export type IssuerDocument = z.output<typeof issuerSchema>;

function ruleFaults(
  entry: RuleDocument,
  profileName: IssuerProfileName,
  extra: readonly string[],
): readonly string[] {
  const profile = profileOf(profileName);
  const known = [...commonClaims, ...profile.claims, ...extra];
  const named = new Set([...Object.keys(entry.when), ...templatesOf(entry).flatMap(claimsIn)]);
  const faults = [...named].flatMap((claim) => {
    const root = known.includes(claim) ? claim : claim.split('.')[0];
    if (root !== undefined && known.includes(root)) return [];
    if (profile.prefixes?.some((prefix) => claim.startsWith(prefix)) === true) return [];
    const nearest = nearestName(claim, known);
    const hint = nearest === undefined ? '' : `; did you mean \`${nearest}\`?`;
    if (!profile.closed && nearest === undefined) return [];
    return [`tokens of ${profileName} have no claim \`${claim}\`${hint} (others are named under \`claims\`)`];
  });
  const bound = profile.bind?.some(
    (claim) => entry.when[claim]?.every((text) => /^[0-9]+$/.test(text)) === true,
  );
  if (profile.bind !== undefined && bound !== true)
    faults.push(
      `\`when\` names one of ${profile.bind.join(', ')} with its number: names are given to others once they are free`,
    );
  return faults;
}

function templatesOf(entry: RuleDocument): readonly string[] {
  const { agent, human, workload, owner } = entry;
  return [
    ...[agent, human, workload, owner].filter((text) => text !== undefined),
    ...entry.onBehalfOf,
    ...entry.groups,
    ...entry.scopes.flatMap(({ repository, refs }) => [repository, ...(refs ?? [])]),
  ];
}
