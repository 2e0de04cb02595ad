// What somebody wants to do, as facts that a policy can be asked about. Pure data; everything in it that came over
// the network (refs, paths, names) is attacker-controlled text.
import type { Finding } from '../scanners/finding.ts';
import type { Oid } from './oid.ts';
import type { Principal } from './principal.ts';

export const operations = [
  'push',
  'merge',
  'publish',
  'log',
  'pull-request',
  'workflow',
  'deploy',
  'api',
] as const;
export type OperationKind = (typeof operations)[number];

export const refUpdateKinds = ['create', 'update', 'force', 'delete'] as const;
/** `update` is a fast-forward; `force` is any other change of an existing ref to another object. */
export type RefUpdateKind = (typeof refUpdateKinds)[number];

export interface RefUpdate {
  readonly ref: string;
  readonly oldOid: Oid;
  readonly newOid: Oid;
  readonly kind: RefUpdateKind;
  /** True where the ref is the branch that the upstream's HEAD names. */
  readonly isDefaultBranch: boolean;
}

/**
 * What was found of the signature of a commit or tag: `good` is made with a configured key; `expired` with one that has
 * expired or was revoked; `unknown` with a key that is not configured, or could not be told.
 */
export const signatureStates = ['good', 'bad', 'unknown', 'expired', 'none'] as const;
export type SignatureState = (typeof signatureStates)[number];

/** A path that differs between the base and what is pushed. */
export interface PathChange {
  readonly path: string;
  readonly change: 'add' | 'modify' | 'delete';
  /** Git file mode after the change, octal text: 100644 100755 120000 (symlink) 160000 (submodule); 000000 deleted. */
  readonly mode: string;
  readonly ref: string;
}

export interface OperationSize {
  readonly bytes: number;
  readonly objects: number;
  readonly commits: number;
}

export interface Operation {
  readonly kind: OperationKind;
  readonly actor: Principal;
  /** `<forge>/<owner>/…/<repo>` without `.git`. */
  readonly repository: string;
  readonly refUpdates: readonly RefUpdate[];
  readonly paths: readonly PathChange[];
  readonly size: OperationSize;
  /** E-mail addresses of authors and committers that are not the actor's or its person's; empty where not checked. */
  readonly foreignAuthors: readonly string[];
  /** Every state that the signature of a new commit or tag has; absent where none was looked at. */
  readonly signatures?: readonly SignatureState[] | undefined;
  readonly findings: readonly Finding[];
  /** Name of the environment that is deployed to; absent for other operations. */
  readonly environment?: string | undefined;
  /** Whether people approved the merge of exactly the commit that is deployed; absent for other operations. */
  readonly mergeApproved?: boolean | undefined;
}
