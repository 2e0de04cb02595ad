// Pull requests and what is said about them.
import { type ApiRoute, problem } from '../api-route.ts';
import type { FakeActions } from '../actions.ts';
import type { PullRequest } from '../pull-state.ts';
import { commentJson, pullJson, reviewCommentJson, reviewJson } from '../render-pull.ts';
import { instant, nodeId, userJson } from '../render-account.ts';
import { apiOf } from '../render-pull.ts';
import { accountOf, type Repository, type World } from '../world.ts';

/** Operations on pull requests. Merging goes through `actions`, as a person's does. */
export function pullRoutes(world: World, actions: FakeActions): readonly ApiRoute[] {
  const pullOf = (repository: Repository, number: string | undefined): PullRequest | undefined =>
    repository.pulls.get(Number(number));
  const read = [['pull_requests', 'read']] as const;
  const discuss = [['issues', 'read'], ...read] as const;
  return [
    {
      operation: 'GET /repos/{owner}/{repo}/pulls/{pull_number}',
      caller: 'repository',
      needs: read,
      handle: ({ repository, params }) => {
        const pull = pullOf(repository, params['pull_number']);
        return pull ? { status: 200, body: pullJson(world, repository, pull) } : problem(404, 'Not Found');
      },
    },
    {
      operation: 'GET /repos/{owner}/{repo}/pulls/{pull_number}/reviews',
      caller: 'repository',
      needs: read,
      handle: ({ repository, params }) => {
        const pull = pullOf(repository, params['pull_number']);
        if (pull === undefined) return problem(404, 'Not Found');
        return { list: pull.reviews.map((review) => reviewJson(world, repository, pull, review)) };
      },
    },
    {
      operation: 'GET /repos/{owner}/{repo}/pulls/{pull_number}/comments',
      caller: 'repository',
      needs: read,
      handle: ({ repository, params }) => {
        const pull = pullOf(repository, params['pull_number']);
        if (pull === undefined) return problem(404, 'Not Found');
        return {
          list: pull.reviewComments.map((comment) => reviewCommentJson(world, repository, pull, comment)),
        };
      },
    },
    {
      operation: 'GET /repos/{owner}/{repo}/pulls/{pull_number}/commits',
      caller: 'repository',
      needs: read,
      handle: async ({ repository, params }) => {
        const pull = pullOf(repository, params['pull_number']);
        if (pull === undefined) return problem(404, 'Not Found');
        return { list: await commitsOf(world, repository, pull) };
      },
    },
    {
      operation: 'GET /repos/{owner}/{repo}/issues/{issue_number}/comments',
      caller: 'repository',
      needs: discuss,
      handle: ({ repository, params }) => ({
        list: repository.comments
          .filter(({ issue }) => String(issue) === params['issue_number'])
          .map((comment) => commentJson(world, repository, comment)),
      }),
    },
    {
      operation: 'POST /repos/{owner}/{repo}/issues/{issue_number}/comments',
      caller: 'repository',
      needs: [
        ['issues', 'write'],
        ['pull_requests', 'write'],
      ],
      handle: ({ repository, token, params, body }) => {
        const text = (body as { readonly body: string }).body;
        if (text.length > 65_536) return problem(422, 'Body is too long (maximum is 65536 characters)');
        const comment = actions.comment(
          repository,
          Number(params['issue_number']),
          token.installation.app.bot.login,
          text,
        );
        return { status: 201, body: commentJson(world, repository, comment) };
      },
    },
    {
      operation: 'PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}',
      caller: 'repository',
      needs: [
        ['issues', 'write'],
        ['pull_requests', 'write'],
      ],
      handle: ({ repository, params, body }) => {
        const comment = repository.comments.find(({ id }) => String(id) === params['comment_id']);
        if (comment === undefined) return problem(404, 'Not Found');
        comment.body = (body as { readonly body: string }).body;
        comment.updatedAt = world.now();
        return { status: 200, body: commentJson(world, repository, comment) };
      },
    },
    {
      operation: 'PUT /repos/{owner}/{repo}/pulls/{pull_number}/merge',
      caller: 'repository',
      needs: [['contents', 'write']],
      handle: async ({ repository, token, params, body }) => {
        const pull = pullOf(repository, params['pull_number']);
        if (pull === undefined) return problem(404, 'Not Found');
        const wish = (body ?? {}) as { readonly sha?: string; readonly merge_method?: 'merge' };
        const done = await actions.merge(repository, pull, token.installation.app.bot, {
          sha: wish.sha,
          method: wish.merge_method ?? 'merge',
        });
        return 'refused' in done
          ? problem(done.refused, done.message)
          : {
              status: 200,
              body: { sha: done.sha, merged: true, message: 'Pull Request successfully merged' },
            };
      },
    },
  ];
}

async function commitsOf(
  world: World,
  repository: Repository,
  pull: PullRequest,
): Promise<readonly unknown[]> {
  const listed = await repository.git.git(
    'log',
    '--reverse',
    '--format=%H%x00%T%x00%P%x00%an%x00%ae%x00%aI%x00%s',
    `${pull.baseSha}..${pull.headSha}`,
  );
  return listed
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [sha = '', tree = '', parents = '', name = '', email = '', date = '', message = ''] =
        line.split('\0');
      const url = `${apiOf(world, repository)}/commits/${sha}`;
      const person = { name, email, date: instant(new Date(date)) };
      // GitHub knows people by their addresses; here the part before the @ is the login.
      const account = world.accounts.get((email.split('@')[0] ?? '').toLowerCase());
      const user = account === undefined ? null : userJson(world, accountOf(world, account.login));
      return {
        url,
        sha,
        node_id: nodeId('C', 1),
        html_url: `${world.url}/commit/${sha}`,
        comments_url: `${url}/comments`,
        commit: {
          url,
          author: person,
          committer: person,
          message,
          comment_count: 0,
          tree: { sha: tree, url: `${apiOf(world, repository)}/git/trees/${tree}` },
        },
        author: user,
        committer: user,
        parents: parents
          .split(' ')
          .filter((parent) => parent !== '')
          .map((parent) => ({
            sha: parent,
            url: `${apiOf(world, repository)}/commits/${parent}`,
            html_url: url,
          })),
      };
    });
}
