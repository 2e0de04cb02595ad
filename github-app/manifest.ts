// What the guard's GitHub App is: the permissions and events of docs/github-app.md, as GitHub's manifest writes them.

export const appPermissions = {
  actions: 'write',
  administration: 'read',
  checks: 'write',
  contents: 'write',
  deployments: 'write',
  members: 'read',
  metadata: 'read',
  pull_requests: 'write',
  statuses: 'read',
} as const;

export const appEvents = [
  'branch_protection_rule',
  'check_run',
  'check_suite',
  'create',
  'delete',
  'deployment_protection_rule',
  'issue_comment',
  'merge_group',
  'pull_request',
  'pull_request_review',
  'pull_request_review_comment',
  'push',
  'repository',
  'repository_ruleset',
  'workflow_job',
  'workflow_run',
] as const;

/** The manifest for a guard at this base URL. */
export function manifestOf(guardUrl: string) {
  return {
    name: 'Forgeguard',
    url: guardUrl,
    public: false,
    hook_attributes: { url: `${guardUrl}/webhooks/github`, active: true },
    redirect_url: `${guardUrl}/github/setup/done`,
    default_permissions: appPermissions,
    default_events: appEvents,
  };
}
