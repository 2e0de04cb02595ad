// Reads the settings of a repository that say who may write to it past the guard. What the App may not read is told with
// the permission that it lacks; what fails for the moment rejects and is read again.
import { z } from 'zod';
import { GuardError } from '../../core/errors.ts';
import { GithubRefusal, type Question } from '../api.ts';
import type { Hub } from '../hub.ts';

export type Read<T> =
  { readonly kind: 'read'; readonly value: T } | { readonly kind: 'missing'; readonly permission: string };

const repositoryAnswer = z.object({
  html_url: z.string(),
  default_branch: z.string(),
  security_and_analysis: z
    .object({ secret_scanning_push_protection: z.object({ status: z.string() }).optional() })
    .nullish(),
});

const rulesetSummary = z.object({ id: z.int() });
const rulesetAnswer = z.object({
  id: z.int(),
  name: z.string(),
  target: z.string().default('branch'),
  source_type: z.string().optional(),
  source: z.string(),
  enforcement: z.string(),
  bypass_actors: z
    .array(
      z.object({
        actor_id: z.int().nullish(),
        actor_type: z.string(),
        bypass_mode: z.string().default('always'),
      }),
    )
    .optional(),
  conditions: z
    .object({
      ref_name: z
        .object({ include: z.array(z.string()).default([]), exclude: z.array(z.string()).default([]) })
        .optional(),
    })
    .nullish(),
  rules: z.array(z.object({ type: z.string(), parameters: z.unknown().optional() })).default([]),
});
export type RulesetSettings = z.output<typeof rulesetAnswer>;

const allowed = z.object({
  users: z.array(z.unknown()).default([]),
  teams: z.array(z.unknown()).default([]),
  apps: z.array(z.object({ id: z.int() })).default([]),
});
const switched = z.object({ enabled: z.boolean() });
const protectionAnswer = z.object({
  required_status_checks: z
    .object({ checks: z.array(z.object({ context: z.string(), app_id: z.int().nullish() })).default([]) })
    .nullish(),
  enforce_admins: switched.nullish(),
  required_pull_request_reviews: z.object({}).nullish(),
  restrictions: allowed.nullish(),
  allow_force_pushes: switched.nullish(),
  allow_deletions: switched.nullish(),
});
export type ProtectionSettings = z.output<typeof protectionAnswer>;

const workflowAnswer = z.object({
  default_workflow_permissions: z.string(),
  can_approve_pull_request_reviews: z.boolean(),
});
const keyAnswer = z.object({ id: z.int(), read_only: z.boolean() });
const installationAnswer = z.object({
  app_id: z.int(),
  html_url: z.string(),
  permissions: z.record(z.string(), z.string()),
  events: z.array(z.string()),
});

export interface RepositorySettings {
  readonly repository: z.output<typeof repositoryAnswer>;
  /** Those of the repository and of what it belongs to. */
  readonly rulesets: Read<readonly RulesetSettings[]>;
  /** Older protection of the default branch; null where there is none. */
  readonly protection: Read<ProtectionSettings | null>;
  readonly workflow: Read<z.output<typeof workflowAnswer>>;
  readonly keys: Read<readonly z.output<typeof keyAnswer>[]>;
  readonly installation: z.output<typeof installationAnswer>;
}

const mostRulesets = 50;
const administration = { administration: 'read' } as const;
const metadata = { metadata: 'read' } as const;

/** Reads all of it. Rejects with an `upstream/…` error, or with `GithubRefusal` for the repository itself. */
export async function readSettings(
  { api }: Hub,
  repository: string,
  signal: AbortSignal,
): Promise<RepositorySettings> {
  const [owner = '', repo = ''] = repository.split('/');
  const ask = <T>(
    route: string,
    permissions: Question<T>['permissions'],
    answer: z.ZodType<T>,
    parameters: Readonly<Record<string, unknown>> = {},
  ): Promise<T> => api.ask({ repository, signal, route, permissions, answer, parameters });
  const readRulesets = async (): Promise<readonly RulesetSettings[]> => {
    const listed = await api.askAll({
      repository,
      signal,
      route: 'GET /repos/{owner}/{repo}/rulesets',
      parameters: { includes_parents: true },
      permissions: metadata,
      answer: rulesetSummary,
    });
    const route = 'GET /repos/{owner}/{repo}/rulesets/{ruleset_id}';
    const chosen = listed
      .slice(0, mostRulesets)
      .map(({ id }) => ({ ruleset_id: id, includes_parents: true }));
    return Promise.all(chosen.map((which) => ask(route, metadata, rulesetAnswer, which)));
  };
  const itself = 'GET /repos/{owner}/{repo}';
  // Only administrators are told about push protection.
  const described = await ask(itself, administration, repositoryAnswer).catch(async (thrown: unknown) => {
    if (!lacksPermission(thrown)) throw thrown;
    return ask(itself, metadata, repositoryAnswer);
  });
  const [rulesets, protection, workflow, keys, { answer: installation }] = await Promise.all([
    permitted('metadata: read', readRulesets),
    permitted('administration: read', () =>
      ask<ProtectionSettings | null>(
        'GET /repos/{owner}/{repo}/branches/{branch}/protection',
        administration,
        protectionAnswer,
        { branch: described.default_branch },
      ).catch((thrown: unknown) => {
        if (thrown instanceof GithubRefusal && thrown.status === 404) return null;
        throw thrown;
      }),
    ),
    permitted('administration: read', () =>
      ask('GET /repos/{owner}/{repo}/actions/permissions/workflow', administration, workflowAnswer),
    ),
    permitted('administration: read', () =>
      ask('GET /repos/{owner}/{repo}/keys', administration, z.array(keyAnswer), { per_page: 100 }),
    ),
    api.askAsApp({
      route: 'GET /repos/{owner}/{repo}/installation',
      parameters: { owner, repo },
      answer: installationAnswer,
    }),
  ]);
  return { repository: described, rulesets, protection, workflow, keys, installation };
}

/** True where the installation has not granted it, or GitHub refuses it to the App. */
function lacksPermission(thrown: unknown): boolean {
  if (thrown instanceof GithubRefusal) return thrown.status === 403 || thrown.status === 404;
  return thrown instanceof GuardError && thrown.code === 'upstream/permission';
}

async function permitted<T>(permission: string, read: () => Promise<T>): Promise<Read<T>> {
  try {
    return { kind: 'read', value: await read() };
  } catch (thrown) {
    if (lacksPermission(thrown)) return { kind: 'missing', permission };
    throw thrown;
  }
}
