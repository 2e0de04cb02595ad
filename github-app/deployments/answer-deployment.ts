// Answers a deployment: that it will be answered, and why, is in the audit log before, what GitHub made of it after. An
// answer that was lost is looked up, never given twice differently.
import type { AuditEvent, Json } from '../../core/audit-event.ts';
import type { DeploymentPlace } from './deployment.ts';
import { review } from './deployment.ts';
import {
  beginAnswer,
  type DeploymentAnswer,
  type DeploymentKey,
  endAnswer,
  type KnownDeployment,
} from './deployment-store.ts';
import { type Hub, type HubServices, repositoryId } from '../hub.ts';
import type { DeploymentLook } from './look-at-deployment.ts';

export interface Answering {
  readonly answer: DeploymentAnswer;
  /** Markdown, for GitHub. */
  readonly comment: string;
  /** The approval that lets it go on. */
  readonly approval?: string;
  /** Why it is rejected: by whom and what. */
  readonly refusal?: { readonly by: 'policy' | 'people' | 'guard'; readonly code: string };
}

/** `answered`: GitHub has taken it, now or before; `gone`: it waits for nothing any more. */
export type Answered = 'answered' | 'gone' | 'otherwise';

/** Where a deployment is remembered. */
export function deploymentKey(hub: Pick<Hub, 'forge'>, { deployment }: DeploymentPlace): DeploymentKey {
  return { forge: hub.forge, deployment };
}

type DeployAction = Extract<AuditEvent['action'], `deploy.${string}`>;

/** An entry about a deployment. */
export function deployEvent(
  hub: Hub,
  place: DeploymentPlace,
  request: string,
  { actor }: Pick<DeploymentLook, 'actor'>,
  action: DeployAction,
  details: Readonly<Record<string, Json>>,
): AuditEvent {
  return { action, request, actor, repository: repositoryId(hub, place.repository), details };
}

/** States the verdict and what it rests on; `approval` is the one that lets it go on. */
export function deployDecided(
  hub: Hub,
  place: DeploymentPlace,
  request: string,
  seen: DeploymentLook,
  approval?: string,
): AuditEvent {
  const { verdict, deployment, shownRef, shownEnvironment, run, mergeApproved } = seen;
  const reasons = (list: typeof verdict.reasons): Json =>
    list.map(({ rule, action }) => ({ rule, action, findings: 0, paths: 0 }));
  return deployEvent(hub, place, request, seen, 'deploy.decided', {
    verdict: verdict.kind,
    ...(approval === undefined ? {} : { approval }),
    policyDigest: verdict.policyDigest,
    reasons: reasons(verdict.reasons),
    monitored: reasons(verdict.monitored),
    refUpdates: [
      { ref: shownRef, kind: 'update', old: '0'.repeat(deployment.sha.length), new: deployment.sha },
    ],
    refUpdateCount: 1,
    findings: [],
    findingCount: 0,
    environment: shownEnvironment,
    deployment: deployment.id,
    run: run.id,
    attempt: run.run_attempt,
    mergeApproved,
    startedBy: run.triggering_actor.login,
  });
}

/** Answers it, once. Rejects as `GithubApi.ask` does, and may be called again then. */
export async function answerDeployment(
  services: HubServices,
  hub: Hub,
  place: DeploymentPlace,
  seen: DeploymentLook,
  known: KnownDeployment,
  answering: Answering,
): Promise<Answered> {
  const { database, audit } = services;
  const { answer, comment, refusal } = answering;
  const key = deploymentKey(hub, place);
  if (known.answeredAt !== null) return known.answer === answer ? 'answered' : 'otherwise';
  const wasBegun = known.answer === answer;
  if (!(await beginAnswer(database, key, answer))) return 'otherwise';
  const isTaken = await review(hub, place, seen.deployment.environment, { state: answer, comment });
  const done = (action: 'deploy.forwarded' | 'deploy.refused', details: Readonly<Record<string, Json>>) =>
    audit.append(deployEvent(hub, place, known.request, seen, action, details));
  // An earlier attempt whose answer was lost has been taken where nothing waits for it any more.
  if (isTaken || wasBegun)
    await (answer === 'approved'
      ? done('deploy.forwarded', isTaken ? {} : { settled: true })
      : done('deploy.refused', { ...(refusal ?? { by: 'policy', code: 'policy/denied' }) }));
  else await done('deploy.refused', { by: 'upstream', code: 'gone' });
  await endAnswer(database, key);
  return isTaken || wasBegun ? 'answered' : 'gone';
}
