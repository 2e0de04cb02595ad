// Check runs and statuses as GitHub's REST API writes them.
import type { CheckRun } from './check-state.ts';
import { appJson, instant, nodeId, userJson } from './render-account.ts';
import { apiOf } from './render-pull.ts';
import type { CommitStatus, Repository, World } from './world.ts';

/** A check run; its annotations are asked for apart. */
export function checkRunJson(world: World, repository: Repository, run: CheckRun) {
  const api = `${apiOf(world, repository)}/check-runs/${run.id}`;
  const pulls = [...repository.pulls.values()].filter(
    ({ headSha, closedAt }) => headSha === run.headSha && closedAt === undefined,
  );
  return {
    id: run.id,
    name: run.name,
    node_id: nodeId('CR', run.id),
    head_sha: run.headSha,
    external_id: run.externalId,
    url: api,
    html_url: `${world.url}/${repository.owner.login}/${repository.name}/runs/${run.id}`,
    details_url: run.detailsUrl,
    status: run.status,
    conclusion: run.conclusion,
    started_at: instant(run.startedAt),
    completed_at: run.completedAt === null ? null : instant(run.completedAt),
    output: {
      title: run.title,
      summary: run.summary,
      text: run.text,
      annotations_count: run.annotations.length,
      annotations_url: `${api}/annotations`,
    },
    check_suite: { id: run.suite.id },
    app: appJson(world, run.app),
    pull_requests: pulls.map((pull) => {
      const repo = { id: repository.id, url: apiOf(world, repository), name: repository.name };
      return {
        id: pull.id,
        number: pull.number,
        url: `${apiOf(world, repository)}/pulls/${pull.number}`,
        head: { ref: pull.headRef, sha: pull.headSha, repo },
        base: { ref: pull.baseRef, sha: pull.baseSha, repo },
      };
    }),
  };
}

/** One status of a commit. */
export function statusJson(world: World, repository: Repository, status: CommitStatus) {
  return {
    id: status.id,
    node_id: nodeId('S', status.id),
    url: `${apiOf(world, repository)}/statuses/${status.sha}`,
    avatar_url: `${world.url}/avatars/${status.creator.id}`,
    state: status.state,
    description: null,
    target_url: null,
    context: status.context,
    created_at: instant(status.at),
    updated_at: instant(status.at),
    creator: userJson(world, status.creator),
  };
}
