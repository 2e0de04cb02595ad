// What was pushed: activities, tags, and the pull requests of a commit.
import { type ApiRoute, problem } from '../api-route.ts';
import { instant, nodeId, userJson } from '../render-account.ts';
import { apiOf, pullJson } from '../render-pull.ts';
import type { World } from '../world.ts';

/** Operations on what was pushed. */
export function pushRoutes(world: World): readonly ApiRoute[] {
  return [
    {
      operation: 'GET /repos/{owner}/{repo}/activity',
      caller: 'repository',
      needs: [['contents', 'read']],
      handle: ({ repository, query }) => ({
        list: repository.activities
          .filter(({ ref }) => query['ref'] === undefined || ref === query['ref'])
          .map(({ id, ref, before, after, type, actor, at }) => ({
            id,
            node_id: nodeId('PSH', id),
            before,
            after,
            ref,
            timestamp: instant(at),
            activity_type: type,
            actor: userJson(world, actor),
          })),
      }),
    },
    {
      operation: 'GET /repos/{owner}/{repo}/git/tags/{tag_sha}',
      caller: 'repository',
      needs: [['contents', 'read']],
      handle: async ({ repository, params }) => {
        const sha = params['tag_sha'] ?? '';
        const text = await repository.git.git('cat-file', 'tag', sha).catch(() => undefined);
        if (text === undefined) return problem(404, 'Not Found');
        const field = (name: string): string => new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1] ?? '';
        const url = `${apiOf(world, repository)}/git/tags/${sha}`;
        const [, name = '', email = ''] = /^(.*) <(.*)>/.exec(field('tagger')) ?? [];
        return {
          status: 200,
          body: {
            node_id: nodeId('TA', 1),
            tag: field('tag'),
            sha,
            url,
            message: text.slice(text.indexOf('\n\n') + 2),
            tagger: { name, email, date: '2026-01-01T00:00:00Z' },
            object: { type: field('type'), sha: field('object'), url },
          },
        };
      },
    },
    {
      operation: 'GET /repos/{owner}/{repo}/commits/{commit_sha}/pulls',
      caller: 'repository',
      needs: [['pull_requests', 'read']],
      handle: ({ repository, params }) => {
        const sha = params['commit_sha'];
        const found = [...repository.pulls.values()].filter(
          ({ headSha, merged }) => headSha === sha || merged?.sha === sha,
        );
        return { list: found.map((pull) => pullJson(world, repository, pull)) };
      },
    },
  ];
}
