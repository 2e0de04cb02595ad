// Check runs, statuses and the rules of branches.
import { type ApiRoute, type Answer, problem, type Query } from '../api-route.ts';
import type { CheckAction, CheckAnnotation, CheckConclusion, CheckRun, CheckSuite } from '../check-state.ts';
import { checkRunJson, statusJson } from '../render-check.ts';
import { apiOf } from '../render-pull.ts';
import { repositoryJson } from '../render-account.ts';
import type { FakeApp } from '../account-state.ts';
import type { CommitStatus, Repository, World } from '../world.ts';

interface CheckBody {
  readonly name?: string;
  readonly head_sha?: string;
  readonly details_url?: string;
  readonly external_id?: string;
  readonly status?: CheckRun['status'];
  readonly conclusion?: CheckConclusion;
  readonly output?: {
    readonly title?: string;
    readonly summary: string;
    readonly text?: string;
    readonly annotations?: readonly CheckAnnotation[];
  };
  readonly actions?: readonly CheckAction[];
}

const mostOfName = 1_000;

function suiteOf(world: World, repository: Repository, app: FakeApp, headSha: string): CheckSuite {
  const known = [...repository.checkSuites.values()].find(
    (suite) => suite.app === app && suite.headSha === headSha,
  );
  if (known !== undefined) return known;
  const pull = [...repository.pulls.values()].find((one) => one.headSha === headSha);
  const suite = {
    id: world.nextId(),
    app,
    headSha,
    headBranch: pull?.headRef ?? null,
    createdAt: world.now(),
  };
  repository.checkSuites.set(suite.id, suite);
  return suite;
}

function change(world: World, run: CheckRun, body: CheckBody): void {
  run.name = body.name ?? run.name;
  run.externalId = body.external_id ?? run.externalId;
  run.detailsUrl = body.details_url ?? run.detailsUrl;
  run.status = body.conclusion === undefined ? (body.status ?? run.status) : 'completed';
  run.conclusion = run.status === 'completed' ? (body.conclusion ?? run.conclusion) : null;
  run.completedAt = run.status === 'completed' ? world.now() : null;
  run.title = body.output?.title ?? run.title;
  run.summary = body.output?.summary ?? run.summary;
  run.text = body.output?.text ?? run.text;
  // Annotations are only ever added.
  run.annotations.push(...(body.output?.annotations ?? []));
  run.actions = body.actions ?? run.actions;
}

/** Operations on checks and statuses of commits. */
export function checkRoutes(world: World): readonly ApiRoute[] {
  const runOf = (repository: Repository, id: string | undefined): CheckRun | undefined =>
    repository.checkRuns.get(Number(id));
  const told = (status: number, repository: Repository, run: CheckRun): Answer => ({
    status,
    body: checkRunJson(world, repository, run),
  });
  return [
    {
      operation: 'POST /repos/{owner}/{repo}/check-runs',
      caller: 'repository',
      needs: [['checks', 'write']],
      handle: async ({ repository, token, body }) => {
        const made = body as CheckBody & { readonly name: string; readonly head_sha: string };
        if (made.status === 'completed' && made.conclusion === undefined)
          return problem(422, 'conclusion is missing');
        if (!(await repository.git.hasObject(made.head_sha)))
          return problem(422, `No commit found for SHA: ${made.head_sha}`);
        const { app } = token.installation;
        const suite = suiteOf(world, repository, app, made.head_sha);
        const sameName = [...repository.checkRuns.values()].filter(
          (run) => run.suite === suite && run.name === made.name,
        );
        if (sameName.length >= mostOfName) return problem(422, 'Too many check runs of this name');
        const run: CheckRun = {
          id: world.nextId(),
          suite,
          app,
          headSha: made.head_sha,
          name: made.name,
          externalId: null,
          detailsUrl: null,
          status: 'queued',
          conclusion: null,
          startedAt: world.now(),
          completedAt: null,
          title: null,
          summary: null,
          text: null,
          annotations: [],
          actions: [],
        };
        change(world, run, made);
        repository.checkRuns.set(run.id, run);
        return told(201, repository, run);
      },
    },
    {
      operation: 'PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}',
      caller: 'repository',
      needs: [['checks', 'write']],
      handle: ({ repository, token, params, body }) => {
        const run = runOf(repository, params['check_run_id']);
        if (run === undefined) return problem(404, 'Not Found');
        if (run.app !== token.installation.app)
          return problem(
            403,
            'Invalid app_id - check run can only be modified by the GitHub App that created it.',
          );
        change(world, run, body as CheckBody);
        return told(200, repository, run);
      },
    },
    {
      operation: 'GET /repos/{owner}/{repo}/check-runs/{check_run_id}',
      caller: 'repository',
      needs: [['checks', 'read']],
      handle: ({ repository, params }) => {
        const run = runOf(repository, params['check_run_id']);
        return run ? told(200, repository, run) : problem(404, 'Not Found');
      },
    },
    {
      operation: 'GET /repos/{owner}/{repo}/commits/{ref}/check-runs',
      caller: 'repository',
      needs: [['checks', 'read']],
      handle: ({ repository, params, query }) => ({
        list: filtered(query, [...repository.checkRuns.values()])
          .filter(({ headSha }) => headSha === params['ref'])
          .map((run) => checkRunJson(world, repository, run)),
        wrap: (check_runs, total_count) => ({ total_count, check_runs }),
      }),
    },
    {
      operation: 'GET /repos/{owner}/{repo}/commits/{ref}/status',
      caller: 'repository',
      needs: [['statuses', 'read']],
      handle: ({ repository, params }) => {
        const sha = params['ref'] ?? '';
        const newest = new Map<string, CommitStatus>();
        for (const status of repository.statuses) if (status.sha === sha) newest.set(status.context, status);
        const states = [...newest.values()].map(({ state }) => state);
        const state = states.some((one) => one === 'failure' || one === 'error')
          ? 'failure'
          : states.length === 0 || states.includes('pending')
            ? 'pending'
            : 'success';
        return {
          status: 200,
          body: {
            state,
            sha,
            total_count: newest.size,
            statuses: [...newest.values()].map((status) => statusJson(world, repository, status)),
            repository: repositoryJson(world, repository),
            commit_url: `${apiOf(world, repository)}/commits/${sha}`,
            url: `${apiOf(world, repository)}/commits/${sha}/status`,
          },
        };
      },
    },
    {
      operation: 'GET /repos/{owner}/{repo}/rules/branches/{branch}',
      caller: 'repository',
      needs: [['metadata', 'read']],
      handle: ({ repository, params }) => ({
        list: repository.rules
          .filter(({ branch }) => branch === params['branch'])
          .map(({ type, parameters }) => ({
            type,
            ...(parameters && { parameters }),
            ruleset_source_type: 'Repository',
            ruleset_source: `${repository.owner.login}/${repository.name}`,
            ruleset_id: 1,
          })),
      }),
    },
  ];
}

/** The runs that are asked for: the newest of each commit, app and name unless all are. */
function filtered(query: Query, runs: readonly CheckRun[]): readonly CheckRun[] {
  const { check_name: name, app_id: app, filter } = query;
  const wanted = runs.filter(
    (run) => (name === undefined || run.name === name) && (app === undefined || String(run.app.id) === app),
  );
  if (filter === 'all') return wanted;
  return [...new Map(wanted.map((run) => [`${run.headSha} ${run.app.id} ${run.name}`, run])).values()];
}
