// The answer to an operation. A refusal is a value; an exception means that the guard could not decide.

/** Actions of the policy from weakest to strongest; the strongest that matches wins. */
export const actions = ['allow', 'redact', 'hold', 'deny'] as const;
export type Action = (typeof actions)[number];

export interface Reason {
  /** Id of the policy rule. */
  readonly rule: string;
  readonly action: Action;
  /** A sentence for the one who must act. */
  readonly message: string;
  /** Which ref updates, paths and findings matched, as indexes into the operation's lists. */
  readonly refUpdates: readonly number[];
  readonly paths: readonly number[];
  readonly findings: readonly number[];
}

/** Who may approve as well once a requirement has waited too long. */
export interface Escalation {
  /** `group:NAME` or ids of people. */
  readonly to: readonly string[];
  /** Seconds from the moment the request was made. */
  readonly after: number;
}

/** Who must approve a held operation. */
export interface ApprovalRequirement {
  readonly rule: string;
  /** `group:NAME` or a principal id. */
  readonly approvers: readonly string[];
  readonly count: number;
  /** Seconds until the request expires. */
  readonly expiresAfter: number;
  readonly escalate?: Escalation | undefined;
}

export interface Verdict {
  readonly kind: Action;
  /** Every enforced rule that matched with an action stronger than `allow`, strongest first. */
  readonly reasons: readonly Reason[];
  /** What rules in monitor mode would have said. */
  readonly monitored: readonly Reason[];
  /** All that must be met before a held operation goes on; empty unless `kind` is `hold`. */
  readonly approvals: readonly ApprovalRequirement[];
  /** Indexes of findings that an exception of the policy excuses, with the exception's id. */
  readonly excused: readonly { readonly finding: number; readonly exception: string }[];
  /** SHA-256 of the policy's text, hex. */
  readonly policyDigest: string;
}
