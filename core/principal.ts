// Who acts, and how that was proved. Every decision and every audit entry carries a principal.

export const principalKinds = ['agent', 'human', 'workload'] as const;
export type PrincipalKind = (typeof principalKinds)[number];

/** How the identity was proved to the guard. `passthrough`: the upstream judges the client's own credential. */
export type Proof = 'guard-token' | 'oidc' | 'saml' | 'passthrough';

export interface Principal {
  readonly kind: PrincipalKind;
  /** Stable id inside this guard, such as `agent:release-bot`. */
  readonly id: string;
  /** Who vouches for the identity: `guard` for guard tokens, an issuer URL otherwise. */
  readonly issuer: string;
  readonly subject: string;
  readonly groups: readonly string[];
  /** On whose behalf, nearest first (RFC 8693 `act` chain turned round); the person who answers for it is last. */
  readonly onBehalfOf: readonly string[];
  /** Id of the session or token that was presented; never the token. */
  readonly session: string;
  readonly proof: Proof;
}

/** `break-glass` lets a person approve alone, without being named by the policy; see docs/approvals.md. */
export const verbs = [
  'fetch',
  'push',
  'publish',
  'log',
  'api',
  'approve',
  'break-glass',
  'audit',
  'admin',
] as const;
export type Verb = (typeof verbs)[number];

/** What a credential may be used for. `repository` is a glob over `<forge>/<owner>/…/<repo>`. */
export interface Scope {
  readonly repository: string;
  readonly verbs: readonly Verb[];
}

/** A proved identity together with what its credential allows. */
export interface Grant {
  readonly principal: Principal;
  /** Who answers for the credential, a principal id; null where nobody is named. */
  readonly owner: string | null;
  readonly scopes: readonly Scope[];
}
