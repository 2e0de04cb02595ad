// How a repository is protected.
import { type ApiRoute, problem } from '../api-route.ts';
import { instant } from '../render-account.ts';
import { apiOf } from '../render-pull.ts';
import type { Ruleset } from '../settings-state.ts';
import type { Repository, World } from '../world.ts';

const administration = [['administration', 'read']] as const;

function rulesetJson(ruleset: Ruleset, mayWrite: boolean, whole: boolean): object {
  const { include, bypass_actors: actors, rules, ...rest } = ruleset;
  return {
    ...rest,
    node_id: '',
    _links: {},
    created_at: instant(new Date(0)),
    updated_at: instant(new Date(0)),
    ...(whole ? { conditions: { ref_name: { include, exclude: [] } }, rules } : {}),
    // GitHub tells it only those who may change the ruleset.
    ...(whole && mayWrite ? { bypass_actors: actors } : {}),
  };
}

const branchOf = (repository: Repository, branch: string): boolean => branch === repository.defaultBranch;

/** Operations that a repository's posture is read by. */
export function postureRoutes(world: World): readonly ApiRoute[] {
  return [
    {
      operation: 'GET /repos/{owner}/{repo}/rulesets',
      caller: 'repository',
      needs: [['metadata', 'read']],
      handle: ({ repository }) => ({
        list: repository.settings.rulesets.map((ruleset) => rulesetJson(ruleset, false, false)),
      }),
    },
    {
      operation: 'GET /repos/{owner}/{repo}/rulesets/{ruleset_id}',
      caller: 'repository',
      needs: [['metadata', 'read']],
      handle: ({ repository, params, token }) => {
        const found = repository.settings.rulesets.find(({ id }) => String(id) === params['ruleset_id']);
        if (found === undefined) return problem(404, 'Not Found');
        const mayWrite = token.permissions['administration'] === 'write';
        return { status: 200, body: rulesetJson(found, mayWrite, true) };
      },
    },
    {
      operation: 'GET /repos/{owner}/{repo}/branches/{branch}/protection',
      caller: 'repository',
      needs: administration,
      handle: ({ repository, params }) => {
        const { protection } = repository.settings;
        if (protection === undefined || !branchOf(repository, params['branch'] ?? ''))
          return problem(404, 'Branch not protected');
        return { status: 200, body: protection };
      },
    },
    {
      operation: 'GET /repos/{owner}/{repo}/actions/permissions/workflow',
      caller: 'repository',
      needs: administration,
      handle: ({ repository: { settings } }) => ({
        status: 200,
        body: {
          default_workflow_permissions: settings.workflowToken,
          can_approve_pull_request_reviews: settings.mayApprove,
        },
      }),
    },
    {
      operation: 'GET /repos/{owner}/{repo}/keys',
      caller: 'repository',
      needs: administration,
      handle: ({ repository }) => ({
        list: repository.settings.keys.map(({ id, isReadOnly, lastUsed }) => ({
          id,
          key: 'ssh-ed25519 AAAA',
          url: `${apiOf(world, repository)}/keys/${id}`,
          title: `key ${id}`,
          verified: true,
          created_at: instant(new Date(0)),
          read_only: isReadOnly,
          last_used: lastUsed === undefined ? null : instant(lastUsed),
        })),
      }),
    },
  ];
}
