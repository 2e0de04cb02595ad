// A deployment asks its protection rule: the guard answers by its policy, at once or when people have decided. May be done
// again at any time; what was answered is answered.
import { createHash } from 'node:crypto';
import type { Approval } from '../../core/approval.ts';
import type { ApprovalState } from '../../core/approval/state.ts';
import type { Principal } from '../../core/principal.ts';
import { answerDeployment, deployDecided, deployEvent, deploymentKey } from './answer-deployment.ts';
import { type DeploymentPlace, isPending, review } from './deployment.ts';
import { type KnownDeployment, openDeployment, setApproval, setTold } from './deployment-store.ts';
import type { Hub, HubServices } from '../hub.ts';
import { deploymentBinding, type DeploymentLook, lookAtDeployment } from './look-at-deployment.ts';
import { code, oneLine } from '../markdown.ts';
import { isAbsent } from '../workflows/read-log.ts';

/** What ended a request without an approval, in words for GitHub. */
const endings: Readonly<Partial<Record<ApprovalState, string>>> = {
  denied: 'It was denied',
  expired: 'Nobody approved it in time',
  superseded: 'It was replaced by a newer request',
  cancelled: 'The request was withdrawn',
  failed: 'It was approved and could not be carried out',
  stale: 'It is no longer what was approved',
};

/** Looks, asks the policy, asks people, answers. Rejects where it has to be tried again. */
export async function evaluateDeployment(
  services: HubServices,
  hub: Hub,
  place: DeploymentPlace,
): Promise<void> {
  const { forge } = hub;
  const { repository, run, deployment } = place;
  const request = createHash('sha256')
    .update(JSON.stringify([forge, 'deployment', deployment]))
    .digest('hex');
  const known = await openDeployment(
    services.database,
    { forge, deployment },
    { repository, run, request: request.slice(0, 16) },
  );
  if (known.answeredAt !== null) return;
  let seen: DeploymentLook;
  try {
    seen = await lookAtDeployment(services, hub, place);
  } catch (thrown) {
    // Deleted, or its run is: nothing waits.
    if (isAbsent(thrown)) return;
    throw thrown;
  }
  if (known.approval === null) await decide(services, hub, place, seen, known);
  else await follow(services, hub, place, seen, known, known.approval);
}

async function decide(
  services: HubServices,
  hub: Hub,
  place: DeploymentPlace,
  seen: DeploymentLook,
  known: KnownDeployment,
): Promise<void> {
  const { verdict } = seen;
  await services.audit.append(deployDecided(hub, place, known.request, seen));
  if (verdict.kind === 'hold') return hold(services, hub, place, seen, known);
  const isAllowed = verdict.kind === 'allow';
  await answerDeployment(services, hub, place, seen, known, {
    answer: isAllowed ? 'approved' : 'rejected',
    comment: isAllowed
      ? 'No rule of the policy holds it.'
      : `The policy does not allow it: ${rulesOf(verdict)}.`,
    ...(isAllowed ? {} : { refusal: { by: 'policy', code: 'policy/denied' } }),
  });
}

async function hold(
  services: HubServices,
  hub: Hub,
  place: DeploymentPlace,
  seen: DeploymentLook,
  known: KnownDeployment,
): Promise<void> {
  const { verdict, deployment, run, shownEnvironment, shownRef, mergeApproved } = seen;
  const held = await services.approvals.request({
    request: known.request,
    binding: deploymentBinding(services, hub, place, seen),
    held: `${hub.forge}/${place.repository}#deployment-${place.deployment}`,
    reason: null,
    holds: verdict.reasons
      .filter(({ action }) => action === 'hold')
      .map(({ rule, message }) => ({ rule, message })),
    requirements: verdict.approvals,
    details: {
      environment: shownEnvironment,
      commit: deployment.sha,
      from: shownRef,
      run: run.html_url,
      startedBy: run.triggering_actor.login,
      mergeApproved,
    },
  });
  await services.audit.append(
    deployEvent(hub, place, known.request, seen, 'deploy.held', {
      approval: held.id,
      isNew: held.isNew,
      expires: held.expiresAt.toISOString(),
    }),
  );
  await setApproval(services.database, deploymentKey(hub, place), held.id);
  await tellWaiting(services, hub, place, seen, held.id);
}

/** The rules that decided, as Markdown. */
function rulesOf({ reasons }: DeploymentLook['verdict']): string {
  return reasons.map(({ rule }) => code(rule)).join(', ');
}

async function tellWaiting(
  services: HubServices,
  hub: Hub,
  place: DeploymentPlace,
  { deployment, verdict, actor }: DeploymentLook,
  approval: string,
): Promise<void> {
  const url = services.approvals.urlOf(approval);
  const comment = `The policy holds it (${rulesOf(verdict)}). Approve or deny it at ${url}`;
  if (!(await review(hub, place, deployment.environment, { comment }))) {
    await withdraw(services, actor, approval);
    return;
  }
  await setTold(services.database, deploymentKey(hub, place));
}

/** Somebody has decided, or nobody has in time. What was approved is answered by the applier. */
async function follow(
  services: HubServices,
  hub: Hub,
  place: DeploymentPlace,
  seen: DeploymentLook,
  known: KnownDeployment,
  id: string,
): Promise<void> {
  const approval = await services.approvals.status(id);
  if (approval === undefined) return;
  const ending = endings[approval.state];
  if (ending !== undefined) {
    await answerDeployment(services, hub, place, seen, known, {
      answer: 'rejected',
      comment: `${ending}.${whoDenied(approval)}`,
      refusal: { by: approval.state === 'denied' ? 'people' : 'guard', code: `approval/${approval.state}` },
    });
    return;
  }
  if (approval.state !== 'waiting') return;
  if (!(await isPending(hub, place, seen.deployment.environment))) await withdraw(services, seen.actor, id);
  else if (!known.told) await tellWaiting(services, hub, place, seen, id);
}

async function withdraw({ approvals }: HubServices, principal: Principal, approval: string): Promise<void> {
  const grant = { principal, owner: null, scopes: [] };
  await approvals.cancel(approval, grant, 'the deployment waits for nothing any more');
}

function whoDenied({ votes, state }: Approval): string {
  const vote = state === 'denied' ? votes.findLast(({ decision }) => decision === 'deny') : undefined;
  if (vote === undefined) return '';
  const comment = vote.comment === null ? '' : ` ${code(oneLine(vote.comment, 300), 300)}`;
  return ` By ${code(vote.person)}:${comment}`;
}
