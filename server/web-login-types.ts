// The configuration of people once it is read: who vouches for them, what their groups mean, how long they stay in.
import type { RoleRule } from '../core/role.ts';
import type { Secret } from './secret.ts';

interface ProviderCommon {
  /** Name in URLs and in the audit log. */
  readonly name: string;
  /** What people read on the button. */
  readonly label: string;
  /** E-mail domains that this provider speaks for, in lower case: only in these it names people by their address. */
  readonly domains: readonly string[];
}

export interface OidcLogin extends ProviderCommon {
  readonly kind: 'oidc';
  /** As the provider writes it in its tokens. */
  readonly issuer: string;
  readonly clientId: string;
  /** Absent for a public client, which PKCE alone protects. */
  readonly clientSecret?: Secret;
  readonly scopes: readonly string[];
  /** Claim with the names of groups. */
  readonly groupsClaim: string;
  readonly acrValues: readonly string[];
  /** PEM text. */
  readonly ca?: string;
}

export interface SamlLogin extends ProviderCommon {
  readonly kind: 'saml';
  /** Entity id of the identity provider. */
  readonly issuer: string;
  /** Where people are sent to (HTTP-Redirect binding). */
  readonly signInUrl: string;
  /** PEM text of one or more signing certificates. */
  readonly certificates: readonly string[];
  /** Entity id of the guard; undefined: the URL of its metadata. */
  readonly entityId?: string;
  readonly emailAttribute: string;
  readonly nameAttribute: string;
  readonly groupsAttribute: string;
}

export type LoginProvider = OidcLogin | SamlLogin;

export interface PeopleSettings {
  readonly providers: readonly LoginProvider[];
  readonly roles: readonly RoleRule[];
  /** Groups of which everybody must have one; empty: no such group is asked for. */
  readonly memberGroups: readonly string[];
  /** Seconds. */
  readonly session: { readonly idle: number; readonly absolute: number };
  /** The credential of the directory that manages people by SCIM; undefined: SCIM is off. */
  readonly scimToken: Secret | undefined;
}
