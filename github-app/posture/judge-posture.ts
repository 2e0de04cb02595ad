// What the settings of a repository come to: whether the guard is the only way in, and what to change where it is not.
// Pure.
import { type PosturePoint, type PostureTopic, postureTopicNames } from '../../core/posture.ts';
import { appEvents, appPermissions } from '../manifest.ts';
import { rulesetsOfDefault } from './branch-rulesets.ts';
import { bypass, closedByRule, closedForAll, directPushes, requiredCheck } from './judge-refs.ts';
import type { RepositorySettings } from './read-settings.ts';
import { fine, type Judge, type Judgement, type Scene, settingsPage, toDo, unreadable } from './scene.ts';

const mostKeys = 20;

function deployKeys(scene: Scene): Judgement {
  const { keys } = scene.settings;
  if (keys.kind === 'missing') return unreadable(keys.permission, scene);
  const link = settingsPage(scene, 'keys');
  const writing = keys.value.flatMap(({ id, read_only: isReadOnly }) => (isReadOnly ? [] : [id]));
  if (writing.length === 0) return fine('None may write.', link);
  return toDo(
    `${writing.length} may write: ${writing.slice(0, mostKeys).join(', ')}.`,
    'Delete them, or add them again without write access.',
    link,
  );
}

function workflowToken(scene: Scene): Judgement {
  const { workflow } = scene.settings;
  if (workflow.kind === 'missing') return unreadable(workflow.permission, scene);
  const link = settingsPage(scene, 'actions');
  const { default_workflow_permissions: level, can_approve_pull_request_reviews: mayApprove } =
    workflow.value;
  if (level === 'read' && !mayApprove)
    return fine('It may only read, unless a workflow asks for more.', link);
  return toDo(
    level === 'read'
      ? 'Workflows may approve pull requests.'
      : `It may write${mayApprove ? ', and approve pull requests' : ''}: a workflow can push past the guard.`,
    'Under “Workflow permissions” choose “Read repository contents and packages permissions”, and do not allow workflows to approve pull requests.',
    link,
  );
}

function pushProtection(scene: Scene): Judgement {
  const { repository, keys } = scene.settings;
  const link = settingsPage(scene, 'security_analysis');
  const status = repository.security_and_analysis?.secret_scanning_push_protection?.status;
  if (status === 'enabled') return fine('GitHub refuses pushes with secrets that it knows.', link);
  if (status !== undefined)
    return toDo(
      'It is off: GitHub stops no secret in a push past the guard.',
      'Turn on “Push protection” under “Secret Protection”.',
      link,
    );
  if (keys.kind === 'missing') return unreadable(keys.permission, scene);
  return {
    state: 'unreadable',
    found: 'GitHub does not say; the plan may not have it.',
    change: 'Look at it yourself.',
    link,
  };
}

const levels = ['read', 'write', 'admin'];

function ownApp({ settings: { installation } }: Scene): Judgement {
  const { permissions, events, html_url: link } = installation;
  const lacks = Object.entries(appPermissions)
    .filter(([name, level]) => levels.indexOf(permissions[name] ?? '') < levels.indexOf(level))
    .map(([name, level]) => `${name}: ${level}`);
  const deaf = appEvents.filter((event) => !events.includes(event));
  if (lacks.length === 0 && deaf.length === 0)
    return fine('It has the permissions and events it needs.', link);
  const said = [
    ...(lacks.length === 0 ? [] : [`It lacks ${lacks.join(', ')}.`]),
    ...(deaf.length === 0 ? [] : [`It is not told of ${deaf.join(', ')}.`]),
  ];
  return toDo(
    said.join(' '),
    'Add them in the settings of the App, under “Permissions & events”, and accept them in the installation.',
    link,
  );
}

/** Those that the settings at GitHub tell; the guard itself knows the others. */
type SettingsTopic = Exclude<PostureTopic, 'name' | 'sight'>;

const judges: Readonly<Record<SettingsTopic, Judge>> = {
  'required-check': requiredCheck,
  'direct-pushes': directPushes,
  'force-pushes': closedByRule(
    'non_fast_forward',
    'Block force pushes',
    (protection) => protection.allow_force_pushes?.enabled === true,
    { good: 'They are blocked.', bad: 'Its history can be rewritten.' },
  ),
  deletions: closedByRule(
    'deletion',
    'Restrict deletions',
    (protection) => protection.allow_deletions?.enabled === true,
    { good: 'It cannot be deleted.', bad: 'It can be deleted.' },
  ),
  'other-branches': closedForAll('branch', ['creation', 'update'], {
    good: 'Only those who may pass by a ruleset can create and update them.',
    bad: 'Everybody who may write can push to them past the guard; the guard tells of it afterwards.',
    change:
      'Add a ruleset for all branches with “Restrict creations” and “Restrict updates”, and let only the App of the guard pass by.',
  }),
  tags: closedForAll('tag', ['creation', 'update', 'deletion'], {
    good: 'Only those who may pass by a ruleset can create, move and delete them.',
    bad: 'Everybody who may write can create, move or delete them past the guard.',
    change:
      'Add a ruleset for all tags with “Restrict creations”, “Restrict updates” and “Restrict deletions”, and let only the App of the guard pass by.',
  }),
  bypass,
  'deploy-keys': deployKeys,
  'workflow-token': workflowToken,
  'push-protection': pushProtection,
  app: ownApp,
};

/** The points that the settings tell, in their order. `forgeUrl` is where the forge has its pages. */
export function judgePosture(settings: RepositorySettings, forgeUrl: string): readonly PosturePoint[] {
  const { rulesets, protection, installation, repository } = settings;
  const all = rulesets.kind === 'read' ? rulesets.value : [];
  const missing = [rulesets, protection].find((read) => read.kind === 'missing');
  const scene: Scene = {
    settings,
    forgeUrl,
    app: installation.app_id,
    all,
    rulesets: rulesetsOfDefault(all, repository.default_branch),
    protection: protection.kind === 'read' ? protection.value : null,
    missing: missing?.kind === 'missing' ? missing.permission : undefined,
  };
  return postureTopicNames.flatMap((topic) =>
    topic === 'name' || topic === 'sight' ? [] : [{ topic, ...judges[topic](scene) }],
  );
}
