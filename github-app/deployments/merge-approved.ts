// Did people approve the merge of exactly this commit? GitHub says which pull request it is the head or the merge of; that
// people approved that head is the guard's own record.
import { z } from 'zod';
import type { ApprovalState } from '../../core/approval/state.ts';
import type { Hub, HubServices } from '../hub.ts';
import { readCheck } from '../store.ts';

const pullsAnswer = z.object({
  number: z.int(),
  merged_at: z.string().nullable(),
  merge_commit_sha: z.string().nullable(),
  head: z.object({ sha: z.string() }),
});

const agreed: readonly ApprovalState[] = ['approved', 'applying', 'applied'];

/** True where it is the head of a pull request whose merge was approved with this head, or the commit of that merge. */
export async function isMergeApproved(
  { database, approvals }: Pick<HubServices, 'database' | 'approvals'>,
  hub: Hub,
  {
    repository,
    sha,
    signal,
  }: { readonly repository: string; readonly sha: string; readonly signal: AbortSignal },
): Promise<boolean> {
  const pulls = await hub.api.askAll({
    repository,
    signal,
    route: 'GET /repos/{owner}/{repo}/commits/{commit_sha}/pulls',
    parameters: { commit_sha: sha },
    permissions: { contents: 'read', pull_requests: 'read' },
    answer: pullsAnswer,
  });
  for (const { number, head, merged_at: mergedAt, merge_commit_sha: merge } of pulls) {
    const isIt = head.sha === sha || (mergedAt !== null && merge === sha);
    const check = isIt
      ? await readCheck(database, { forge: hub.forge, repository, subject: `pull/${number}` })
      : undefined;
    if (check === undefined || check.approval === null) continue;
    const approval = await approvals.status(check.approval);
    if (approval === undefined || approval.binding.kind !== 'merge') continue;
    const isBound = approval.binding.refUpdates[0]?.newOid === head.sha;
    if (isBound && agreed.includes(approval.state)) return true;
  }
  return false;
}
