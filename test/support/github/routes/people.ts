// Who may do what: permissions of collaborators, members of teams, files such as CODEOWNERS.
import { type ApiRoute, problem } from '../api-route.ts';
import { userJson } from '../render-account.ts';
import { apiOf } from '../render-pull.ts';
import { accountOf, type World } from '../world.ts';

// The legacy permission of each role.
const legacy = { read: 'read', triage: 'read', write: 'write', maintain: 'write', admin: 'admin' } as const;

/** Operations that an approver is judged by. */
export function peopleRoutes(world: World): readonly ApiRoute[] {
  return [
    {
      operation: 'GET /repos/{owner}/{repo}/collaborators/{username}/permission',
      caller: 'repository',
      needs: [['metadata', 'read']],
      handle: ({ repository, params }) => {
        const login = params['username'] ?? '';
        const known = world.accounts.get(login.toLowerCase());
        if (known === undefined) return problem(404, 'Not Found');
        const role = repository.collaborators.get(login.toLowerCase());
        const user = { ...userJson(world, accountOf(world, login)), role_name: role ?? 'none' };
        return {
          status: 200,
          body: {
            permission: role === undefined ? (repository.isPrivate ? 'none' : 'read') : legacy[role],
            role_name: role ?? (repository.isPrivate ? 'none' : 'read'),
            user,
          },
        };
      },
    },
    {
      operation: 'GET /orgs/{org}/teams/{team_slug}/memberships/{username}',
      caller: 'installation',
      handle: ({ token, params }) => {
        if (token.permissions['members'] === undefined)
          return problem(403, 'Resource not accessible by integration');
        const team = world.teams.find(
          ({ organization, slug }) => organization === params['org'] && slug === params['team_slug'],
        );
        const login = params['username'] ?? '';
        if (!team?.members.has(login.toLowerCase())) return problem(404, 'Not Found');
        return {
          status: 200,
          body: {
            url: `${world.apiUrl}/teams/1/memberships/${login}`,
            role: 'member',
            state: 'active',
          },
        };
      },
    },
    {
      operation: 'GET /repos/{owner}/{repo}/contents/{path}',
      caller: 'repository',
      needs: [['contents', 'read']],
      handle: async ({ repository, params, query }) => {
        const path = params['path'] ?? '';
        const text = await repository.git.read(query['ref'] ?? repository.defaultBranch, path);
        if (text === undefined) return problem(404, 'Not Found');
        const url = `${apiOf(world, repository)}/contents/${path}`;
        return {
          status: 200,
          body: {
            type: 'file',
            encoding: 'base64',
            size: Buffer.byteLength(text),
            name: path.split('/').at(-1) ?? '',
            path,
            content: Buffer.from(text).toString('base64'),
            sha: '0'.repeat(40),
            url,
            git_url: url,
            html_url: url,
            download_url: url,
            _links: { git: url, html: url, self: url },
          },
        };
      },
    },
  ];
}
