// A fake GitHub with the guard as its App, the guard as a process of its own, and repositories to open pull requests in.
import { type AuditEntry, parseEntry } from '../../../core/audit-entry.ts';
import { appEvents, appPermissions } from '../../../github-app/manifest.ts';
import { readEntries } from '../../../server/audit/store.ts';
import { freshDatabase, type TestDatabase } from '../database.ts';
import { type GuardOptions, type RunningGuard, startGuard } from '../guard.ts';
import { freePort } from '../free-port.ts';
import { until } from '../until.ts';
import type { FakeApp, Installation } from './account-state.ts';
import type { CheckRun } from './check-state.ts';
import { type CommitWish, makeCommits } from './commits.ts';
import { type FakeGitHub, startFakeGitHub } from './fake-github.ts';
import type { PullRequest } from './pull-state.ts';
import type { Repository } from './world.ts';

export interface GuardedGithubOptions {
  /** More members of `forges[].app`. */
  readonly app?: object;
  readonly policy?: GuardOptions['policy'];
  readonly config?: object;
  /** More environment of the guard. */
  readonly env?: Readonly<Record<string, string>>;
  /** Of the guard; default: a free one. */
  readonly port?: number;
}

export interface GuardedGithub extends AsyncDisposable {
  readonly github: FakeGitHub;
  readonly app: FakeApp;
  readonly installation: Installation;
  /** The one that runs now. */
  readonly guard: RunningGuard;
  /** Kills the guard at once and starts another on the same data and port, when its leases are over. */
  restart(): Promise<void>;
  readonly database: TestDatabase;
  createRepository(name: string, seed?: Readonly<Record<string, string>>): Promise<Repository>;
  /** Commits to a branch and opens a pull request of it. */
  openPull(
    repository: Repository,
    files: CommitWish['files'],
    more?: Partial<CommitWish> & { readonly title?: string; readonly body?: string; readonly by?: string },
  ): Promise<PullRequest>;
  /** Commits to the branch of a pull request and tells the guard. */
  push(repository: Repository, pull: PullRequest, files: CommitWish['files']): Promise<void>;
  /** The newest check of the guard on the newest commit, once it is as wanted. */
  check(repository: Repository, pull: PullRequest, wanted?: (run: CheckRun) => boolean): Promise<CheckRun>;
  /** Entries of the audit log with one of these actions. */
  audit(...actions: readonly string[]): Promise<readonly AuditEntry[]>;
}

/** Starts all of it. The App is installed on the organization `acme`. */
export async function startGuardedGithub(options: GuardedGithubOptions = {}): Promise<GuardedGithub> {
  await using stack = new AsyncDisposableStack();
  const github = stack.use(await startFakeGitHub());
  const port = options.port ?? (await freePort());
  const app = github.createApp({
    permissions: appPermissions,
    events: appEvents,
    webhookUrl: `http://127.0.0.1:${port}/webhooks/github`,
  });
  const installation = github.install(app, 'acme');
  const database = stack.use(await freshDatabase());
  const start = (dataDir?: string): Promise<RunningGuard> =>
    startGuard({
      port,
      ...(dataDir === undefined ? {} : { dataDir }),
      config: {
        database: { url: { env: 'GUARD_DATABASE' } },
        ...options.config,
        forges: [
          {
            name: 'hub',
            url: github.url,
            credential: { mode: 'github-app', appId: app.id, privateKey: { env: 'APP_KEY' } },
            app: { webhookSecrets: [{ env: 'HOOK_SECRET' }], writesPerMinute: 100_000, ...options.app },
          },
        ],
        ...(options.policy === undefined ? {} : { policyFile: 'policy.yaml' }),
      },
      ...(options.policy === undefined ? {} : { policy: options.policy }),
      env: {
        APP_KEY: app.privateKey,
        HOOK_SECRET: app.webhookSecret,
        GUARD_DATABASE: database.url,
        ...options.env,
      },
    });
  let guard = stack.use(await start());
  let made = 0;
  const { world, actions } = github;
  const opened = stack.move();
  return {
    github,
    app,
    installation,
    get guard() {
      return guard;
    },
    restart: async () => {
      await guard.kill();
      await database.database.query('update github_work set lease_until = null, due_at = clock_timestamp()');
      guard = opened.use(await start(guard.dataDir));
    },
    database,
    createRepository: (name, seed) =>
      github.createRepository('acme', name, seed === undefined ? {} : { seed }),
    openPull: async (repository, files, more = {}) => {
      const branch = more.branch ?? `change-${(made += 1)}`;
      const by = more.by ?? 'coder';
      await makeCommits(world, repository, [{ ...more, by, branch, files }]);
      return actions.openPull(repository, {
        by,
        head: branch,
        ...(more.title === undefined ? {} : { title: more.title }),
        ...(more.body === undefined ? {} : { body: more.body }),
      });
    },
    push: async (repository, pull, files) => {
      await makeCommits(world, repository, [{ branch: pull.headRef, files, by: pull.user.login }]);
      await actions.synchronize(repository, pull.headRef);
    },
    check: async (repository, pull, wanted = () => true) => {
      const newest = (): CheckRun | undefined =>
        [...repository.checkRuns.values()].findLast(({ headSha }) => headSha === pull.headSha);
      const isThere = (): boolean => {
        const run = newest();
        return run !== undefined && run.status === 'completed' && wanted(run);
      };
      await until(`a check of pull request ${pull.number}`, isThere).catch((thrown: unknown) => {
        const seen = newest();
        const last = [seen?.conclusion, seen?.title, seen?.summary].join('\n');
        throw new Error(`${String(thrown)}\n${last}\n${guard.logs().slice(-3_000)}`, { cause: thrown });
      });
      return newest() as CheckRun;
    },
    audit: async (...wanted) => {
      const stored = await readEntries(database.database, 0, 100_000);
      return stored.flatMap(({ body }) => {
        const entry = parseEntry(body);
        return entry !== undefined && wanted.includes(entry.action) ? [entry] : [];
      });
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
