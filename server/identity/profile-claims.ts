// What the tokens of a profile mean beyond their bare claims: derived claims that rules can name, and checks that hold for
// every token of the profile. Claims come from a verified token; users of the issuer choose parts of them.
import { z } from 'zod';
import { claimValues, type Claims } from '../claim-template.ts';
import type { IssuerProfileName } from '../issuer-profiles.ts';

/** The claims with what is derived from them; or undefined where they contradict each other. */
export function readProfileClaims(
  profile: IssuerProfileName,
  issuer: string,
  claims: Claims,
): Claims | undefined {
  switch (profile) {
    case 'github-actions':
      return isConsistentWorkflow(claims) ? claims : undefined;
    case 'kubernetes':
      return serviceAccountClaims(claims);
    case 'spiffe':
      return spiffeClaims(issuer, claims);
    case 'gitlab-ci':
    case 'okta':
    case 'entra':
    case 'google':
    case 'generic':
      return provenEmail(profile, claims);
  }
}

/**
 * The subject of a workflow has two forms, and a third that the owner of the repository makes up:
 *
 *   sub = "repo:" owner [ "@" owner-id ] "/" name [ "@" repository-id ] ":" context
 *
 * The first two must say the same as the other claims.
 */
function isConsistentWorkflow(claims: Claims): boolean {
  const [subject = ''] = claimValues(claims, 'sub');
  const [, owner, ownerId, name, repositoryId] =
    /^repo:([^/:@]+)(?:@([0-9]+))?\/([^/:@]+)(?:@([0-9]+))?:/.exec(subject) ?? [];
  if (owner === undefined) return true;
  const [repository = ''] = claimValues(claims, 'repository');
  const matchesId = (id: string | undefined, claim: string): boolean =>
    id === undefined || claimValues(claims, claim)[0] === id;
  return (
    `${owner}/${name}`.toLowerCase() === repository.toLowerCase() &&
    matchesId(ownerId, 'repository_owner_id') &&
    matchesId(repositoryId, 'repository_id')
  );
}

const named = z.object({ name: z.string(), uid: z.string().optional() });
const kubernetesSchema = z.object({
  namespace: z.string(),
  serviceaccount: named,
  pod: named.optional(),
  node: named.optional(),
});

function serviceAccountClaims(claims: Claims): Claims | undefined {
  const read = kubernetesSchema.safeParse(claims['kubernetes.io']);
  if (!read.success) return undefined;
  const { namespace, serviceaccount, pod, node } = read.data;
  if (claims['sub'] !== `system:serviceaccount:${namespace}:${serviceaccount.name}`) return undefined;
  return {
    ...claims,
    namespace,
    serviceaccount: serviceaccount.name,
    serviceaccount_uid: serviceaccount.uid ?? '',
    pod: pod?.name ?? '',
    pod_uid: pod?.uid ?? '',
    node: node?.name ?? '',
  };
}

/** SPIFFE-ID §2: the subject is an id inside of the trust domain whose keys signed it. */
function spiffeClaims(issuer: string, claims: Claims): Claims | undefined {
  const { sub } = claims;
  if (typeof sub !== 'string' || sub.length > 2_048 || !sub.startsWith(`${issuer}/`)) return undefined;
  const path = sub.slice(issuer.length + 1);
  if (
    !/^[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+)*$/.test(path) ||
    path.split('/').some((part) => /^\.\.?$/.test(part))
  )
    return undefined;
  return { ...claims, trust_domain: issuer.slice('spiffe://'.length), path };
}

/** An address that the issuer has not verified belongs to whoever typed it in. */
function provenEmail(profile: IssuerProfileName, claims: Claims): Claims {
  const verified = claims['email_verified'];
  const isProven = profile === 'google' ? verified === true : verified !== false && verified !== 'false';
  if (isProven || claims['email'] === undefined) return claims;
  const { email: _unproven, ...others } = claims;
  return others;
}
