// Runs of workflows, their logs, artifacts and waiting deployments. Logs and artifacts are behind a link to a storage
// that is good for one minute and must be asked without credentials.
import { randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { type Answer, type ApiRoute, type ApiState, problem } from '../api-route.ts';
import { artifactJson, deploymentJson, jobJson, runJson } from '../render-workflow.ts';
import { type WorkflowArtifact, type WorkflowJob, workflowsOf } from '../workflow-state.ts';
import type { Repository, World } from '../world.ts';

/** What a link of the storage leads to; each test may change the fault of the next downloads. */
export interface Storage {
  readonly links: Map<string, { readonly bytes: () => Uint8Array | undefined; readonly until: number }>;
  /** Downloads to come that fail so, the first first. */
  readonly faults: ('gone' | 'bad-gateway' | 'cut')[];
  /** Lets a download of these bytes stop halfway until the promise is fulfilled, and breaks it off then. */
  stall: ((bytes: Uint8Array) => Promise<void> | undefined) | undefined;
  /** Address that links begin with; default: that of the fake. */
  base: string | undefined;
  downloads: number;
}

/** A storage without links. */
export function createStorage(): Storage {
  return { links: new Map(), faults: [], stall: undefined, base: undefined, downloads: 0 };
}

const linkMs = 60_000;

/** Operations on workflows. */
export function workflowRoutes(world: World, storage: Storage): readonly ApiRoute[] {
  const link = (bytes: () => Uint8Array | undefined): Answer => {
    const key = randomBytes(12).toString('hex');
    storage.links.set(key, { bytes, until: world.now().getTime() + linkMs });
    return { status: 302, headers: { location: `${storage.base ?? world.url}/storage/${key}` } };
  };
  const runOf = (repository: Repository, id: string | undefined) =>
    workflowsOf(repository).runs.get(Number(id));
  const jobOf = (repository: Repository, id: string | undefined): WorkflowJob | undefined =>
    [...workflowsOf(repository).runs.values()]
      .flatMap(({ jobs }) => jobs)
      .find((job) => job.id === Number(id));
  const artifactsOf = (repository: Repository) =>
    [...workflowsOf(repository).runs.values()].map(({ artifacts }) => artifacts);
  const artifactOf = (repository: Repository, id: string | undefined): WorkflowArtifact | undefined =>
    artifactsOf(repository)
      .flat()
      .find((artifact) => artifact.id === Number(id));
  const read = [['actions', 'read']] as const;
  const write = [['actions', 'write']] as const;
  return [
    {
      operation: 'GET /repos/{owner}/{repo}/actions/runs/{run_id}',
      caller: 'repository',
      needs: read,
      handle: ({ repository, params }) => {
        const run = runOf(repository, params['run_id']);
        return run ? { status: 200, body: runJson(world, repository, run) } : problem(404, 'Not Found');
      },
    },
    {
      operation: 'GET /repos/{owner}/{repo}/actions/runs/{run_id}/attempts/{attempt_number}',
      caller: 'repository',
      needs: read,
      handle: ({ repository, params }) => {
        const run = runOf(repository, params['run_id']);
        const attempt = Number(params['attempt_number']);
        if (run === undefined || attempt > run.attempt) return problem(404, 'Not Found');
        const first = { triggeringActor: run.actor, startedAt: run.createdAt };
        const earlier = { ...run, attempt, ...(attempt < run.attempt ? first : {}) };
        return { status: 200, body: runJson(world, repository, earlier) };
      },
    },
    {
      operation: 'GET /repos/{owner}/{repo}/actions/runs/{run_id}/jobs',
      caller: 'repository',
      needs: read,
      handle: ({ repository, params, query }) => {
        const run = runOf(repository, params['run_id']);
        if (run === undefined) return problem(404, 'Not Found');
        const shown = run.jobs.filter(({ attempt }) => query['filter'] === 'all' || attempt === run.attempt);
        return {
          list: shown.map((job) => jobJson(world, repository, run, job)),
          wrap: (jobs, total) => ({ total_count: total, jobs }),
        };
      },
    },
    {
      operation: 'GET /repos/{owner}/{repo}/actions/jobs/{job_id}/logs',
      caller: 'repository',
      needs: read,
      handle: ({ repository, params }) => {
        const job = jobOf(repository, params['job_id']);
        if (job?.status !== 'completed') return problem(404, 'Not Found');
        const run = [...workflowsOf(repository).runs.values()].find(({ jobs }) => jobs.includes(job));
        if (run?.logsDeletedAt !== undefined) return problem(410, 'Gone');
        return link(() => job.log);
      },
    },
    {
      operation: 'DELETE /repos/{owner}/{repo}/actions/runs/{run_id}/logs',
      caller: 'repository',
      needs: write,
      handle: ({ repository, params }) => {
        const run = runOf(repository, params['run_id']);
        if (run === undefined) return problem(404, 'Not Found');
        if (run.status !== 'completed') return problem(403, 'The run is not completed.');
        run.logsDeletedAt ??= world.now();
        return { status: 204 };
      },
    },
    {
      operation: 'GET /repos/{owner}/{repo}/actions/runs/{run_id}/artifacts',
      caller: 'repository',
      needs: read,
      handle: ({ repository, params }) => {
        const run = runOf(repository, params['run_id']);
        if (run === undefined) return problem(404, 'Not Found');
        return {
          list: run.artifacts.map((artifact) => artifactJson(world, repository, artifact)),
          wrap: (artifacts, total) => ({ total_count: total, artifacts }),
        };
      },
    },
    {
      operation: 'GET /repos/{owner}/{repo}/actions/artifacts/{artifact_id}/{archive_format}',
      caller: 'repository',
      needs: read,
      handle: ({ repository, params }) => {
        const artifact = artifactOf(repository, params['artifact_id']);
        if (artifact === undefined) return problem(404, 'Not Found');
        return artifact.expired ? problem(410, 'Artifact has expired') : link(() => artifact.zip);
      },
    },
    {
      operation: 'DELETE /repos/{owner}/{repo}/actions/artifacts/{artifact_id}',
      caller: 'repository',
      needs: write,
      handle: ({ repository, params }) => {
        const artifact = artifactOf(repository, params['artifact_id']);
        for (const list of artifactsOf(repository))
          if (artifact !== undefined && list.includes(artifact)) {
            list.splice(list.indexOf(artifact), 1);
            return { status: 204 };
          }
        return problem(404, 'Not Found');
      },
    },
    {
      operation: 'GET /repos/{owner}/{repo}/actions/runs/{run_id}/pending_deployments',
      caller: 'repository',
      needs: read,
      handle: ({ repository, params }) => {
        const waiting = [...workflowsOf(repository).deployments.values()].filter(
          ({ run, state }) =>
            String(run.id) === params['run_id'] && state === 'waiting' && run.status === 'waiting',
        );
        return {
          status: 200,
          body: waiting.map(({ id, environment }) => ({
            environment: { id, name: environment },
            wait_timer: 0,
            wait_timer_started_at: null,
            current_user_can_approve: false,
            reviewers: [],
          })),
        };
      },
    },
    {
      operation: 'GET /repos/{owner}/{repo}/deployments/{deployment_id}',
      caller: 'repository',
      needs: [['deployments', 'read']],
      handle: ({ repository, params }) => {
        const found = workflowsOf(repository).deployments.get(Number(params['deployment_id']));
        return found
          ? { status: 200, body: deploymentJson(world, repository, found) }
          : problem(404, 'Not Found');
      },
    },
    {
      operation: 'POST /repos/{owner}/{repo}/actions/runs/{run_id}/deployment_protection_rule',
      caller: 'repository',
      needs: [['deployments', 'write']],
      handle: ({ repository, params, body }) => {
        const { environment_name: environment, state, comment = '' } = body as ReviewBody;
        const found = [...workflowsOf(repository).deployments.values()].find(
          (one) => String(one.run.id) === params['run_id'] && one.environment === environment,
        );
        if (found?.state !== 'waiting' || found.run.status !== 'waiting')
          return problem(422, 'No pending deployment requests to approve or reject');
        if (comment.length > 1_024 || found.told.length >= 10) return problem(422, 'Validation Failed');
        found.told.push({ state, comment });
        if (state !== undefined) found.state = state;
        return { status: 204 };
      },
    },
  ];
}

interface ReviewBody {
  readonly environment_name: string;
  readonly state?: 'approved' | 'rejected';
  readonly comment?: string;
}

/** Serves the storage beside the API. */
export function addStorage(server: FastifyInstance, storage: Storage, state: ApiState): void {
  server.get<{ Params: { key: string } }>('/storage/:key', async (request, reply) => {
    if (request.headers.authorization !== undefined || request.headers.cookie !== undefined)
      state.violations.push('the storage was asked with a credential');
    storage.downloads += 1;
    const found = storage.links.get(request.params.key);
    const bytes = found?.bytes();
    const fault = storage.faults.shift();
    if (found === undefined || found.until < Date.now()) return reply.code(403).send('expired');
    if (fault === 'gone' || bytes === undefined) return reply.code(404).send('BlobNotFound');
    if (fault === 'bad-gateway') return reply.code(502).send('bad gateway');
    const stalled = storage.stall?.(bytes);
    if (stalled !== undefined) {
      reply.hijack();
      reply.raw.writeHead(200, { 'content-length': bytes.length });
      reply.raw.write(bytes.subarray(0, bytes.length >> 1));
      await stalled;
      reply.raw.destroy();
      return reply;
    }
    if (fault === 'cut') {
      reply.raw.writeHead(200, { 'content-length': bytes.length });
      reply.raw.write(bytes.subarray(0, bytes.length >> 1));
      setTimeout(() => reply.raw.destroy(), 20);
      return reply;
    }
    return reply.type('application/octet-stream').send(Buffer.from(bytes));
  });
}
