// Runs of workflows, their jobs and artifacts as GitHub tells them now. Names are attacker-controlled text.
import { z } from 'zod';
import { type Oid, parseOid } from '../../core/oid.ts';
import type { GithubApi } from '../api.ts';
import type { Hub } from '../hub.ts';

const oid = z.string().transform((text, context): Oid => {
  const parsed = parseOid(text, text.length === 64 ? 'sha256' : 'sha1');
  if (parsed !== undefined) return parsed;
  context.addIssue({ code: 'custom', message: 'expected an object id' });
  return z.NEVER;
});
const account = z
  .object({ login: z.string().max(200), id: z.int(), type: z.string() })
  .nullish()
  // GitHub calls the author of what a deleted account left so.
  .transform((value) => value ?? { login: 'ghost', id: 10_137, type: 'User' });
const time = z.iso.datetime({ offset: true }).transform((text) => new Date(text));
const attempt = z.int().min(1).default(1);

const runAnswer = z.object({
  id: z.int(),
  name: z.string().nullish(),
  run_attempt: attempt,
  head_sha: oid,
  head_branch: z.string().nullable(),
  event: z.string(),
  status: z.string().nullable(),
  html_url: z.string(),
  /** Of the attempt. */
  run_started_at: time.optional(),
  actor: account,
  triggering_actor: account,
});
export type WorkflowRun = z.output<typeof runAnswer>;

const jobAnswer = z.object({
  id: z.int(),
  run_attempt: attempt,
  name: z.string(),
  status: z.string(),
  conclusion: z.string().nullable(),
  /** None for a job that never ran. */
  runner_id: z.int().nullish(),
  started_at: time,
  completed_at: time.nullable(),
});
export type WorkflowJob = z.output<typeof jobAnswer>;

const artifactAnswer = z.object({
  id: z.int(),
  name: z.string(),
  size_in_bytes: z.int().nonnegative(),
  expired: z.boolean(),
  created_at: time.nullable(),
});
export type WorkflowArtifact = z.output<typeof artifactAnswer>;

export interface RunPlace {
  readonly repository: string;
  readonly run: number;
  readonly signal: AbortSignal;
}

const read = { actions: 'read' } as const;

/** The run as it is, or as it was in an earlier attempt. Rejects as `GithubApi.ask` does. */
export function readRun(
  { api }: Pick<Hub, 'api'>,
  { repository, run, signal }: RunPlace,
  earlier?: number,
): Promise<WorkflowRun> {
  const route = 'GET /repos/{owner}/{repo}/actions/runs/{run_id}';
  return api.ask({
    repository,
    signal,
    route: earlier === undefined ? route : `${route}/attempts/{attempt_number}`,
    parameters: { run_id: run, ...(earlier === undefined ? {} : { attempt_number: earlier }) },
    permissions: read,
    answer: runAnswer,
  });
}

/** All jobs of all attempts. */
export function readJobs(
  { api }: Pick<Hub, 'api'>,
  { repository, run, signal }: RunPlace,
): Promise<readonly WorkflowJob[]> {
  return api.askAll({
    repository,
    signal,
    route: 'GET /repos/{owner}/{repo}/actions/runs/{run_id}/jobs',
    parameters: { run_id: run, filter: 'all' },
    permissions: read,
    answer: jobAnswer,
    list: 'jobs',
  });
}

/** All artifacts of the run. */
export function readArtifacts(
  { api }: Pick<Hub, 'api'>,
  { repository, run, signal }: RunPlace,
): Promise<readonly WorkflowArtifact[]> {
  return api.askAll({
    repository,
    signal,
    route: 'GET /repos/{owner}/{repo}/actions/runs/{run_id}/artifacts',
    parameters: { run_id: run },
    permissions: read,
    answer: artifactAnswer,
    list: 'artifacts',
  });
}

/** Where the log of a job is. */
export function locateLog(api: GithubApi, { repository, signal }: RunPlace, job: number): Promise<URL> {
  const route = 'GET /repos/{owner}/{repo}/actions/jobs/{job_id}/logs';
  return api.locate({ repository, signal, route, parameters: { job_id: job }, permissions: read });
}

/** Where an artifact is, as a zip archive. */
export function locateArtifact(
  api: GithubApi,
  { repository, signal }: RunPlace,
  artifact: number,
): Promise<URL> {
  const route = 'GET /repos/{owner}/{repo}/actions/artifacts/{artifact_id}/{archive_format}';
  const parameters = { artifact_id: artifact, archive_format: 'zip' };
  return api.locate({ repository, signal, route, parameters, permissions: read });
}
