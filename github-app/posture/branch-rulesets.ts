// Which rulesets hold for a ref, and who may pass by them. Patterns are the organization's own.
import { compileGlobs, GlobError } from '../../core/glob.ts';
import type { RulesetSettings } from './read-settings.ts';

type Target = 'branch' | 'tag';

/** Active rulesets that hold for the default branch, which has this name. */
export function rulesetsOfDefault(
  rulesets: readonly RulesetSettings[],
  branch: string,
): readonly RulesetSettings[] {
  const matches = (pattern: string): boolean =>
    pattern === '~ALL' || pattern === '~DEFAULT_BRANCH' || globMatches(pattern, `refs/heads/${branch}`);
  return rulesets.filter((ruleset) => {
    const { include = [], exclude = [] } = ruleset.conditions?.ref_name ?? {};
    return isActive(ruleset, 'branch') && include.some(matches) && !exclude.some(matches);
  });
}

const everything: Readonly<Record<Target, readonly string[]>> = {
  branch: ['~ALL', 'refs/heads/**', 'refs/heads/**/*'],
  tag: ['~ALL', 'refs/tags/**', 'refs/tags/**/*'],
};

/** Active rulesets that hold for every branch, or for every tag, without exception. */
export function rulesetsOfAll(
  rulesets: readonly RulesetSettings[],
  target: Target,
): readonly RulesetSettings[] {
  return rulesets.filter((ruleset) => {
    const { include = [], exclude = [] } = ruleset.conditions?.ref_name ?? {};
    const isAll = include.some((pattern) => everything[target].includes(pattern));
    return isActive(ruleset, target) && isAll && exclude.length === 0;
  });
}

function isActive({ enforcement, target }: RulesetSettings, wanted: Target): boolean {
  return enforcement === 'active' && target === wanted;
}

function globMatches(pattern: string, ref: string): boolean {
  try {
    return compileGlobs([pattern])(ref);
  } catch (thrown) {
    if (thrown instanceof GlobError) return false;
    throw thrown;
  }
}

/** Roles by the numbers that GitHub gives them. */
const roles: Readonly<Record<number, string>> = { 2: 'maintain', 4: 'write', 5: 'admin' };

const actors: Readonly<Record<string, (id: number) => string>> = {
  Integration: (id) => `App ${id}`,
  OrganizationAdmin: () => 'owners of the organization',
  RepositoryRole: (id) => `everybody with the role ${roles[id] ?? id}`,
  Team: (id) => `team ${id}`,
  DeployKey: () => 'deploy keys',
  User: (id) => `account ${id}`,
};

const modes: Readonly<Record<string, string>> = {
  exempt: ', without a trace',
  pull_request: ', in pull requests',
};

/** Everybody but the guard's App who may pass by, for people. Undefined where GitHub does not tell. */
export function passersBy(
  { bypass_actors: listed }: RulesetSettings,
  app: number,
): readonly string[] | undefined {
  return listed
    ?.filter(({ actor_type: type, actor_id: id }) => type !== 'Integration' || id !== app)
    .map(
      ({ actor_type: type, actor_id: id, bypass_mode: mode }) =>
        `${actors[type]?.(id ?? 0) ?? type}${modes[mode] ?? ''}`,
    );
}
