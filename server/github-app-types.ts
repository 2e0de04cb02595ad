// What the guard does as a GitHub App besides reading and writing repositories: `forges[].app` of the configuration.
import type { BypassWatchConfig } from './bypass-watch-schema.ts';
import type { GithubWorkflowConfig } from './github-workflow-schema.ts';
import type { Secret } from './secret.ts';

/** Accounts that are agents, and the people for whom they act. */
export interface GithubAgents {
  /** Globs over login names, in lower case. */
  readonly logins: readonly string[];
  /** Principal ids, nearest first. */
  readonly onBehalfOf: readonly string[];
  /** The agent's id elsewhere in the guard; undefined where it has none but that of its login. */
  readonly id: string | undefined;
}

/** What makes an account of GitHub a member of a group of the policy. */
export type GithubMembership =
  | { readonly kind: 'team'; readonly organization: string; readonly slug: string }
  /** Owner, by CODEOWNERS of the target branch, of a file that the change touches. */
  | { readonly kind: 'codeowners' }
  | { readonly kind: 'permission'; readonly least: 'write' | 'maintain' | 'admin' };

export interface GithubAppConfig {
  /** Any of them may have signed a webhook. */
  readonly webhookSecrets: readonly Secret[];
  readonly agents: readonly GithubAgents[];
  /** Login name in lower case to principal id. */
  readonly people: ReadonlyMap<string, string>;
  /** Group of the policy to what makes somebody a member; one of a list is enough. */
  readonly groups: ReadonlyMap<string, readonly GithubMembership[]>;
  /** Whether an approving review of the newest commit counts as an approval. */
  readonly reviewsApprove: boolean;
  /** Who merges what was approved. */
  readonly merge: 'people' | 'guard';
  /** Undefined: the first that the repository allows, of squash, merge and rebase. */
  readonly mergeMethod: 'merge' | 'squash' | 'rebase' | undefined;
  readonly summaryComment: boolean;
  /** Requests in a minute that change something, of one installation. */
  readonly writesPerMinute: number;
  readonly bypass: BypassWatchConfig;
  readonly workflows: GithubWorkflowConfig;
}
