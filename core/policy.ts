// The policy: rules and exceptions as data, read from `policy.yaml`. The file is the operator's; agents cannot reach it.
import { createHash } from 'node:crypto';
import type { Category, Identifier, Severity } from '../scanners/finding.ts';
import { readDocument } from './document.ts';
import type { OperationKind, PathChange, RefUpdateKind, SignatureState } from './operation.ts';
import type { AuthorsPolicy } from './policy/authors-schema.ts';
import { policySchema } from './policy/schema.ts';
import type { PrincipalKind } from './principal.ts';
import type { Escalation } from './verdict.ts';

/** In every condition the keys that are given must all hold, and of a list one member must hold. */
export interface ActorCondition {
  readonly kind?: readonly PrincipalKind[] | undefined;
  /** Globs over the principal's id. */
  readonly id?: readonly string[] | undefined;
  /** Names of groups. */
  readonly groups?: readonly string[] | undefined;
  /** Globs over the ids on whose behalf the actor acts, at any distance. */
  readonly onBehalfOf?: readonly string[] | undefined;
}

export type PathMode = 'file' | 'executable' | 'symlink' | 'submodule';

export interface PathCondition {
  /** Globs over the changed path. */
  readonly path?: readonly string[] | undefined;
  readonly change?: readonly PathChange['change'][] | undefined;
  /** What the path is after the change. */
  readonly mode?: readonly PathMode[] | undefined;
  /** Matches only where at least so many changed paths do. */
  readonly count?: number | undefined;
}

export interface FindingCondition {
  readonly category?: readonly Category[] | undefined;
  /** Globs over the rule's id. */
  readonly rule?: readonly string[] | undefined;
  readonly identifier?: readonly Identifier[] | undefined;
  /** Globs over the finding's path. */
  readonly path?: readonly string[] | undefined;
  /** The least severity. */
  readonly severity?: Severity | undefined;
  /** The least confidence, 0 to 1. */
  readonly confidence?: number | undefined;
}

/** Holds where the operation is larger than every number that is given. */
export interface SizeCondition {
  readonly bytes?: number | undefined;
  readonly objects?: number | undefined;
  readonly commits?: number | undefined;
}

/** What can be matched, and what `not` can take away. */
export interface Subject {
  readonly operation?: readonly OperationKind[] | undefined;
  readonly actor?: readonly ActorCondition[] | undefined;
  /** Globs over `<forge>/<owner>/…/<repo>`. */
  readonly repository?: readonly string[] | undefined;
  /** `default-branch`, globs over branch names, or globs over full names that begin with `refs/`. */
  readonly ref?: readonly string[] | undefined;
  readonly refUpdate?: readonly RefUpdateKind[] | undefined;
  readonly paths?: readonly PathCondition[] | undefined;
  readonly findings?: readonly FindingCondition[] | undefined;
  /** Globs over the name of the environment that is deployed to; letter case has no meaning. */
  readonly environment?: readonly string[] | undefined;
}

export interface When extends Subject {
  readonly size?: readonly SizeCondition[] | undefined;
  /** True: some author or committer is a stranger to the actor; false: none is. */
  readonly authorMismatch?: boolean | undefined;
  /** Holds where some new commit or tag has a signature of one of these states. */
  readonly signature?: readonly SignatureState[] | undefined;
  /** Of a deployment: whether people approved the merge of exactly its commit. */
  readonly mergeApproved?: boolean | undefined;
  /** Each key takes away what it matches; the rule applies to what is left. */
  readonly not?: Subject | undefined;
}

export type Then =
  | { readonly kind: 'allow' }
  | { readonly kind: 'redact' }
  | { readonly kind: 'deny' }
  | {
      readonly kind: 'hold';
      /** `group:NAME` or the id of a human. */
      readonly approvers: readonly string[];
      /** How many different people must approve. */
      readonly count: number;
      /** Seconds until the request expires. */
      readonly expires: number;
      /** Who may approve as well, and when; sooner than it expires. */
      readonly escalate?: Escalation | undefined;
    };

export interface PolicyRule {
  readonly id: string;
  readonly when: When;
  readonly then: Then;
  readonly message?: string | undefined;
  /** Recorded and told, not enforced. */
  readonly monitor: boolean;
}

/** Excuses findings until it expires. Keys that are given must all hold. */
export interface PolicyException {
  readonly id: string;
  /** Fingerprints of findings. */
  readonly fingerprint?: readonly string[] | undefined;
  /** Globs over the finding's path. */
  readonly path?: readonly string[] | undefined;
  /** Globs over the rule's id; findings of category `policy` are excused only where this is given. */
  readonly rule?: readonly string[] | undefined;
  readonly repository?: readonly string[] | undefined;
  readonly reason: string;
  /** The person who answers for it. */
  readonly owner: string;
  /** First moment at which it no longer holds. */
  readonly expires: Date;
}

export interface Policy {
  readonly rules: readonly PolicyRule[];
  readonly exceptions: readonly PolicyException[];
  /** Whose names and keys commits may bear. */
  readonly authors: AuthorsPolicy;
  readonly text: string;
  /** SHA-256 of the text, hex. */
  readonly digest: string;
}

/**
 * Reads the text of a policy; `name` is what messages call it. Throws `GuardError` `policy/invalid` with every problem
 * found, each with its line and column.
 */
export function parsePolicy(text: string, name: string): Policy {
  const { rules, exceptions, authors } = readDocument(policySchema, text, { name, code: 'policy/invalid' });
  return { rules, exceptions, authors, text, digest: createHash('sha256').update(text).digest('hex') };
}
