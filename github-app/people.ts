// Accounts of GitHub as principals of the guard: who wrote a change, and who decides about it. An account is known by its
// login name, which the configuration maps to people; it is GitHub that proves it.
import { z } from 'zod';
import { compileGlobs } from '../core/glob.ts';
import type { Grant, Principal } from '../core/principal.ts';
import type { GithubMembership } from '../server/github-app-types.ts';
import { GithubRefusal } from './api.ts';
import { isCodeOwner } from './pulls/codeowners.ts';
import type { Decider } from './decider.ts';
import { type Hub, repositoryId } from './hub.ts';
import type { GithubUser, PullPlace } from './pulls/pull.ts';

const withoutMark = (login: string): string => login.replace(/\[bot\]$/, '');

/** The author of a pull request. */
export function authorOf(
  hub: Hub,
  { login, id, type }: GithubUser,
  place: Omit<PullPlace, 'signal'>,
): Principal {
  const name = login.toLowerCase();
  const agents = agentsOf(hub, name);
  const isAgent = type === 'Bot' || agents.length > 0;
  return {
    kind: isAgent ? 'agent' : 'human',
    id: isAgent ? agentId(hub, name) : personId(hub, name),
    issuer: hub.url,
    subject: String(id),
    groups: [],
    onBehalfOf: [...new Set(agents.flatMap(({ onBehalfOf }) => onBehalfOf))],
    session: `github-pull:${repositoryId(hub, place.repository)}#${place.number}`,
    proof: 'forge',
  };
}

/** What the configuration says of an account as an agent. */
export function agentsOf({ app }: Pick<Hub, 'app'>, login: string): Hub['app']['agents'] {
  return app.agents.filter(({ logins }) => compileGlobs(logins)(login.toLowerCase()));
}

/** Id of an agent: who it is elsewhere, or its name here. */
function agentId(hub: Hub, login: string): string {
  const named = agentsOf(hub, login).find(({ id }) => id !== undefined);
  return named?.id ?? `agent:${hub.forge}/${withoutMark(login.toLowerCase())}`;
}

/** Id of a person: who it is elsewhere, or its name here. */
export function personId(hub: Pick<Hub, 'app' | 'forge'>, login: string): string {
  const name = login.toLowerCase();
  return hub.app.people.get(name) ?? `human:${hub.forge}/${name}`;
}

const roles = ['write', 'maintain', 'admin'] as const;
const permissionAnswer = z.object({ permission: z.string(), role_name: z.string().optional() });

/** Who decides, with what GitHub says about it now. Without the right to write, its grant covers nothing. */
export async function grantOf(hub: Hub, decider: Decider): Promise<Grant> {
  const { user, repository } = decider;
  const role = await roleOf(hub, decider);
  const groups: string[] = [];
  for (const group of decider.groups) {
    for (const membership of hub.app.groups.get(group) ?? []) {
      if (!(await isMember(hub, decider, role, membership))) continue;
      groups.push(group);
      break;
    }
  }
  const isPerson = user.type === 'User';
  return {
    principal: {
      kind: isPerson ? 'human' : 'agent',
      id: isPerson ? personId(hub, user.login) : agentId(hub, user.login),
      issuer: hub.url,
      subject: String(user.id),
      groups,
      onBehalfOf: [],
      session: decider.session,
      proof: 'forge',
    },
    owner: null,
    scopes: role === undefined ? [] : [{ repository: repositoryId(hub, repository), verbs: ['approve'] }],
  };
}

/** Undefined for somebody who may not write. */
async function roleOf(
  { api }: Hub,
  { user, repository, signal }: Decider,
): Promise<(typeof roles)[number] | undefined> {
  try {
    const { permission, role_name: role } = await api.ask({
      repository,
      signal,
      route: 'GET /repos/{owner}/{repo}/collaborators/{username}/permission',
      parameters: { username: user.login },
      permissions: { metadata: 'read' },
      answer: permissionAnswer,
    });
    // A role of an organisation's own has a name of its own; the permission says what it comes to.
    return roles.find((known) => known === role) ?? roles.find((known) => known === permission);
  } catch (thrown) {
    if (thrown instanceof GithubRefusal && thrown.status === 404) return undefined;
    throw thrown;
  }
}

async function isMember(
  hub: Hub,
  decider: Decider,
  role: (typeof roles)[number] | undefined,
  membership: GithubMembership,
): Promise<boolean> {
  switch (membership.kind) {
    case 'permission':
      return role !== undefined && roles.indexOf(role) >= roles.indexOf(membership.least);
    case 'team':
      return isInTeam(hub, decider, membership);
    case 'codeowners':
      return isCodeOwner(hub, decider, (team) => isInTeam(hub, decider, team));
  }
}

const membershipAnswer = z.object({ state: z.string() });

async function isInTeam(
  { api }: Hub,
  { user, repository, signal }: Decider,
  team: { readonly organization: string; readonly slug: string },
): Promise<boolean> {
  try {
    const { state } = await api.ask({
      repository,
      signal,
      route: 'GET /orgs/{org}/teams/{team_slug}/memberships/{username}',
      parameters: { org: team.organization, team_slug: team.slug, username: user.login },
      permissions: { members: 'read' },
      answer: membershipAnswer,
    });
    return state === 'active';
  } catch (thrown) {
    if (thrown instanceof GithubRefusal && thrown.status === 404) return false;
    throw thrown;
  }
}
