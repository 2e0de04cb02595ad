// What the rules of a target branch ask for, and what of a pull request's history they let land there.
import { z } from 'zod';
import type { Hub } from './hub.ts';
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

const methods = ['merge', 'squash', 'rebase'] as const;
type Method = (typeof methods)[number];

const pullRule = z.object({ allowed_merge_methods: z.array(z.string()) });
const queueRule = z.object({ merge_method: z.string() });

/** Whether a pull request can land with all its commits, and not as one that is made of its result. */
export async function landsCommits(hub: Hub, place: PullPlace, pull: Pull): Promise<boolean> {
  const {
    allow_merge_commit: merge,
    allow_rebase_merge: rebase,
    allow_squash_merge: squash,
  } = pull.base.repo;
  // GitHub does not tell everybody; what it does not tell may be so.
  const allowed: Readonly<Record<Method, boolean>> = {
    merge: merge !== false,
    rebase: rebase !== false,
    squash: squash !== false,
  };
  const left = methods.filter((method) => allowed[method]);
  if (left.length === 1 && left[0] === 'squash') return false;
  const rules = await readRules(hub, place, pull);
  return rules.reduce(within, left).some((method) => method !== 'squash');
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
