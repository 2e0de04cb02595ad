// The app itself, its installations and their tokens.
import { type ApiRoute, problem } from '../api-route.ts';
import { issueToken, tokenReaches, type TokenWish } from '../app-token.ts';
import { appJson, instant, installationJson, repositoryJson } from '../render-account.ts';
import type { FakeApp, Installation } from '../account-state.ts';
import { reaches, repositoryOf, type World } from '../world.ts';

/** Operations of an app about itself. */
export function appRoutes(world: World): readonly ApiRoute[] {
  const own = (app: FakeApp): readonly Installation[] =>
    [...world.installations.values()].filter((installation) => installation.app === app);
  const byId = (app: FakeApp, id: string | undefined): Installation | undefined =>
    own(app).find((installation) => String(installation.id) === id);
  return [
    {
      operation: 'GET /app',
      caller: 'app',
      handle: ({ app }) => ({ status: 200, body: appJson(world, app) }),
    },
    {
      operation: 'GET /app/installations',
      caller: 'app',
      handle: ({ app }) => ({ list: own(app).map((installation) => installationJson(world, installation)) }),
    },
    {
      operation: 'GET /app/installations/{installation_id}',
      caller: 'app',
      handle: ({ app, params }) => {
        const found = byId(app, params['installation_id']);
        return found ? { status: 200, body: installationJson(world, found) } : problem(404, 'Not Found');
      },
    },
    {
      operation: 'GET /repos/{owner}/{repo}/installation',
      caller: 'app',
      handle: ({ app, params }) => {
        const repository = repositoryOf(world, params['owner'] ?? '', params['repo'] ?? '');
        const found = repository && own(app).find((installation) => reaches(installation, repository));
        return found ? { status: 200, body: installationJson(world, found) } : problem(404, 'Not Found');
      },
    },
    {
      operation: 'POST /app/installations/{installation_id}/access_tokens',
      caller: 'app',
      handle: ({ app, params, body }) => {
        const installation = byId(app, params['installation_id']);
        if (installation === undefined) return problem(404, 'Not Found');
        if (installation.suspended) return problem(403, 'This installation has been suspended');
        const wish = (body ?? {}) as TokenWish;
        const issued = issueToken(world, installation, wish);
        if ('problem' in issued) return problem(422, issued.problem);
        const { token, expiresAt, permissions, repositories } = issued;
        const chosen = [...world.repositories.values()].filter(({ id }) => repositories?.has(id));
        return {
          status: 201,
          body: {
            token,
            expires_at: instant(expiresAt),
            permissions,
            repository_selection: repositories === undefined ? 'all' : 'selected',
            ...(repositories && { repositories: chosen.map((one) => repositoryJson(world, one)) }),
          },
        };
      },
    },
    {
      operation: 'GET /installation/repositories',
      caller: 'installation',
      handle: ({ token }) => ({
        list: [...world.repositories.values()]
          .filter((repository) => tokenReaches(token, repository))
          .map((repository) => repositoryJson(world, repository)),
        wrap: (repositories, total_count) => ({ total_count, repositories }),
      }),
    },
  ];
}
