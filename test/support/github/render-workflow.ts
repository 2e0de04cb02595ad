// Runs, jobs, artifacts and deployments as GitHub's REST API and webhooks write them.
import { instant, nodeId, repositoryJson, userJson } from './render-account.ts';
import type { Deployment, WorkflowArtifact, WorkflowJob, WorkflowRun } from './workflow-state.ts';
import type { Repository, World } from './world.ts';

const apiOf = ({ apiUrl }: World, { owner, name }: Repository): string =>
  `${apiUrl}/repos/${owner.login}/${name}`;

/** A run. */
export function runJson(world: World, repository: Repository, run: WorkflowRun) {
  const api = `${apiOf(world, repository)}/actions/runs/${run.id}`;
  return {
    id: run.id,
    name: run.name,
    node_id: nodeId('WFR', run.id),
    head_branch: run.headBranch,
    head_sha: run.headSha,
    path: '.github/workflows/ci.yml',
    display_title: 'A run',
    run_number: 1,
    run_attempt: run.attempt,
    event: run.event,
    status: run.status,
    conclusion: run.conclusion,
    workflow_id: 7,
    check_suite_id: 9,
    url: api,
    html_url: `${world.url}/${repository.owner.login}/${repository.name}/actions/runs/${run.id}`,
    pull_requests: [],
    created_at: instant(run.createdAt),
    updated_at: instant(run.createdAt),
    run_started_at: instant(run.startedAt),
    actor: userJson(world, run.actor),
    triggering_actor: userJson(world, run.triggeringActor),
    jobs_url: `${api}/jobs`,
    logs_url: `${api}/logs`,
    check_suite_url: `${api}/check-suite`,
    artifacts_url: `${api}/artifacts`,
    cancel_url: `${api}/cancel`,
    rerun_url: `${api}/rerun`,
    workflow_url: `${api}/workflow`,
    head_commit: null,
    repository: repositoryJson(world, repository),
    head_repository: repositoryJson(world, repository),
  };
}

/** A job. */
export function jobJson(world: World, repository: Repository, run: WorkflowRun, job: WorkflowJob) {
  const api = `${apiOf(world, repository)}/actions/jobs/${job.id}`;
  return {
    id: job.id,
    run_id: run.id,
    run_url: `${apiOf(world, repository)}/actions/runs/${run.id}`,
    run_attempt: job.attempt,
    node_id: nodeId('JOB', job.id),
    head_sha: run.headSha,
    head_branch: run.headBranch,
    workflow_name: run.name,
    url: api,
    html_url: api,
    status: job.status,
    conclusion: job.conclusion,
    created_at: instant(job.startedAt),
    started_at: instant(job.startedAt),
    completed_at: job.status === 'completed' ? instant(world.now()) : null,
    name: job.name,
    steps: [],
    check_run_url: api,
    labels: [],
    runner_id: job.ran ? 1 : null,
    runner_name: job.ran ? 'runner' : null,
    runner_group_id: job.ran ? 1 : null,
    runner_group_name: job.ran ? 'runners' : null,
  };
}

/** An artifact. */
export function artifactJson(world: World, repository: Repository, artifact: WorkflowArtifact) {
  const api = `${apiOf(world, repository)}/actions/artifacts/${artifact.id}`;
  return {
    id: artifact.id,
    node_id: nodeId('ART', artifact.id),
    name: artifact.name,
    size_in_bytes: artifact.zip.length,
    url: api,
    archive_download_url: `${api}/zip`,
    expired: artifact.expired,
    created_at: instant(artifact.createdAt),
    updated_at: instant(artifact.createdAt),
    expires_at: instant(new Date(artifact.createdAt.getTime() + 90 * 86_400_000)),
  };
}

/** A deployment. */
export function deploymentJson(world: World, repository: Repository, deployment: Deployment) {
  const api = `${apiOf(world, repository)}/deployments/${deployment.id}`;
  return {
    id: deployment.id,
    node_id: nodeId('DE', deployment.id),
    sha: deployment.sha,
    ref: deployment.ref,
    task: 'deploy',
    payload: {},
    original_environment: deployment.environment,
    environment: deployment.environment,
    description: null,
    creator: userJson(world, deployment.creator),
    created_at: instant(deployment.createdAt),
    updated_at: instant(deployment.createdAt),
    statuses_url: `${api}/statuses`,
    repository_url: apiOf(world, repository),
    url: api,
  };
}
