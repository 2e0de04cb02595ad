// One look at a deployment that waits: what is deployed to where, who is behind it, what the policy says. Nothing is
// written.
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { ApprovalBinding } from '../../core/approval/binding.ts';
import { findingsDigest } from '../../core/approval/binding.ts';
import type { Operation } from '../../core/operation.ts';
import { zeroOid } from '../../core/oid.ts';
import type { Principal } from '../../core/principal.ts';
import type { Verdict } from '../../core/verdict.ts';
import { type Deployment, type DeploymentPlace, readDeployment } from './deployment.ts';
import { type Hub, type HubServices, repositoryId } from '../hub.ts';
import { oneLine } from '../markdown.ts';
import { isMergeApproved } from './merge-approved.ts';
import { actorBehind } from '../workflows/run-actor.ts';
import { shownName } from '../shown-names.ts';
import { readRun, type WorkflowRun } from '../workflows/workflow-run.ts';

export interface DeploymentLook {
  readonly deployment: Deployment;
  readonly run: WorkflowRun;
  readonly actor: Principal;
  readonly verdict: Verdict;
  /** Full name of what is deployed. */
  readonly ref: string;
  /** As it may be recorded. */
  readonly shownEnvironment: string;
  readonly shownRef: string;
  readonly mergeApproved: boolean;
}

const repositoryAnswer = z.object({ default_branch: z.string() });

/** Looks. Rejects as `GithubApi.ask` does. */
export async function lookAtDeployment(
  services: HubServices,
  hub: Hub,
  place: DeploymentPlace,
): Promise<DeploymentLook> {
  const { repository, signal } = place;
  const [deployment, run, { default_branch: defaultBranch }] = await Promise.all([
    readDeployment(hub, place),
    readRun(hub, place),
    hub.api.ask({
      repository,
      signal,
      route: 'GET /repos/{owner}/{repo}',
      permissions: { metadata: 'read' },
      answer: repositoryAnswer,
    }),
  ]);
  const actor = await actorBehind(services, hub, repository, run);
  const { sha, ref: name, environment } = deployment;
  const ref = name.startsWith('refs/') ? name : `refs/heads/${name}`;
  const mergeApproved = await isMergeApproved(services, hub, { repository, sha, signal });
  const operation: Operation = {
    kind: 'deploy',
    actor,
    repository: repositoryId(hub, repository),
    refUpdates: [
      {
        ref,
        oldOid: zero(sha),
        newOid: sha,
        kind: 'update',
        isDefaultBranch: ref === `refs/heads/${defaultBranch}`,
      },
    ],
    paths: [],
    size: { bytes: 0, objects: 0, commits: 0 },
    foreignAuthors: [],
    findings: [],
    environment,
    mergeApproved,
  };
  return {
    deployment,
    run,
    actor,
    ref,
    mergeApproved,
    verdict: services.policy.decide(operation, services.clock.now()),
    shownEnvironment: await shownName(services.scanner, environment, signal),
    shownRef: await shownName(services.scanner, ref, signal),
  };
}

const zero = (sha: string) => zeroOid(sha.length === 64 ? 'sha256' : 'sha1');

/** What an approval of it covers: this commit and ref, to this environment, by this run. */
export function deploymentBinding(
  { scanner }: Pick<HubServices, 'scanner'>,
  hub: Hub,
  place: DeploymentPlace,
  { deployment, actor, ref, verdict }: DeploymentLook,
): ApprovalBinding {
  const { sha, environment } = deployment;
  // Names of its own, so that requests about pushes and pull requests of the same branch go on beside it.
  const name = `refs/deployments/run-${place.run}`;
  const bound = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);
  const plain = (text: string): string => oneLine(text, 100).replaceAll(/[^\w.-]+/g, '-');
  return {
    kind: 'deploy',
    repository: repositoryId(hub, place.repository),
    refUpdates: [
      { ref: `${name}/to/${plain(environment)}-${bound(environment)}`, oldOid: zero(sha), newOid: sha },
      { ref: `${name}/from/${plain(ref)}-${bound(ref)}`, oldOid: zero(sha), newOid: sha },
    ],
    objectSetDigest: '',
    findingsDigest: findingsDigest([]),
    policyDigest: verdict.policyDigest,
    catalogDigest: scanner.catalogDigest,
    actor,
    owner: null,
  };
}
