// A deployment of a workflow run that waits for its protection rules, as GitHub tells it now. Names are attacker-controlled.
import { z } from 'zod';
import { type Oid, parseOid } from '../../core/oid.ts';
import { GithubRefusal } from '../api.ts';
import type { Hub } from '../hub.ts';
import type { DeploymentAnswer } from './deployment-store.ts';

export interface DeploymentPlace {
  readonly repository: string;
  readonly deployment: number;
  readonly run: number;
  readonly signal: AbortSignal;
}

const deploymentAnswer = z.object({
  id: z.int(),
  sha: z.string().transform((text, context): Oid => {
    const parsed = parseOid(text, text.length === 64 ? 'sha256' : 'sha1');
    if (parsed !== undefined) return parsed;
    context.addIssue({ code: 'custom', message: 'expected an object id' });
    return z.NEVER;
  }),
  ref: z.string().max(1_024),
  environment: z.string().max(1_024),
});
export type Deployment = z.output<typeof deploymentAnswer>;

/** The deployment. Rejects as `GithubApi.ask` does. */
export function readDeployment(
  { api }: Pick<Hub, 'api'>,
  { repository, deployment, signal }: DeploymentPlace,
): Promise<Deployment> {
  return api.ask({
    repository,
    signal,
    route: 'GET /repos/{owner}/{repo}/deployments/{deployment_id}',
    parameters: { deployment_id: deployment },
    permissions: { deployments: 'read' },
    answer: deploymentAnswer,
  });
}

const pendingAnswer = z.array(z.object({ environment: z.object({ name: z.string().optional() }) }));

/** True where the run still waits in this environment. */
export async function isPending(
  { api }: Pick<Hub, 'api'>,
  { repository, run, signal }: DeploymentPlace,
  environment: string,
): Promise<boolean> {
  const pending = await api.ask({
    repository,
    signal,
    route: 'GET /repos/{owner}/{repo}/actions/runs/{run_id}/pending_deployments',
    parameters: { run_id: run },
    permissions: { actions: 'read' },
    answer: pendingAnswer,
  });
  const wanted = environment.toLowerCase();
  return pending.some((one) => one.environment.name?.toLowerCase() === wanted);
}

const longestComment = 1_000;

/** Tells GitHub what the guard says; without a state it is only shown. False where nothing waits for it any more. */
export async function review(
  hub: Pick<Hub, 'api'>,
  place: DeploymentPlace,
  environment: string,
  said: { readonly state?: DeploymentAnswer; readonly comment: string },
): Promise<boolean> {
  const { repository, run, signal } = place;
  try {
    await hub.api.ask({
      repository,
      signal,
      route: 'POST /repos/{owner}/{repo}/actions/runs/{run_id}/deployment_protection_rule',
      parameters: {
        run_id: run,
        environment_name: environment,
        comment: said.comment.slice(0, longestComment),
        ...(said.state === undefined ? {} : { state: said.state }),
      },
      permissions: { deployments: 'write' },
      // Whether an answer that was lost was taken is for the next attempt to find out.
      mayRepeat: false,
      answer: z.unknown(),
    });
    return true;
  } catch (thrown) {
    // What GitHub does not wait for any more, it refuses as a request that cannot be right.
    const isRefused = thrown instanceof GithubRefusal && [404, 409, 422].includes(thrown.status);
    if (isRefused && !(await isPending(hub, place, environment))) return false;
    throw thrown;
  }
}
