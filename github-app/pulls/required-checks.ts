// The other checks that rules of the target branch ask for: which have failed and which are not done.
import { z } from 'zod';
import type { BranchRule } from './branch-rules.ts';
import type { Hub } from '../hub.ts';
import { checkName } from './check-run.ts';
import type { Pull, PullPlace } from './pull.ts';

export interface Unmet {
  readonly failed: readonly string[];
  readonly open: readonly string[];
}

const requiredChecks = z.object({
  required_status_checks: z.array(z.object({ context: z.string(), integration_id: z.int().nullish() })),
});
const runAnswer = z.object({
  check_runs: z.array(
    z.object({
      name: z.string(),
      conclusion: z.string().nullable(),
      app: z.object({ id: z.int() }).nullable(),
    }),
  ),
});
const statusAnswer = z.object({ statuses: z.array(z.object({ context: z.string(), state: z.string() })) });

const good: ReadonlySet<string> = new Set(['success', 'neutral', 'skipped']);

/** What rules of the branch still lack for the head. Older branch protection is not told; GitHub refuses the merge then. */
export async function unmetChecks(
  hub: Hub,
  { repository, signal }: PullPlace,
  pull: Pull,
  rules: readonly BranchRule[],
): Promise<Unmet> {
  const required = rules
    .filter(({ type }) => type === 'required_status_checks')
    .flatMap(({ parameters }) => requiredChecks.safeParse(parameters).data?.required_status_checks ?? [])
    .filter(({ context }) => context !== checkName);
  if (required.length === 0) return { failed: [], open: [] };
  const [{ check_runs: runs }, { statuses }] = await Promise.all([
    hub.api.ask({
      repository,
      signal,
      route: 'GET /repos/{owner}/{repo}/commits/{ref}/check-runs',
      parameters: { ref: pull.head.sha, per_page: 100 },
      permissions: { checks: 'read' },
      answer: runAnswer,
    }),
    hub.api.ask({
      repository,
      signal,
      route: 'GET /repos/{owner}/{repo}/commits/{ref}/status',
      parameters: { ref: pull.head.sha, per_page: 100 },
      permissions: { statuses: 'read' },
      answer: statusAnswer,
    }),
  ]);
  const stateOf = ({
    context,
    integration_id: by,
  }: (typeof required)[number]): 'good' | 'failed' | 'open' => {
    const run = runs.find(
      ({ name, app }) => name === context && (by === undefined || by === null || app?.id === by),
    );
    if (run !== undefined)
      return run.conclusion === null ? 'open' : good.has(run.conclusion) ? 'good' : 'failed';
    const status = statuses.find((each) => each.context === context);
    if (status === undefined || status.state === 'pending') return 'open';
    return status.state === 'success' ? 'good' : 'failed';
  };
  const named = (state: 'failed' | 'open'): readonly string[] =>
    required.filter((check) => stateOf(check) === state).map(({ context }) => context);
  return { failed: named('failed'), open: named('open') };
}
