// What is known about the tokens of widely used issuers: the names of their claims, which of them a rule must bind, and
// how often such a token can be had. A table; what is done with a token of a profile is in server/identity.

interface IssuerProfile {
  /** The issuer where there is only one. */
  readonly issuer?: string;
  /** Claims besides those of every token. */
  readonly claims: readonly string[];
  /** Beginnings of further claims. */
  readonly prefixes?: readonly string[];
  /** True where no other claims exist: a name that is not known is a mistake. */
  readonly closed: boolean;
  /** Each rule names one of these with exact values: names of repositories and groups are given to others once free. */
  readonly bind?: readonly string[];
  /** `until-expiry` where a job or machine is handed one token for its whole life and cannot ask for another. */
  readonly reuse: 'never' | 'until-expiry';
  /** Claims that the audit log keeps of each token. */
  readonly recorded: readonly string[];
}

export const commonClaims = ['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'act', 'may_act'] as const;

const people = [
  'email',
  'email_verified',
  'name',
  'given_name',
  'family_name',
  'preferred_username',
  'groups',
];
const session = ['auth_time', 'nonce', 'acr', 'amr', 'azp', 'at_hash', 'client_id', 'scope', 'scp', 'sid'];

export const issuerProfileNames = [
  'github-actions',
  'gitlab-ci',
  'kubernetes',
  'spiffe',
  'okta',
  'entra',
  'google',
  'generic',
] as const;
export type IssuerProfileName = (typeof issuerProfileNames)[number];

const issuerProfiles: Readonly<Record<IssuerProfileName, IssuerProfile>> = {
  'github-actions': {
    issuer: 'https://token.actions.githubusercontent.com',
    claims: [
      'actor',
      'actor_id',
      'base_ref',
      'check_run_id',
      'enterprise',
      'enterprise_id',
      'environment',
      'environment_node_id',
      'event_name',
      'head_ref',
      'issuer_scope',
      'job_workflow_ref',
      'job_workflow_sha',
      'ref',
      'ref_protected',
      'ref_type',
      'repository',
      'repository_id',
      'repository_owner',
      'repository_owner_id',
      'repository_visibility',
      'run_attempt',
      'run_id',
      'run_number',
      'runner_environment',
      'sha',
      'workflow',
      'workflow_ref',
      'workflow_sha',
    ],
    prefixes: ['repo_property_'],
    closed: true,
    bind: ['repository_id', 'repository_owner_id', 'enterprise_id'],
    reuse: 'never',
    recorded: [
      'repository',
      'repository_id',
      'run_id',
      'run_attempt',
      'event_name',
      'ref',
      'sha',
      'workflow_ref',
      'job_workflow_ref',
      'environment',
      'actor',
      'actor_id',
      'runner_environment',
    ],
  },
  'gitlab-ci': {
    claims: [
      'ci_config_ref_uri',
      'ci_config_sha',
      'deployment_action',
      'deployment_tier',
      'environment',
      'environment_action',
      'environment_protected',
      'groups_direct',
      'job_id',
      'job_namespace_id',
      'job_namespace_path',
      'job_project_id',
      'job_project_path',
      'job_source',
      'namespace_id',
      'namespace_path',
      'pipeline_id',
      'pipeline_source',
      'project_id',
      'project_path',
      'project_visibility',
      'ref',
      'ref_path',
      'ref_protected',
      'ref_type',
      'runner_environment',
      'runner_id',
      'sha',
      'user_access_level',
      'user_email',
      'user_id',
      'user_identities',
      'user_login',
    ],
    closed: true,
    bind: ['project_id', 'namespace_id'],
    reuse: 'until-expiry',
    recorded: [
      'project_path',
      'project_id',
      'pipeline_id',
      'pipeline_source',
      'job_id',
      'ref',
      'sha',
      'environment',
      'user_login',
      'user_id',
      'ci_config_ref_uri',
      'runner_environment',
    ],
  },
  kubernetes: {
    claims: ['kubernetes.io', 'namespace', 'serviceaccount', 'serviceaccount_uid', 'pod', 'pod_uid', 'node'],
    closed: true,
    reuse: 'until-expiry',
    recorded: ['namespace', 'serviceaccount', 'serviceaccount_uid', 'pod', 'pod_uid', 'node'],
  },
  spiffe: {
    claims: ['trust_domain', 'path'],
    closed: true,
    reuse: 'until-expiry',
    recorded: ['path'],
  },
  okta: {
    claims: [...people, ...session, 'cid', 'uid', 'ver', 'idp'],
    closed: false,
    reuse: 'never',
    recorded: ['cid', 'uid'],
  },
  entra: {
    claims: [
      ...people,
      ...session,
      'aio',
      'appid',
      'appidacr',
      'azpacr',
      'idtyp',
      'idp',
      'oid',
      'rh',
      'roles',
      'tid',
      'unique_name',
      'upn',
      'uti',
      'ver',
      'wids',
      'xms_mirid',
    ],
    closed: false,
    reuse: 'never',
    recorded: ['oid', 'tid', 'appid', 'azp', 'idtyp'],
  },
  google: {
    issuer: 'https://accounts.google.com',
    claims: [...people, ...session, 'hd', 'google', 'picture', 'locale'],
    closed: false,
    reuse: 'never',
    recorded: ['azp', 'hd'],
  },
  generic: {
    claims: [...people, ...session, 'roles'],
    closed: false,
    reuse: 'never',
    recorded: ['azp', 'client_id'],
  },
};

/** What is known about the tokens of a profile. */
export function profileOf(name: IssuerProfileName): IssuerProfile {
  return issuerProfiles[name];
}
