// A person in the guard's directory. What a provider or a directory says of it (names, groups) is text from outside.
import type { Role } from './role.ts';

/** What ended a person's access: the directory (SCIM), an administrator of the guard, the loss of its last group. */
export const endings = ['directory', 'administrator', 'groups'] as const;
export type Ending = (typeof endings)[number];

export interface Person {
  /** Principal id, in lower case: `human:ada@example.org`. */
  readonly id: string;
  readonly scimId: string;
  /** The directory's name for the person; null where no directory has named it. */
  readonly userName: string | null;
  readonly externalId: string | null;
  readonly displayName: string;
  readonly email: string | null;
  /** Of the last sign-in and of the directory, each once, in order. */
  readonly groups: readonly string[];
  /** Those it was given here, besides what its groups give. */
  readonly ownRoles: readonly Role[];
  readonly active: boolean;
  readonly endedBy: Ending | null;
  readonly createdAt: Date;
  readonly changedAt: Date;
  readonly lastSeen: Date | null;
}

/** What a provider has proved about somebody. */
export interface ProvedAccount {
  /** Name of the provider in the configuration. */
  readonly provider: string;
  readonly proof: 'oidc' | 'saml';
  readonly issuer: string;
  readonly subject: string;
  /** Null where the provider does not vouch for an address. */
  readonly email: string | null;
  readonly displayName: string | null;
  readonly groups: readonly string[];
  /** Methods of authentication (RFC 8176), as far as the provider tells. */
  readonly amr: readonly string[];
  /** Authentication context class, as far as the provider tells. */
  readonly acr: string | null;
}

/** Principal ids of people have this form. */
const personId = /^human:[a-z0-9][a-z0-9._@+/-]{0,199}$/;

/** The principal id for a name such as an e-mail address, in lower case; undefined where the name cannot be one. */
export function personIdOf(name: string): string | undefined {
  const id = `human:${name.trim().toLowerCase()}`;
  return personId.test(id) ? id : undefined;
}
