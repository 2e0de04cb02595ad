// A repository by itself.
import type { ApiRoute } from '../api-route.ts';
import { repositoryJson } from '../render-account.ts';
import type { World } from '../world.ts';

/** Operations about a repository as a whole. */
export function repositoryRoutes(world: World): readonly ApiRoute[] {
  return [
    {
      operation: 'GET /repos/{owner}/{repo}',
      caller: 'repository',
      needs: [['metadata', 'read']],
      handle: ({ repository }) => ({ status: 200, body: repositoryJson(world, repository) }),
    },
  ];
}
