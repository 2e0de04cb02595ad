// What the rules of a target branch ask for, and what of a pull request's history they let land there.
import { z } from 'zod';
import type { Hub } from '../hub.ts';
import type { Pull, PullPlace } from './pull.ts';

const rule = z.object({ type: z.string(), parameters: z.unknown().optional() });
export type BranchRule = z.output<typeof rule>;

/** The rules of rulesets for the target branch; older branch protection is not told. */
export function readRules(
  { api }: Hub,
  { repository, signal }: PullPlace,
  pull: Pull,
): Promise<readonly BranchRule[]> {
  return api.askAll({
    repository,
    signal,
    route: 'GET /repos/{owner}/{repo}/rules/branches/{branch}',
    parameters: { branch: pull.base.ref },
    permissions: { metadata: 'read' },
    answer: rule,
  });
}

const methods = ['squash', 'merge', 'rebase'] as const;
export type Method = (typeof methods)[number];

const pullRule = z.object({ allowed_merge_methods: z.array(z.string()) });
const queueRule = z.object({ merge_method: z.string() });

/** Whether a pull request can land with all its commits, and not as one that is made of its result. */
export async function landsCommits(hub: Hub, place: PullPlace, pull: Pull): Promise<boolean> {
  // Where nothing is allowed, whoever merges does so around the rules.
  const lands = (left: readonly Method[]): boolean =>
    left.length === 0 || left.some((one) => one !== 'squash');
  if (!lands(allowedMethods(pull, []))) return false;
  return lands(allowedMethods(pull, await readRules(hub, place, pull)));
}

/** How it can be merged, in the order in which the guard prefers it: one commit is all that was looked at. */
export function allowedMethods({ base: { repo } }: Pull, rules: readonly BranchRule[]): readonly Method[] {
  // GitHub does not tell everybody; what it does not tell may be so.
  const allowed: Readonly<Record<Method, boolean>> = {
    squash: repo.allow_squash_merge !== false,
    merge: repo.allow_merge_commit !== false,
    rebase: repo.allow_rebase_merge !== false,
  };
  return rules.reduce(
    within,
    methods.filter((method) => allowed[method]),
  );
}

/** What a rule leaves of the methods. */
function within(left: readonly Method[], { type, parameters }: BranchRule): readonly Method[] {
  switch (type) {
    case 'pull_request': {
      const only = pullRule.safeParse(parameters).data?.allowed_merge_methods;
      return only === undefined ? left : left.filter((method) => only.includes(method));
    }
    case 'merge_queue': {
      const only = queueRule.safeParse(parameters).data?.merge_method.toLowerCase();
      return only === undefined ? left : methods.filter((method) => method === only);
    }
    case 'required_linear_history':
      return left.filter((method) => method !== 'merge');
    default:
      return left;
  }
}
