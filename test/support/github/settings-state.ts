// How a repository of the fake is protected, in the shapes of the REST API, and what was done to its refs.
import type { Account } from './account-state.ts';

export interface Ruleset {
  readonly id: number;
  readonly name: string;
  readonly target: 'branch' | 'tag';
  readonly source_type: 'Repository' | 'Organization';
  readonly source: string;
  readonly enforcement: 'active' | 'evaluate' | 'disabled';
  readonly bypass_actors: readonly {
    readonly actor_id: number | null;
    readonly actor_type: string;
    readonly bypass_mode: 'always' | 'pull_request' | 'exempt';
  }[];
  /** Globs of refs, `~ALL` or `~DEFAULT_BRANCH`. */
  readonly include: readonly string[];
  readonly rules: readonly { readonly type: string; readonly parameters?: object }[];
}

export interface RepositorySettings {
  rulesets: readonly Ruleset[];
  /** Of the default branch; undefined where it is not protected. */
  protection: object | undefined;
  workflowToken: 'read' | 'write';
  mayApprove: boolean;
  /** Undefined: GitHub does not say. */
  pushProtection: 'enabled' | 'disabled' | undefined;
  keys: readonly { readonly id: number; readonly isReadOnly: boolean; readonly lastUsed?: Date }[];
}

export interface Activity {
  readonly id: number;
  readonly ref: string;
  readonly before: string;
  readonly after: string;
  readonly type: 'push' | 'force_push' | 'branch_creation' | 'branch_deletion' | 'pr_merge';
  readonly actor: Account;
  readonly at: Date;
}

/** A new repository: nothing is protected. */
export function openSettings(): RepositorySettings {
  return {
    rulesets: [],
    protection: undefined,
    workflowToken: 'write',
    mayApprove: false,
    pushProtection: 'disabled',
    keys: [],
  };
}
