// What the points of a posture are judged by, and the forms of what they say.
import type { PosturePoint } from '../../core/posture.ts';
import type { ProtectionSettings, RepositorySettings, RulesetSettings } from './read-settings.ts';

export interface Scene {
  readonly settings: RepositorySettings;
  /** Address of the forge. */
  readonly forgeUrl: string;
  /** Number of the guard's App. */
  readonly app: number;
  readonly all: readonly RulesetSettings[];
  /** Those that hold for the default branch. */
  readonly rulesets: readonly RulesetSettings[];
  readonly protection: ProtectionSettings | null;
  /** The permission without which what is there cannot be told; undefined where everything was read. */
  readonly missing: string | undefined;
}

export type Judgement = Omit<PosturePoint, 'topic'>;
export type Judge = (scene: Scene) => Judgement;

/** Nothing is to be done. */
export function fine(found: string, link: string | null = null): Judgement {
  return { state: 'ok', found, change: null, link };
}

/** Something is to be changed. */
export function toDo(found: string, change: string, link: string): Judgement {
  return { state: 'to-do', found, change, link };
}

/** It cannot be told without a permission. */
export function unreadable(permission: string, { settings }: Scene): Judgement {
  return {
    state: 'unreadable',
    found: `The App lacks the permission ${permission}.`,
    change: `Grant ${permission} in the settings of the App and accept it in the installation.`,
    link: settings.installation.html_url,
  };
}

/** What is not there by what was read; where something could not be read it may be there. */
export function lacking(scene: Scene, found: string, change: string, link: string): Judgement {
  return scene.missing === undefined ? toDo(found, change, link) : unreadable(scene.missing, scene);
}

/** A page of the repository's settings. */
export function settingsPage({ settings }: Scene, path: string): string {
  return `${settings.repository.html_url}/settings/${path}`;
}

/** The page on which a ruleset is made. */
export function newRuleset(scene: Scene, target: 'branch' | 'tag'): string {
  return settingsPage(scene, `rules/new?target=${target}`);
}

/** The page of a ruleset. */
export function rulesetPage(scene: Scene, { id, source, source_type: type }: RulesetSettings): string {
  return type === 'Organization'
    ? `${scene.forgeUrl}/organizations/${encodeURIComponent(source)}/settings/rules/${id}`
    : settingsPage(scene, `rules/${id}`);
}

/** The first of the rulesets with such a rule. */
export function withRule(rulesets: readonly RulesetSettings[], type: string): RulesetSettings | undefined {
  return rulesets.find(({ rules }) => rules.some((rule) => rule.type === type));
}
