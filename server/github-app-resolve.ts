// From a checked `forges[].app` to what is in force.
import type { ValuePath } from '../core/yaml.ts';
import type { ReferenceReader } from './config-references.ts';
import type { GithubAppDocument } from './github-app-schema.ts';
import type { GithubAppConfig, GithubMembership } from './github-app-types.ts';
import type { Secret } from './secret.ts';

/** Reads the secrets of webhooks; one that cannot be had is told as a problem. */
export async function resolveGithubApp(
  references: ReferenceReader,
  written: GithubAppDocument,
  path: ValuePath,
): Promise<GithubAppConfig> {
  const webhookSecrets: Secret[] = [];
  for (const [index, ref] of written.webhookSecrets.entries())
    webhookSecrets.push(await references.secret(ref, [...path, 'webhookSecrets', index]));
  return {
    webhookSecrets,
    agents: written.agents.map(({ logins, onBehalfOf, id }) => ({
      logins: logins.map((login) => login.toLowerCase()),
      onBehalfOf,
      id,
    })),
    people: new Map(Object.entries(written.people).map(([login, id]) => [login.toLowerCase(), id])),
    groups: new Map(Object.entries(written.groups).map(([group, texts]) => [group, texts.map(membershipOf)])),
    reviewsApprove: written.reviewsApprove,
    merge: written.merge,
    mergeMethod: written.mergeMethod,
    summaryComment: written.summaryComment,
    writesPerMinute: written.writesPerMinute,
    bypass: written.bypass,
    workflows: written.workflows,
  };
}

function membershipOf(text: string): GithubMembership {
  const [kind, rest = ''] = text.split(':');
  if (kind === 'permission') {
    const least = (['admin', 'maintain'] as const).find((known) => known === rest) ?? 'write';
    return { kind: 'permission', least };
  }
  if (kind === 'team') {
    const [organization = '', slug = ''] = rest.split('/');
    return { kind: 'team', organization, slug };
  }
  return { kind: 'codeowners' };
}
