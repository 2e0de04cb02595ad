// Who is behind a run of a workflow: whoever brought the commit through the guard, where it runs by itself because of
// that, and otherwise the account that started it.
import type { Principal } from '../../core/principal.ts';
import { type Hub, type HubServices, repositoryId } from '../hub.ts';
import { authorOf } from '../people.ts';
import type { WorkflowRun } from './workflow-run.ts';

/** Events by which a commit starts a run without anybody asking for it. */
const byCommit: ReadonlySet<string> = new Set([
  'push',
  'pull_request',
  'pull_request_target',
  'merge_group',
  'create',
  'workflow_run',
]);

/** The principal; that of the push where the guard knows it, so that both are one session. */
export async function actorBehind(
  { pushedBy }: Pick<HubServices, 'pushedBy'>,
  hub: Hub,
  repository: string,
  run: WorkflowRun,
): Promise<Principal> {
  const account = run.triggering_actor;
  const runsByItself = byCommit.has(run.event) && (run.run_attempt === 1 || account.type === 'Bot');
  const pusher = runsByItself ? await pushedBy(repositoryId(hub, repository), run.head_sha) : undefined;
  if (pusher !== undefined) return pusher;
  return {
    ...authorOf(hub, account, { repository, number: 0 }),
    session: `github-run:${repositoryId(hub, repository)}#${run.id}`,
  };
}
