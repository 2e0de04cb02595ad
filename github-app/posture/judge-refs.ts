// How branches and tags are protected: the required check, who may write past the guard, who may pass by the rules. Pure.
import { z } from 'zod';
import { checkName } from '../pulls/check-run.ts';
import { passersBy, rulesetsOfAll } from './branch-rulesets.ts';
import type { ProtectionSettings } from './read-settings.ts';
import {
  fine,
  type Judge,
  type Judgement,
  lacking,
  newRuleset,
  rulesetPage,
  type Scene,
  settingsPage,
  toDo,
  unreadable,
  withRule,
} from './scene.ts';

const checksOf = z.object({
  required_status_checks: z.array(z.object({ context: z.string(), integration_id: z.int().nullish() })),
});

/** Whether the guard's check is required, of the guard's App. */
export function requiredCheck(scene: Scene): Judgement {
  const { rulesets, protection, app } = scene;
  const inRulesets = rulesets.flatMap((ruleset) =>
    ruleset.rules
      .filter(({ type }) => type === 'required_status_checks')
      .flatMap(({ parameters }) => checksOf.safeParse(parameters).data?.required_status_checks ?? [])
      .map(({ context, integration_id: by }) => ({ context, by, link: rulesetPage(scene, ruleset) })),
  );
  const inProtection = (protection?.required_status_checks?.checks ?? []).map(({ context, app_id: by }) => ({
    context,
    by,
    link: settingsPage(scene, 'branches'),
  }));
  const found = [...inRulesets, ...inProtection].filter(({ context }) => context === checkName);
  const pinned = found.find(({ by }) => by === app);
  if (pinned !== undefined)
    return fine(`“${checkName}” is required, and only the App can post it.`, pinned.link);
  const [loose] = found;
  if (loose !== undefined)
    return toDo(
      `“${checkName}” is required, but anybody who may write can post a check of that name.`,
      'Choose the App of the guard as the source of the required check.',
      loose.link,
    );
  return lacking(
    scene,
    `“${checkName}” is not required: what it finds keeps nobody from merging.`,
    `Add “Require status checks to pass” to a ruleset of the default branch, with “${checkName}” and the App of the guard as its source.`,
    newRuleset(scene, 'branch'),
  );
}

/** Whether the default branch changes through the guard or by pull requests only. */
export function directPushes(scene: Scene): Judgement {
  const { rulesets, protection, app } = scene;
  const closed = withRule(rulesets, 'update');
  if (closed !== undefined)
    return fine('Only those who may pass by a ruleset can update it.', rulesetPage(scene, closed));
  const reviewed = withRule(rulesets, 'pull_request');
  if (reviewed !== undefined) return fine('It changes by pull requests only.', rulesetPage(scene, reviewed));
  const link = settingsPage(scene, 'branches');
  const { restrictions, required_pull_request_reviews: reviews } = protection ?? {};
  const isRestricted = restrictions !== null && restrictions !== undefined;
  const others = isRestricted
    ? [...restrictions.users, ...restrictions.teams, ...restrictions.apps.filter(({ id }) => id !== app)]
    : [];
  if (isRestricted && others.length === 0) return fine('Only the App may push.', link);
  if (reviews !== null && reviews !== undefined) return fine('It changes by pull requests only.', link);
  return lacking(
    scene,
    isRestricted
      ? 'Others than the App may push to it.'
      : 'Everybody who may write can push to it past the guard.',
    'Add “Restrict updates” or “Require a pull request before merging” to a ruleset of the default branch, and let only the App of the guard pass by.',
    isRestricted ? link : newRuleset(scene, 'branch'),
  );
}

interface Sentences {
  readonly good: string;
  readonly bad: string;
}

/** Whether the default branch is closed by a rule, or by older protection that does not allow it. */
export function closedByRule(
  rule: string,
  wish: string,
  allows: (protection: ProtectionSettings) => boolean,
  { good, bad }: Sentences,
): Judge {
  return (scene) => {
    const closed = withRule(scene.rulesets, rule);
    if (closed !== undefined) return fine(good, rulesetPage(scene, closed));
    if (scene.protection !== null && !allows(scene.protection))
      return fine(good, settingsPage(scene, 'branches'));
    const change = `Add “${wish}” to a ruleset of the default branch.`;
    return lacking(scene, bad, change, newRuleset(scene, 'branch'));
  };
}

/** Whether rules close every branch or tag. */
export function closedForAll(
  target: 'branch' | 'tag',
  rules: readonly string[],
  { good, bad, change }: Sentences & { readonly change: string },
): Judge {
  return (scene) => {
    const { rulesets } = scene.settings;
    if (rulesets.kind === 'missing') return unreadable(rulesets.permission, scene);
    const held = rulesetsOfAll(scene.all, target);
    const [first] = held;
    return first !== undefined && rules.every((rule) => withRule(held, rule) !== undefined)
      ? fine(good, rulesetPage(scene, first))
      : toDo(bad, change, newRuleset(scene, target));
  };
}

/** Who besides the App may pass by what protects. */
export function bypass(scene: Scene): Judgement {
  const { rulesets, all, protection, app, settings } = scene;
  if (settings.rulesets.kind === 'missing') return unreadable(settings.rulesets.permission, scene);
  const held = [...new Set([...rulesets, ...rulesetsOfAll(all, 'branch'), ...rulesetsOfAll(all, 'tag')])];
  if (held.length === 0 && protection === null)
    return lacking(
      scene,
      'There is nothing to pass by: nothing is protected.',
      'Protect the default branch first.',
      newRuleset(scene, 'branch'),
    );
  const named = held.flatMap((ruleset) =>
    (passersBy(ruleset, app) ?? []).map((who) => ({
      who: `${who} (${ruleset.name})`,
      link: rulesetPage(scene, ruleset),
    })),
  );
  const hasAdmins = protection?.enforce_admins?.enabled === false;
  const listed = [
    ...named.map(({ who }) => who),
    ...(hasAdmins ? ['administrators (branch protection)'] : []),
  ];
  if (listed.length > 0)
    return toDo(
      `Besides the App: ${[...new Set(listed)].join('; ')}.`,
      `Take them off the bypass list${hasAdmins ? ', and choose “Do not allow bypassing the above settings” in the branch protection' : ''}.`,
      named[0]?.link ?? settingsPage(scene, 'branches'),
    );
  const hidden = held.find((ruleset) => passersBy(ruleset, app) === undefined);
  if (hidden === undefined) return fine('Nobody but the App.');
  return {
    state: 'unreadable',
    found: `GitHub tells the bypass list of “${hidden.name}” only with the permission administration: write.`,
    change: 'Look at the bypass list yourself: only the App of the guard should be on it.',
    link: rulesetPage(scene, hidden),
  };
}
