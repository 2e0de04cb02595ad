// What people may do, by role. A person has roles through groups of the identity provider, or was given one here.
import type { Scope, Verb } from './principal.ts';

export const roles = ['agent-owner', 'reviewer', 'security-admin', 'auditor'] as const;
export type Role = (typeof roles)[number];

/** A role that the members of a group have, in the repositories that the globs match. */
export interface RoleRule {
  readonly role: Role;
  readonly groups: readonly string[];
  readonly repositories: readonly string[];
}

/** A role that somebody has, in the repositories that the globs match. */
export type RoleGrant = Pick<RoleRule, 'role' | 'repositories'>;

interface RoleEntry {
  /** What the person may do itself. */
  readonly verbs: readonly Verb[];
  /** What the person may let its agents do. */
  readonly delegable: readonly Verb[];
  /** The group of the guard's own that everybody in the role is in, so that a policy can name it as approvers. */
  readonly group: string;
  readonly meaning: string;
}

/** Everything that is fixed about a role. */
export const roleTable: Readonly<Record<Role, RoleEntry>> = {
  'agent-owner': {
    verbs: [],
    delegable: ['fetch', 'push', 'publish', 'log', 'api'],
    group: 'agent-owners',
    meaning: 'has agents, gives them tokens and answers for them',
  },
  reviewer: {
    verbs: ['approve'],
    delegable: [],
    group: 'reviewers',
    meaning: 'decides about what is held',
  },
  'security-admin': {
    verbs: ['admin', 'audit'],
    delegable: [],
    group: 'security-admins',
    meaning: 'administers people and tokens, and reads the audit log',
  },
  auditor: { verbs: ['audit'], delegable: [], group: 'auditors', meaning: 'reads the audit log' },
};

/** The roles that these groups give; the case of group names counts. */
export function rolesOfGroups(rules: readonly RoleRule[], groups: readonly string[]): readonly RoleGrant[] {
  const held = new Set(groups);
  return rules
    .filter((rule) => rule.groups.some((group) => held.has(group)))
    .map(({ role, repositories }) => ({ role, repositories }));
}

function scopesFrom(grants: readonly RoleGrant[], part: 'verbs' | 'delegable'): readonly Scope[] {
  return grants.flatMap(({ role, repositories }) => {
    const verbs = roleTable[role][part];
    return verbs.length === 0 ? [] : repositories.map((repository) => ({ repository, verbs }));
  });
}

/** What somebody with these roles may do itself. */
export function scopesOfRoles(grants: readonly RoleGrant[]): readonly Scope[] {
  return scopesFrom(grants, 'verbs');
}

/** What somebody with these roles may let its agents do. */
export function delegableScopes(grants: readonly RoleGrant[]): readonly Scope[] {
  return scopesFrom(grants, 'delegable');
}

/** True where one of the grants is of the role. */
export function hasRole(grants: readonly RoleGrant[], role: Role): boolean {
  return grants.some((grant) => grant.role === role);
}
