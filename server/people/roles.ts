// What a person may do: the roles of its groups and its own, as a grant.
import type { Person } from '../../core/person.ts';
import type { Grant } from '../../core/principal.ts';
import { type RoleGrant, type RoleRule, rolesOfGroups, roleTable, scopesOfRoles } from '../../core/role.ts';
import type { Presence } from '../../core/people-services.ts';

/** The person's roles; those it was given itself hold everywhere. */
export function rolesOf(person: Person, rules: readonly RoleRule[]): readonly RoleGrant[] {
  return [
    ...person.ownRoles.map((role) => ({ role, repositories: ['**'] })),
    ...rolesOfGroups(rules, person.groups),
  ];
}

/** The person's grant: it answers for itself. Its groups are those of the directory and those of its roles. */
export function grantOfPerson(person: Person, grants: readonly RoleGrant[], presence: Presence): Grant {
  return {
    principal: {
      kind: 'human',
      id: person.id,
      issuer: presence.issuer,
      subject: presence.subject,
      groups: [...new Set([...person.groups, ...grants.map(({ role }) => roleTable[role].group)])],
      onBehalfOf: [],
      session: presence.session,
      proof: presence.proof,
    },
    owner: person.id,
    scopes: scopesOfRoles(grants),
  };
}
