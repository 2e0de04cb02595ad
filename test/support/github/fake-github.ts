// A GitHub for tests, in memory and on real repositories: the REST API below `/api/v3` as an Enterprise Server has it,
// Git over HTTP at `/<owner>/<repo>.git`. Keeps to what GitHub documents and refuses what GitHub refuses.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fastify } from 'fastify';
import { Spawner } from '../../../server/git/spawner.ts';
import { freePort } from '../free-port.ts';
import { temporaryDirectory } from '../temporary-directory.ts';
import { createRepository } from '../upstream-repository.ts';
import { ApiFaults } from './api-faults.ts';
import { addRoute, type ApiState, type RecordedCall } from './api-route.ts';
import { addGitAccess } from './git-access.ts';
import { addManifestPages } from './manifest-pages.ts';
import { FakeActions } from './actions.ts';
import { Deliveries } from './deliveries.ts';
import { InstallationActions } from './installation-actions.ts';
import { appRoutes } from './routes/app.ts';
import { checkRoutes } from './routes/checks.ts';
import { deliveryRoutes } from './routes/deliveries.ts';
import { peopleRoutes } from './routes/people.ts';
import { pullRoutes } from './routes/pulls.ts';
import { postureRoutes } from './routes/posture.ts';
import { pushRoutes } from './routes/pushes.ts';
import { repositoryRoutes } from './routes/repository.ts';
import { openSettings } from './settings-state.ts';
import { addStorage, createStorage, type Storage, workflowRoutes } from './routes/workflows.ts';
import { WorkflowActions } from './workflow-actions.ts';
import type { FakeApp, Installation, Permissions } from './account-state.ts';
import {
  accountOf,
  type AppOptions,
  createApp,
  createWorld,
  installApp,
  type Repository,
  type World,
} from './world.ts';

export interface FakeRepositoryOptions {
  /** Default true. */
  readonly isPrivate?: boolean;
  /** Default: a README. */
  readonly seed?: Readonly<Record<string, string | Uint8Array>>;
}

export interface FakeGitHub extends AsyncDisposable {
  /** Of pages and of Git. */
  readonly url: string;
  readonly apiUrl: string;
  readonly world: World;
  readonly faults: ApiFaults;
  readonly deliveries: Deliveries;
  /** What people do. */
  readonly actions: FakeActions;
  /** What people do about where apps are installed. */
  readonly installing: InstallationActions;
  /** What runners do. */
  readonly workflows: WorkflowActions;
  /** Where logs and artifacts are. */
  readonly storage: Storage;
  readonly calls: readonly RecordedCall[];
  /** What broke GitHub's description of its API; expect it to be empty. */
  readonly violations: readonly string[];
  setHourlyLimit(calls: number): void;
  createApp(options?: AppOptions): FakeApp;
  install(
    app: FakeApp,
    login: string,
    options?: { readonly repositories?: readonly Repository[]; readonly permissions?: Permissions },
  ): Installation;
  createRepository(owner: string, name: string, options?: FakeRepositoryOptions): Promise<Repository>;
}

/** Starts a GitHub without accounts on a free port of the loopback. */
export async function startFakeGitHub(): Promise<FakeGitHub> {
  const directory = await temporaryDirectory('github');
  const [root, home] = [join(directory.path, 'repositories'), join(directory.path, 'home')];
  await mkdir(root);
  await mkdir(home);
  const spawner = await Spawner.start();
  // The port stands in the addresses of everything it answers.
  const port = await freePort();
  const world = createWorld(`http://127.0.0.1:${port}`);
  const state: ApiState = {
    world,
    faults: new ApiFaults(),
    calls: [],
    violations: [],
    used: new Map(),
    hourlyLimit: 5_000,
  };
  const deliveries = new Deliveries(world);
  const actions = new FakeActions(world, deliveries);
  const storage = createStorage();
  const stopped = new AbortController();
  const server = fastify({ forceCloseConnections: true, routerOptions: { maxParamLength: 500 } });
  server.register(
    async (api) => {
      const routes = [
        ...appRoutes(world),
        ...checkRoutes(world),
        ...deliveryRoutes(world, deliveries),
        ...peopleRoutes(world),
        ...pullRoutes(world, actions),
        ...postureRoutes(world),
        ...pushRoutes(world),
        ...repositoryRoutes(world),
        ...workflowRoutes(world, storage),
      ];
      for (const route of routes) addRoute(api, state, route);
    },
    { prefix: '/api/v3' },
  );
  addManifestPages(server, world);
  addStorage(server, storage, state);
  addGitAccess(server, { world, spawner, root, home, signal: stopped.signal });
  await server.listen({ port, host: '127.0.0.1' });
  return {
    url: world.url,
    apiUrl: world.apiUrl,
    world,
    faults: state.faults,
    deliveries,
    actions,
    installing: new InstallationActions(world, deliveries),
    workflows: new WorkflowActions(world, deliveries),
    storage,
    calls: state.calls,
    violations: state.violations,
    setHourlyLimit: (calls) => (state.hourlyLimit = calls),
    createApp: (options) => createApp(world, options),
    install: (app, login, options) => installApp(world, app, login, options),
    createRepository: async (owner, name, options = {}) => {
      const repository: Repository = {
        id: world.nextId(),
        owner: accountOf(world, owner, 'Organization'),
        name,
        isPrivate: options.isPrivate ?? true,
        defaultBranch: 'main',
        git: await createRepository(root, home, `${owner}/${name}`, {
          seed: options.seed ?? { 'README.md': `# ${name}\n` },
        }),
        collaborators: new Map(),
        pulls: new Map(),
        comments: [],
        checkRuns: new Map(),
        checkSuites: new Map(),
        statuses: [],
        rules: [],
        isArchived: false,
        settings: openSettings(),
        activities: [],
        mergeMethods: ['merge', 'squash', 'rebase'],
      };
      world.repositories.set(`${owner}/${name}`.toLowerCase(), repository);
      return repository;
    },
    [Symbol.asyncDispose]: async () => {
      stopped.abort();
      await server.close();
      await spawner[Symbol.asyncDispose]();
      await directory.remove();
    },
  };
}
