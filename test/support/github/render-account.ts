// Accounts, apps, installations and repositories as GitHub's REST API writes them.
import type { Account, FakeApp, Installation } from './account-state.ts';
import { type Repository, type World } from './world.ts';

export const nodeId = (kind: string, id: number): string => Buffer.from(`${kind}${id}`).toString('base64url');

/** Seconds only, as GitHub writes times. */
export const instant = (at: Date): string => at.toISOString().replace(/\.\d+Z$/, 'Z');

const since = '2026-01-01T00:00:00Z';

/** A simple user. */
export function userJson({ apiUrl, url }: World, account: Account) {
  const api = `${apiUrl}/users/${encodeURIComponent(account.login)}`;
  return {
    login: account.login,
    id: account.id,
    node_id: nodeId('U', account.id),
    avatar_url: `${url}/avatars/${account.id}`,
    gravatar_id: '',
    url: api,
    html_url: `${url}/${encodeURIComponent(account.login)}`,
    followers_url: `${api}/followers`,
    following_url: `${api}/following{/other_user}`,
    gists_url: `${api}/gists{/gist_id}`,
    starred_url: `${api}/starred{/owner}{/repo}`,
    subscriptions_url: `${api}/subscriptions`,
    organizations_url: `${api}/orgs`,
    repos_url: `${api}/repos`,
    events_url: `${api}/events{/privacy}`,
    received_events_url: `${api}/received_events`,
    type: account.type,
    site_admin: false,
  };
}

/** An integration, which is how a check names its app. */
export function appJson(world: World, app: FakeApp) {
  return {
    id: app.id,
    slug: app.slug,
    client_id: app.clientId,
    node_id: nodeId('A', app.id),
    owner: userJson(world, app.owner),
    name: app.name,
    description: '',
    external_url: `${world.url}/external`,
    html_url: `${world.url}/apps/${app.slug}`,
    created_at: since,
    updated_at: since,
    permissions: app.permissions,
    events: app.events,
  };
}

/** An installation of an app. */
export function installationJson(world: World, installation: Installation) {
  const { id, app, account, permissions, repositories, suspended } = installation;
  return {
    id,
    client_id: app.clientId,
    // The description of the list wants what it says of an account and of an enterprise at once.
    account: {
      ...userJson(world, account),
      name: account.login,
      slug: account.login,
      created_at: since,
      updated_at: since,
    },
    repository_selection: repositories === 'all' ? 'all' : 'selected',
    access_tokens_url: `${world.apiUrl}/app/installations/${id}/access_tokens`,
    repositories_url: `${world.apiUrl}/installation/repositories`,
    html_url: `${world.url}/organizations/${account.login}/settings/installations/${id}`,
    app_id: app.id,
    app_slug: app.slug,
    target_id: account.id,
    target_type: account.type,
    permissions,
    events: app.events,
    single_file_name: null,
    created_at: since,
    updated_at: since,
    suspended_at: suspended ? since : null,
    suspended_by: installation.suspendedBy === undefined ? null : userJson(world, installation.suspendedBy),
  };
}

const repositoryLinks = [
  'archive',
  'assignees',
  'blobs',
  'branches',
  'collaborators',
  'comments',
  'commits',
  'compare',
  'contents',
  'contributors',
  'deployments',
  'downloads',
  'events',
  'forks',
  'git_commits',
  'git_refs',
  'git_tags',
  'hooks',
  'issue_comment',
  'issue_events',
  'issues',
  'keys',
  'labels',
  'languages',
  'merges',
  'milestones',
  'notifications',
  'pulls',
  'releases',
  'stargazers',
  'statuses',
  'subscribers',
  'subscription',
  'tags',
  'teams',
  'trees',
] as const;

const repositoryCounts = [
  'forks_count',
  'stargazers_count',
  'watchers_count',
  'size',
  'open_issues_count',
  'subscribers_count',
  'network_count',
  'forks',
  'open_issues',
  'watchers',
] as const;

/** A full repository. */
export function repositoryJson(world: World, repository: Repository) {
  const fullName = `${repository.owner.login}/${repository.name}`;
  const api = `${world.apiUrl}/repos/${fullName}`;
  return {
    id: repository.id,
    node_id: nodeId('R', repository.id),
    name: repository.name,
    full_name: fullName,
    owner: userJson(world, repository.owner),
    private: repository.isPrivate,
    visibility: repository.isPrivate ? 'private' : 'public',
    html_url: `${world.url}/${fullName}`,
    url: api,
    ...Object.fromEntries(repositoryLinks.map((name) => [`${name}_url`, `${api}/${name}`])),
    ...Object.fromEntries(repositoryCounts.map((name) => [name, 0])),
    git_url: `git://forge.example/${fullName}.git`,
    ssh_url: `git@forge.example:${fullName}.git`,
    clone_url: `${world.url}/${fullName}.git`,
    svn_url: `${world.url}/${fullName}`,
    mirror_url: null,
    homepage: null,
    description: null,
    language: null,
    license: null,
    fork: false,
    is_template: false,
    archived: repository.isArchived,
    disabled: false,
    has_issues: true,
    has_projects: false,
    has_wiki: false,
    has_downloads: true,
    has_pages: false,
    has_discussions: false,
    allow_merge_commit: repository.mergeMethods.includes('merge'),
    allow_squash_merge: repository.mergeMethods.includes('squash'),
    allow_rebase_merge: repository.mergeMethods.includes('rebase'),
    default_branch: repository.defaultBranch,
    topics: [],
    ...(repository.settings.pushProtection === undefined
      ? {}
      : {
          security_and_analysis: {
            secret_scanning_push_protection: { status: repository.settings.pushProtection },
          },
        }),
    pushed_at: since,
    created_at: since,
    updated_at: since,
  };
}
