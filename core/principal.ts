// Who acts, for whom, and how each was proved. Every decision and every audit entry carries a principal.

export const principalKinds = ['agent', 'human', 'workload'] as const;
export type PrincipalKind = (typeof principalKinds)[number];

/**
 * How an identity was proved to the guard: a token of the guard's own, a session token that was exchanged for another
 * proof, a token of a trusted OpenID Connect issuer, a SAML assertion, a web session, a client certificate.
 * `passthrough`: the upstream judges the client's own credential. `forge`: a forge says so, by a webhook that it signed
 * or an answer of its API.
 */
export const proofs = [
  'guard-token',
  'session-token',
  'oidc',
  'saml',
  'web',
  'mtls',
  'passthrough',
  'forge',
] as const;
export type Proof = (typeof proofs)[number];

/** `named`: it showed nothing itself; whoever vouches for the one before it in the chain has named it. */
export const delegationProofs = [...proofs, 'named'] as const;
export type DelegationProof = (typeof delegationProofs)[number];

/** Somebody on whose behalf a principal acts. */
export interface Delegation {
  /** Principal id, such as `human:ada@example.org`. */
  readonly id: string;
  /** Who vouches for it: `guard`, or an issuer URL. */
  readonly issuer: string;
  readonly subject: string;
  readonly proof: DelegationProof;
}

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
  /** How each of `onBehalfOf` was proved, in the same order; absent where all were only named. */
  readonly delegation?: readonly Delegation[] | undefined;
  /** Id of the session or token that was presented; never the token. */
  readonly session: string;
  readonly proof: Proof;
}

/** How each on whose behalf the principal acts was proved, nearest first. */
export function delegationOf(principal: Principal): readonly Delegation[] {
  const { delegation, onBehalfOf, issuer } = principal;
  return (
    delegation ??
    onBehalfOf.map((id) => ({ id, issuer, subject: id.slice(id.indexOf(':') + 1), proof: 'named' }))
  );
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

/** What a credential may be used for. */
export interface Scope {
  /** Glob over `<forge>/<owner>/…/<repo>`. */
  readonly repository: string;
  readonly verbs: readonly Verb[];
  /** Globs over full ref names that may be pushed to or decided about; absent: all. A fetch is not limited by refs. */
  readonly refs?: readonly string[] | undefined;
}

/** A proved identity together with what its credential allows. */
export interface Grant {
  readonly principal: Principal;
  /** Who answers for the credential, a principal id; null where nobody is named. */
  readonly owner: string | null;
  readonly scopes: readonly Scope[];
  /** `x5t#S256` of the client certificate with which alone the credential is good (RFC 8705); absent: without one. */
  readonly boundTo?: string | undefined;
  /** When the credential ends; absent where the guard does not know. */
  readonly expiresAt?: Date | undefined;
}
