// What the fake GitHub knows: accounts, apps, installations, repositories and what happens in them. Only the fake's own
// files change it, and tests through the fake's functions.
import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import type { UpstreamRepository } from '../upstream-repository.ts';
import type {
  Account,
  FakeApp,
  Installation,
  InstallationToken,
  Level,
  Permissions,
  Team,
  TokenFormat,
} from './account-state.ts';
import type { CheckRun, CheckSuite } from './check-state.ts';
import type { Activity, RepositorySettings } from './settings-state.ts';
import type { PullRequest } from './pull-state.ts';

export interface CommitStatus {
  readonly id: number;
  readonly sha: string;
  readonly context: string;
  readonly state: 'error' | 'failure' | 'pending' | 'success';
  readonly creator: Account;
  readonly at: Date;
}

export interface Comment {
  readonly id: number;
  readonly issue: number;
  readonly user: Account;
  body: string;
  readonly createdAt: Date;
  updatedAt: Date;
}

/** A rule of a ruleset on branches, in the shape of the REST API. */
export interface BranchRule {
  readonly branch: string;
  readonly type: string;
  readonly parameters?: Readonly<Record<string, unknown>>;
}

export interface Repository {
  readonly id: number;
  owner: Account;
  name: string;
  readonly isPrivate: boolean;
  readonly defaultBranch: string;
  readonly git: UpstreamRepository;
  /** By login in lower case. */
  readonly collaborators: Map<string, 'read' | 'triage' | 'write' | 'maintain' | 'admin'>;
  readonly pulls: Map<number, PullRequest>;
  readonly comments: Comment[];
  readonly checkRuns: Map<number, CheckRun>;
  readonly checkSuites: Map<number, CheckSuite>;
  readonly statuses: CommitStatus[];
  rules: readonly BranchRule[];
  isArchived: boolean;
  readonly settings: RepositorySettings;
  /** Newest first. */
  readonly activities: Activity[];
  mergeMethods: readonly ('merge' | 'squash' | 'rebase')[];
}

export interface World {
  readonly url: string;
  readonly apiUrl: string;
  readonly accounts: Map<string, Account>;
  readonly teams: Team[];
  readonly apps: Map<number, FakeApp>;
  readonly installations: Map<number, Installation>;
  readonly tokens: Map<string, InstallationToken>;
  readonly repositories: Map<string, Repository>;
  /** Codes of finished manifest flows, each good once. */
  readonly manifestCodes: Map<string, FakeApp>;
  /** Signs the JWT in tokens of the newer format. */
  readonly tokenKey: KeyObject;
  nextId(): number;
  now(): Date;
}

/** An empty world whose addresses begin with `url`. */
export function createWorld(url: string): World {
  let last = 1000;
  return {
    url,
    apiUrl: `${url}/api/v3`,
    accounts: new Map(),
    teams: [],
    apps: new Map(),
    installations: new Map(),
    tokens: new Map(),
    repositories: new Map(),
    manifestCodes: new Map(),
    tokenKey: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
    nextId: () => (last += 1),
    now: () => new Date(),
  };
}

/** The account of this login, made where there is none. */
export function accountOf(world: World, login: string, type: Account['type'] = 'User'): Account {
  const known = world.accounts.get(login.toLowerCase());
  if (known !== undefined) return known;
  const account = { id: world.nextId(), login, type };
  world.accounts.set(login.toLowerCase(), account);
  return account;
}

export interface AppOptions {
  readonly slug?: string;
  readonly owner?: string;
  readonly permissions?: Permissions;
  readonly events?: readonly string[];
  readonly webhookUrl?: string;
  readonly webhookSecret?: string;
  readonly tokenFormat?: TokenFormat;
}

/** Registers an app with a key of its own. */
export function createApp(world: World, options: AppOptions = {}): FakeApp {
  const slug = options.slug ?? 'forgeguard-test';
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const id = world.nextId();
  const app: FakeApp = {
    id,
    clientId: `Iv23li${randomBytes(7).toString('hex')}`,
    slug,
    name: slug,
    owner: accountOf(world, options.owner ?? 'acme', 'Organization'),
    bot: accountOf(world, `${slug}[bot]`, 'Bot'),
    privateKey: privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
    publicKey: createPublicKey(privateKey),
    permissions: options.permissions ?? {},
    events: options.events ?? [],
    webhookSecret: options.webhookSecret ?? randomBytes(20).toString('hex'),
    webhookUrl: options.webhookUrl ?? '',
    tokenFormat: options.tokenFormat ?? 'opaque',
  };
  world.apps.set(id, app);
  return app;
}

/** Installs an app on an account with the app's permissions, on all repositories where none are named. */
export function installApp(
  world: World,
  app: FakeApp,
  login: string,
  options: { readonly repositories?: readonly Repository[]; readonly permissions?: Permissions } = {},
): Installation {
  const installation: Installation = {
    id: world.nextId(),
    app,
    account: accountOf(world, login, 'Organization'),
    permissions: options.permissions ?? app.permissions,
    repositories: options.repositories ? new Set(options.repositories.map(({ id }) => id)) : 'all',
    suspended: false,
    suspendedBy: undefined,
  };
  world.installations.set(installation.id, installation);
  return installation;
}

/** The repository of this name in any spelling. */
export function repositoryOf(world: World, owner: string, name: string): Repository | undefined {
  return world.repositories.get(`${owner}/${name}`.toLowerCase());
}

/** True where the installation covers the repository. */
export function reaches(installation: Installation, repository: Repository): boolean {
  return (
    installation.account.id === repository.owner.id &&
    (installation.repositories === 'all' || installation.repositories.has(repository.id))
  );
}

const levels = ['read', 'write', 'admin'];

/** True where the granted permissions contain this one at this level or above. */
export function permits(granted: Permissions, name: string, level: Level): boolean {
  return levels.indexOf(granted[name] ?? '') >= levels.indexOf(level);
}
