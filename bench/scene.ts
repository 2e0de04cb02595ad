// What the Git cases share: an upstream that asks for a credential, a guard in front of it, and clients of both.
// Direct and guarded clients authenticate in the same way: a user name and password in the URL.
import { createGitClient, type GitClient, withCredentials } from '../test/support/client.ts';
import { startGuard, type RunningGuard } from '../test/support/guard.ts';
import { startUpstream, type Upstream } from '../test/support/upstream.ts';
import type { RepositoryOptions, UpstreamRepository } from '../test/support/upstream-repository.ts';

export interface Scene extends AsyncDisposable {
  readonly upstream: Upstream;
  readonly guard: RunningGuard;
  readonly client: GitClient;
  /** Makes a repository; `direct` and `guarded` are its two URLs, credentials included. */
  createRepo(name: string, options?: RepositoryOptions): Promise<SceneRepository>;
}

export interface SceneRepository {
  readonly repository: UpstreamRepository;
  readonly direct: string;
  readonly guarded: string;
}

const upstreamUser = 'guard';
const upstreamPassword = 'word-of-the-bench';

/** Starts upstream and guard; the guard runs the default policy, so pushes must go to branches `agent/…`. */
export async function startScene(): Promise<Scene> {
  await using stack = new AsyncDisposableStack();
  const upstream = stack.use(
    await startUpstream({
      credential: { kind: 'basic', username: upstreamUser, password: upstreamPassword },
    }),
  );
  const guard = stack.use(
    await startGuard({
      config: {
        forges: [
          {
            name: 'bench',
            url: upstream.url,
            credential: {
              mode: 'basic',
              username: upstreamUser,
              password: { env: 'BENCH_UPSTREAM_PASSWORD' },
            },
          },
        ],
      },
      env: { BENCH_UPSTREAM_PASSWORD: upstreamPassword },
    }),
  );
  const client = stack.use(await createGitClient());
  const token = await createAgentToken(guard);
  const keep = stack.move();
  return {
    upstream,
    guard,
    client,
    createRepo: async (name, options) => ({
      repository: await upstream.createRepo(name, options),
      direct: withCredentials(`${upstream.url}/${name}.git`, upstreamUser, upstreamPassword),
      guarded: withCredentials(`${guard.url}/git/bench/${name}.git`, 'agent', token),
    }),
    [Symbol.asyncDispose]: () => keep.disposeAsync(),
  };
}

async function createAgentToken(guard: RunningGuard): Promise<string> {
  const about = ['--agent', 'bench', '--owner', 'operator', '--purpose', 'measuring', '--expires', '1d'];
  const args = ['token', 'create', ...about, '--scope', 'bench/**:fetch,push'];
  const made = await guard.command(args);
  const token = /\bfg_[A-Za-z0-9_-]+/.exec(made.stdout)?.[0];
  if (token === undefined) throw new Error(`couldn't create a token (exit ${made.code}): ${made.stderr}`);
  return token;
}
