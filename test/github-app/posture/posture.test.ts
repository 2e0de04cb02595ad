// What settings of a repository come to, without a GitHub: rulesets and older protection, who may pass by, and what the
// App may not read.
import { describe, expect, test } from 'vitest';
import type { PosturePoint, PostureTopic } from '../../../core/posture.ts';
import { appEvents, appPermissions } from '../../../github-app/manifest.ts';
import { judgePosture } from '../../../github-app/posture/judge-posture.ts';
import type {
  ProtectionSettings,
  RepositorySettings,
  RulesetSettings,
} from '../../../github-app/posture/read-settings.ts';

const app = 12;

const settings = (more: Partial<RepositorySettings> = {}): RepositorySettings => ({
  repository: {
    html_url: 'https://hub.example/acme/app',
    default_branch: 'main',
    security_and_analysis: { secret_scanning_push_protection: { status: 'enabled' } },
  },
  rulesets: { kind: 'read', value: [] },
  protection: { kind: 'read', value: null },
  workflow: {
    kind: 'read',
    value: { default_workflow_permissions: 'read', can_approve_pull_request_reviews: false },
  },
  keys: { kind: 'read', value: [] },
  installation: {
    app_id: app,
    html_url: 'https://hub.example/installations/1',
    permissions: appPermissions,
    events: [...appEvents],
  },
  ...more,
});

const ruleset = (types: readonly string[], more: Partial<RulesetSettings> = {}): RulesetSettings => ({
  id: 5,
  name: 'rules',
  target: 'branch',
  source_type: 'Repository',
  source: 'acme/app',
  enforcement: 'active',
  bypass_actors: [],
  conditions: { ref_name: { include: ['~ALL'], exclude: [] } },
  rules: types.map((type) => ({ type })),
  ...more,
});

const check = (by: number | null): RulesetSettings['rules'][number] => ({
  type: 'required_status_checks',
  parameters: {
    required_status_checks: [{ context: 'forgeguard', ...(by === null ? {} : { integration_id: by }) }],
  },
});

function judged(given: RepositorySettings): Readonly<Record<PostureTopic, PosturePoint>> {
  const points = judgePosture(given, 'https://hub.example');
  return Object.fromEntries(points.map((point) => [point.topic, point])) as Record<
    PostureTopic,
    PosturePoint
  >;
}

const withRulesets = (...value: readonly RulesetSettings[]) =>
  judged(settings({ rulesets: { kind: 'read', value } }));
const withProtection = (value: ProtectionSettings) =>
  judged(settings({ protection: { kind: 'read', value } }));

test('nothing is to do where rulesets close everything and only the App may pass by', () => {
  const own = { actor_id: app, actor_type: 'Integration', bypass_mode: 'always' };
  const all = ruleset(['creation', 'update', 'deletion', 'non_fast_forward'], { bypass_actors: [own] });
  const points = withRulesets(
    { ...all, rules: [...all.rules, check(app)] },
    { ...all, target: 'tag', id: 6 },
  );
  expect(Object.values(points).filter(({ state }) => state !== 'ok')).toEqual([]);
});

describe('a required check', () => {
  test.each([
    ['of the App', app, 'ok'],
    ['of anybody', null, 'to-do'],
    ['of another App', 13, 'to-do'],
  ] as const)('%s', (_, by, state) => {
    expect(withRulesets(ruleset([], { rules: [check(by)] }))['required-check'].state).toBe(state);
    const protection = { required_status_checks: { checks: [{ context: 'forgeguard', app_id: by }] } };
    expect(withProtection(protection)['required-check'].state).toBe(state);
  });
});

describe('a ruleset counts', () => {
  test.each([
    ['where it is active', {}, 'ok'],
    ['not where it only evaluates', { enforcement: 'evaluate' }, 'to-do'],
    ['not for tags', { target: 'tag' }, 'to-do'],
    [
      'not where it leaves the branch out',
      { conditions: { ref_name: { include: ['~ALL'], exclude: ['refs/heads/main'] } } },
      'to-do',
    ],
    [
      'where it names the branch',
      { conditions: { ref_name: { include: ['refs/heads/ma*'], exclude: [] } } },
      'ok',
    ],
    [
      'not where its pattern cannot be read',
      { conditions: { ref_name: { include: ['refs/heads/[z'], exclude: [] } } },
      'to-do',
    ],
  ] as const)('%s', (_, more, state) => {
    const points = withRulesets(
      ruleset(['deletion', 'non_fast_forward', 'pull_request'], more as Partial<RulesetSettings>),
    );
    for (const topic of ['deletions', 'force-pushes', 'direct-pushes'] as const)
      expect(points[topic].state, topic).toBe(state);
  });
});

test('older protection counts, unless it allows what it should not, or its administrators', () => {
  const closed = withProtection({
    restrictions: { users: [], teams: [], apps: [{ id: app }] },
    enforce_admins: { enabled: true },
    allow_force_pushes: { enabled: false },
  });
  for (const topic of ['direct-pushes', 'force-pushes', 'deletions', 'bypass'] as const)
    expect(closed[topic].state, topic).toBe('ok');
  const loose = withProtection({
    restrictions: { users: [{}], teams: [], apps: [{ id: app }] },
    enforce_admins: { enabled: false },
    allow_force_pushes: { enabled: true },
    allow_deletions: { enabled: true },
  });
  for (const topic of ['direct-pushes', 'force-pushes', 'deletions', 'bypass'] as const)
    expect(loose[topic].state, topic).toBe('to-do');
  expect(loose.bypass.found).toContain('administrators');
});

test('whoever may pass by is named, with whether it leaves a trace', () => {
  const { bypass } = withRulesets(
    ruleset(['update'], {
      source_type: 'Organization',
      source: 'acme',
      bypass_actors: [
        { actor_id: 5, actor_type: 'RepositoryRole', bypass_mode: 'exempt' },
        { actor_id: 13, actor_type: 'Integration', bypass_mode: 'always' },
        { actor_id: null, actor_type: 'DeployKey', bypass_mode: 'always' },
      ],
    }),
  );
  expect(bypass).toMatchObject({
    state: 'to-do',
    found:
      'Besides the App: everybody with the role admin, without a trace (rules); App 13 (rules); deploy keys (rules).',
    link: 'https://hub.example/organizations/acme/settings/rules/5',
  });
});

test('what may not be read is no fault and no comfort', () => {
  const missing = { kind: 'missing', permission: 'administration: read' } as const;
  const { installation, repository } = settings();
  const points = judged(
    settings({
      protection: missing,
      workflow: missing,
      keys: missing,
      repository: { ...repository, security_and_analysis: null },
      installation: { ...installation, permissions: { checks: 'write' }, events: [] },
    }),
  );
  for (const topic of [
    'required-check',
    'direct-pushes',
    'workflow-token',
    'deploy-keys',
    'push-protection',
    'bypass',
  ] as const)
    expect(points[topic], topic).toMatchObject({
      state: 'unreadable',
      found: 'The App lacks the permission administration: read.',
      link: installation.html_url,
    });
  expect(points.tags.state).toBe('to-do');
  expect(points.app.found).toMatch(/It lacks .*administration: read, .*It is not told of .*push/);
});
