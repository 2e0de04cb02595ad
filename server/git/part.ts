// Puts the Git part together: upstreams, caches and routes from the configuration and the ports of core.
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { GuardError } from '../../core/errors.ts';
import type { OpenAttempt } from '../../core/services.ts';
import { isAtLeast, readGitVersion } from './git-version.ts';
import { createHistory } from './history.ts';
import type { PushServices } from './push-stage.ts';
import { createPreparations } from './preparations.ts';
import { useSpawner } from './process.ts';
import { sweepQuarantines } from './quarantine.ts';
import { createRepositoryTable, type Repository } from './repository.ts';
import { gitRoutes, type GitRoutesOptions } from './routes.ts';
import { settleAttempts } from './settle.ts';
import { createUpstream, type Upstream } from './upstream.ts';
import { createUpstreamFacts } from './upstream-facts.ts';

export interface GitPartOptions
  extends
    Pick<GitRoutesOptions, 'forges' | 'identity' | 'covers' | 'passthroughGrant'>,
    Pick<PushServices, 'audit' | 'scanner' | 'policy' | 'limits' | 'agent' | 'clock' | 'observe'> {
  readonly dataDir: string;
}

export interface GitPart extends AsyncDisposable {
  readonly plugin: (app: FastifyInstance) => Promise<void>;
  /** Gives attempts that an earlier process left open their outcome; returns how many. */
  settle(attempts: readonly OpenAttempt[]): Promise<number>;
}

/** Opens the part. What an earlier process left in quarantines and caches is removed. */
export async function createGitPart(options: GitPartOptions): Promise<GitPart> {
  const quarantineRoot = join(options.dataDir, 'quarantine');
  const spawner = await useSpawner();
  const [version, history] = await Promise.all([
    readGitVersion(),
    createHistory(join(options.dataDir, 'history')),
    sweepQuarantines(quarantineRoot),
  ]);
  const monotonic = (): number => performance.now();
  const upstreams = new Map<string, Upstream>(
    options.forges.map((forge) => [
      forge.name,
      createUpstream(forge, options.limits.upstreamSeconds * 1000, monotonic),
    ]),
  );
  const upstreamOf = (repository: Repository): Upstream => {
    const upstream = upstreams.get(repository.forge.name);
    if (upstream === undefined)
      throw new GuardError('route/unknown-repository', 'no such forge behind this guard');
    return upstream;
  };
  const facts = createUpstreamFacts(upstreamOf, options.limits.advertisedRefs, monotonic);
  const table = createRepositoryTable(options.forges);
  const tools = {
    history,
    upstreamOf,
    quarantineRoot,
    limits: options.limits,
    toleratesWhileIndexing: isAtLeast(version, { major: 2, minor: 45 }),
  };
  const preparations = createPreparations(tools);
  const services: GitRoutesOptions = { ...options, ...tools, preparations, facts };
  return {
    plugin: (app) => gitRoutes(app, services),
    settle: (attempts) =>
      settleAttempts(options.audit, attempts, async (id) => {
        const { repository } = table.route('POST', `${id}/git-receive-pack`, undefined);
        return facts.advertisement(repository, undefined, AbortSignal.timeout(10_000));
      }),
    async [Symbol.asyncDispose]() {
      await preparations[Symbol.asyncDispose]();
      await Promise.all([...upstreams.values()].map((upstream) => upstream.close()));
      await spawner[Symbol.asyncDispose]();
    },
  };
}
