// The ports of people: who may still act, who is signed in, what people's agents have. core/services.ts has the others.
import type { Ending, Person, ProvedAccount } from './person.ts';
import type { Grant, Principal, Scope } from './principal.ts';
import type { Role, RoleGrant } from './role.ts';

/** Who may still act. Nobody may act for a person who was offboarded. */
export interface PeopleStanding {
  /** Those of these principal ids that name a person who may not act any more; asked of the database each time. */
  ended(ids: readonly string[]): Promise<readonly string[]>;
}

/** The guard's directory of people. */
export interface PeopleDirectory {
  find(id: string): Promise<Person | undefined>;
  /** By id, after this one; at most `limit`. */
  list(after: string, limit: number): Promise<readonly Person[]>;
  rolesOf(person: Person): readonly RoleGrant[];
  grantOf(person: Person, presence: Presence): Grant;
  /**
   * The person whose account this is, made where it is met for the first time. `domains` are those whose addresses the
   * provider speaks for. Rejects with `person/ended` or `person/conflict`.
   */
  signIn(account: ProvedAccount, domains: readonly string[]): Promise<Person>;
  /** Ends a person's access; where it has ended, makes sure of it. Rejects with `person/unknown`. */
  deactivate(id: string, endedBy: Ending, by: Principal | null): Promise<void>;
  reactivate(id: string, by: Principal | null): Promise<void>;
  /** Gives a role for good, everywhere. */
  grantRole(id: string, role: Role, why: string): Promise<void>;
  /** True where somebody who may act has the role. */
  isRoleHeld(role: Role): Promise<boolean>;
}

/** By which session of which account a person acts. */
export type Presence = Pick<Principal, 'issuer' | 'subject' | 'session' | 'proof'>;

/** What a browser sends; all of it is attacker-controlled, but the headers `Origin` and `Sec-Fetch-Site` no page can set. */
export interface BrowserRequest {
  readonly method: string;
  readonly cookie: string | undefined;
  readonly origin: string | undefined;
  readonly fetchSite: string | undefined;
  /** The token against forged requests, from a header or a form. */
  readonly csrf: string | undefined;
}

/** People who are signed in with a browser. */
export interface WebSessions {
  /**
   * The grant of the person behind the cookie; undefined where no session is named. A request that changes something
   * must come from the guard's own pages with their token. Rejects with `web/signed-out` or `web/cross-site`.
   */
  authenticate(request: BrowserRequest): Promise<Grant | undefined>;
}

/** A token that a person answers for, without the token itself. */
export interface OwnedToken {
  readonly id: string;
  /** Principal id that it stands for. */
  readonly principal: string;
  readonly purpose: string;
  readonly scopes: readonly Scope[];
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly revokedAt: Date | null;
  readonly lastUse: Date | null;
}

/** The tokens of people's agents. */
export interface TokenDesk {
  /** Those that the person answers for, newest first; at most a few hundred. */
  listOf(person: string): Promise<readonly OwnedToken[]>;
  /** A token for an agent that acts for the person, to be shown once. `lifetime` in seconds. Rejects with `input/invalid`. */
  issueFor(
    person: string,
    request: {
      readonly agent: string;
      readonly purpose: string;
      readonly scopes: readonly Scope[];
      readonly lifetime: number;
    },
  ): Promise<{ readonly token: string; readonly record: OwnedToken }>;
  revoke(id: string, by: string): Promise<void>;
}

/** A session token that was opened, to be shown once. */
export interface MintedSession {
  readonly token: string;
  readonly grant: Grant & { readonly expiresAt: Date };
}

/** Short-lived tokens for agents that a person has permitted to act for it. */
export interface SessionMint {
  /** A session token; recorded first. */
  open(asked: {
    /** Name of the agent, without `agent:`. */
    readonly agent: string;
    readonly person: string;
    readonly scopes: readonly Scope[];
    /** What it ends with, besides the person. */
    readonly permission: { readonly id: string; readonly createdAt: Date };
  }): Promise<MintedSession>;
  /** Ends what rests on the permission. */
  end(permission: string): Promise<void>;
}

/** RFC 6749 §5.2 and RFC 8628 §3.5. */
export type PermissionFault =
  'authorization_pending' | 'slow_down' | 'access_denied' | 'expired_token' | 'invalid_grant';

export type PermissionAnswer =
  | { readonly kind: 'token'; readonly session: MintedSession; readonly refreshToken: string }
  | { readonly kind: 'fault'; readonly fault: PermissionFault };

/** How an agent comes to a session that a person permits with a code (RFC 8628), and renews it. */
export interface PermissionGrants {
  poll(deviceCode: string): Promise<PermissionAnswer>;
  /** A refresh token works once, for the agent (`client_id`) that it was given to. */
  refresh(token: string, agent: string | undefined): Promise<PermissionAnswer>;
}

/** What depends on people and stops with them, such as tokens. */
export interface Dependents {
  /** What it is, as a plural for the record: `tokens`. */
  readonly name: string;
  /** Ids of what would stop with this person, at most a few hundred. */
  list(person: string): Promise<readonly string[]>;
  /** Stops it, for good; may be called again. `by` is who ended the person's access. */
  stop(person: string, by: Principal): Promise<void>;
}
