// What runners do on the fake: runs begin, jobs end and leave logs, artifacts are uploaded, deployments ask their rules.
import type { Deliveries } from './deliveries.ts';
import { repositoryJson, userJson } from './render-account.ts';
import { deploymentJson, jobJson, runJson } from './render-workflow.ts';
import {
  type Deployment,
  type WorkflowArtifact,
  type WorkflowJob,
  type WorkflowRun,
  workflowsOf,
} from './workflow-state.ts';
import { accountOf, type Repository, type World } from './world.ts';

export interface RunWish {
  readonly by: string;
  /** Default: the head of the default branch. */
  readonly sha?: string;
  readonly branch?: string;
  readonly name?: string;
}

/** Lines as a runner writes them, each `seconds` behind the one before. */
export function runnerLog(lines: readonly string[], startedAt: Date, seconds = 1): Uint8Array {
  const stamp = (at: number): string => new Date(at).toISOString().replace('Z', '0000Z');
  const written = lines.map(
    (line, index) => `${stamp(startedAt.getTime() + index * seconds * 1_000)} ${line}\n`,
  );
  return Buffer.from(`\uFEFF${written.join('')}`);
}

export class WorkflowActions {
  readonly #world: World;
  readonly #deliveries: Deliveries;

  constructor(world: World, deliveries: Deliveries) {
    this.#world = world;
    this.#deliveries = deliveries;
  }

  #tell(event: string, repository: Repository, run: WorkflowRun, payload: object): void {
    this.#deliveries.emit(event, repository, {
      ...payload,
      repository: repositoryJson(this.#world, repository),
      sender: userJson(this.#world, run.triggeringActor),
    });
  }

  async startRun(repository: Repository, wish: RunWish): Promise<WorkflowRun> {
    const branch = wish.branch ?? repository.defaultBranch;
    const run: WorkflowRun = {
      id: this.#world.nextId(),
      name: wish.name ?? 'CI',
      headSha: wish.sha ?? (await repository.git.git('rev-parse', `refs/heads/${branch}`)).trim(),
      headBranch: branch,
      event: 'push',
      actor: accountOf(this.#world, wish.by),
      triggeringActor: accountOf(this.#world, wish.by),
      createdAt: this.#world.now(),
      startedAt: this.#world.now(),
      attempt: 1,
      status: 'in_progress',
      conclusion: null,
      jobs: [],
      artifacts: [],
      logsDeletedAt: undefined,
    };
    workflowsOf(repository).runs.set(run.id, run);
    return run;
  }

  /** A job that has ended with these lines in its log; without lines there is none. */
  endJob(
    repository: Repository,
    run: WorkflowRun,
    name: string,
    lines: readonly string[] | undefined,
    startedAt = new Date(this.#world.now().getTime() - 60_000),
  ): WorkflowJob {
    const job: WorkflowJob = {
      id: this.#world.nextId(),
      attempt: run.attempt,
      name,
      startedAt,
      status: 'completed',
      conclusion: 'success',
      ran: true,
      log: lines === undefined ? undefined : runnerLog(lines, startedAt),
    };
    run.jobs.push(job);
    this.tellJob(repository, run, job);
    return job;
  }

  /** A job that is cancelled before a runner has taken it. */
  cancelJob(repository: Repository, run: WorkflowRun, name: string): WorkflowJob {
    const job: WorkflowJob = {
      id: this.#world.nextId(),
      attempt: run.attempt,
      name,
      startedAt: this.#world.now(),
      status: 'completed',
      conclusion: 'cancelled',
      ran: false,
      log: undefined,
    };
    run.jobs.push(job);
    this.tellJob(repository, run, job);
    return job;
  }

  tellJob(repository: Repository, run: WorkflowRun, job: WorkflowJob): void {
    const told = jobJson(this.#world, repository, run, job);
    this.#tell('workflow_job', repository, run, { action: 'completed', workflow_job: told });
  }

  upload(run: WorkflowRun, name: string, zip: Uint8Array, createdAt = this.#world.now()): WorkflowArtifact {
    const artifact = { id: this.#world.nextId(), name, zip, createdAt, expired: false };
    run.artifacts.push(artifact);
    return artifact;
  }

  endRun(repository: Repository, run: WorkflowRun): void {
    run.status = 'completed';
    run.conclusion = 'success';
    const told = runJson(this.#world, repository, run);
    this.#tell('workflow_run', repository, run, { action: 'completed', workflow_run: told });
  }

  /** Runs it once more. */
  rerun(run: WorkflowRun, by: string): void {
    run.attempt += 1;
    run.startedAt = this.#world.now();
    run.status = 'in_progress';
    run.conclusion = null;
    run.triggeringActor = accountOf(this.#world, by);
  }

  /** A job of the run wants to deploy and waits for the rules of the environment. */
  requestDeployment(repository: Repository, run: WorkflowRun, environment: string): Deployment {
    const deployment: Deployment = {
      id: this.#world.nextId(),
      run,
      environment,
      sha: run.headSha,
      ref: run.headBranch,
      creator: run.triggeringActor,
      createdAt: this.#world.now(),
      told: [],
      state: 'waiting',
    };
    run.status = 'waiting';
    workflowsOf(repository).deployments.set(deployment.id, deployment);
    const api = `${this.#world.apiUrl}/repos/${repository.owner.login}/${repository.name}`;
    this.#tell('deployment_protection_rule', repository, run, {
      action: 'requested',
      environment,
      event: 'push',
      deployment_callback_url: `${api}/actions/runs/${run.id}/deployment_protection_rule`,
      deployment: deploymentJson(this.#world, repository, deployment),
      pull_requests: [],
    });
    return deployment;
  }
}
