// Puts the Git part together: upstreams, caches and routes from the configuration and the ports of core.
import { join } from 'node:path';
import { setInterval } from 'node:timers';
import type { FastifyInstance } from 'fastify';
import { GuardError } from '../../core/errors.ts';
import type { EvidenceStore } from '../../core/activity/evidence.ts';
import type { NewNameOf } from '../../core/new-names.ts';
import type {
  ApprovalApplier,
  ApprovalService,
  ChangeScanner,
  HeldChanges,
  OpenAttempt,
  RemoteRefs,
} from '../../core/services.ts';
import { createApplier } from './apply-held.ts';
import { isAtLeast, readGitVersion } from './git-version.ts';
import { createHeldChanges } from './held-changes.ts';
import { type HeldStore, openHeldStore } from './held-store.ts';
import { openGateway } from './gateway.ts';
import { createHistory } from './history.ts';
import type { PushServices } from './push-stage.ts';
import { createPreparations } from './preparations.ts';
import { createProposedChanges } from './proposed-changes.ts';
import { createEvidenceKeeper } from './push-evidence.ts';
import { useSpawner } from './process.ts';
import { sweepQuarantines } from './quarantine.ts';
import { createRepositoryTable, type Repository } from './repository.ts';
import { gitRoutes, type GitRoutesOptions } from './routes.ts';
import { createChangeScanner } from './scan-change.ts';
import { settleAttempts } from './settle.ts';
import { createSignatureVerifier } from './signatures.ts';
import { createUpstream, type Upstream } from './upstream.ts';
import { withNewNames } from './upstream-names.ts';
import { createUpstreamFacts } from './upstream-facts.ts';

export interface GitPartOptions
  extends
    Pick<GitRoutesOptions, 'forges' | 'identity' | 'covers' | 'traffic' | 'passthroughGrant'>,
    Pick<
      PushServices,
      'audit' | 'confirm' | 'scanner' | 'policy' | 'limits' | 'agent' | 'clock' | 'observe'
    > {
  readonly approvals: ApprovalService;
  readonly newNameOf: NewNameOf;
  /** Where what pushes change is kept. */
  readonly evidence: EvidenceStore;
  readonly dataDir: string;
  /** Directory of the pushes that wait for an approval, and the bytes that all of them may take. */
  readonly held: { readonly directory: string; readonly maxBytes: number };
}

export interface GitPart extends AsyncDisposable {
  readonly plugin: (app: FastifyInstance) => Promise<void>;
  /** Gives attempts that an earlier process left open their outcome; returns how many. */
  settle(attempts: readonly OpenAttempt[]): Promise<number>;
  /** Lands approved pushes. */
  readonly applier: ApprovalApplier;
  /** Shows what held pushes and proposed merges would change. */
  readonly heldChanges: Readonly<Record<'push' | 'merge', HeldChanges>>;
  /** Scans changes that are at an upstream already. */
  readonly changeScanner: ChangeScanner;
  readonly remoteRefs: RemoteRefs;
}

/** Opens the part. What an earlier process left in quarantines and caches is removed. */
export async function createGitPart(options: GitPartOptions): Promise<GitPart> {
  const quarantineRoot = join(options.dataDir, 'quarantine');
  const spawner = await useSpawner();
  const [version, held, history, signatures] = await Promise.all([
    readGitVersion(),
    openHeldStore(options.held.directory, options.held.maxBytes),
    createHistory(join(options.dataDir, 'history')),
    createSignatureVerifier(join(options.dataDir, 'signers'), options.policy.authors.signers),
    sweepQuarantines(quarantineRoot),
  ]);
  const monotonic = (): number => performance.now();
  const upstreams = new Map<string, Upstream>(
    options.forges.map((forge) => [
      forge.name,
      withNewNames(
        createUpstream(forge, options.limits.upstreamSeconds * 1000, monotonic),
        options.newNameOf,
      ),
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
  const repositoryOf = (name: string): Repository =>
    table.route('POST', `${name}/git-receive-pack`, undefined).repository;
  const gateway = await openGateway({ upstreamOf, repositoryOf });
  const tools = {
    history,
    gateway,
    quarantineRoot,
    limits: options.limits,
    toleratesWhileIndexing: isAtLeast(version, { major: 2, minor: 45 }),
  };
  const preparations = createPreparations(tools);
  const sweeping = sweepHeld(held, options.approvals);
  const evidence = createEvidenceKeeper({
    store: options.evidence,
    audit: options.audit,
    services: () => services,
  });
  const services: GitRoutesOptions = {
    ...options,
    ...tools,
    upstreamOf,
    held,
    signatures,
    preparations,
    facts,
    evidence,
    evidenceStore: options.evidence,
  };
  return {
    plugin: async (app) => {
      // Hooks run in the opposite order: pushes that are under way come first.
      app.addHook('onClose', () => evidence.stop());
      await gitRoutes(app, services);
    },
    settle: (attempts) =>
      settleAttempts(options.audit, attempts, async (id) => {
        return facts.advertisement(repositoryOf(id), undefined, AbortSignal.timeout(10_000));
      }),
    applier: createApplier({ ...services, repositoryOf }),
    heldChanges: {
      push: createHeldChanges({ ...services, repositoryOf }),
      merge: createProposedChanges({ ...services, repositoryOf }),
    },
    changeScanner: createChangeScanner({ ...services, repositoryOf }),
    remoteRefs: {
      refsOf: async (name, signal) => {
        const repository = repositoryOf(name);
        const [refs, defaultBranch] = await Promise.all([
          facts.refs(repository, undefined, 'now', signal),
          facts.defaultBranch(repository, undefined, signal),
        ]);
        return { defaultBranch, refs };
      },
    },
    async [Symbol.asyncDispose]() {
      clearInterval(sweeping);
      await evidence.stop();
      await preparations[Symbol.asyncDispose]();
      await gateway[Symbol.asyncDispose]();
      await Promise.all([...upstreams.values()].map((upstream) => upstream.close()));
      await spawner[Symbol.asyncDispose]();
    },
  };
}

const sweepEveryMs = 3_600_000;
/** A push is kept before its request is there. */
const sweepAgeMs = 3_600_000;

/** Removes held pushes that no open request knows, from time to time. */
function sweepHeld(held: HeldStore, approvals: Pick<ApprovalService, 'heldInUse'>): NodeJS.Timeout {
  const sweep = async (): Promise<void> => {
    const old = await held.olderThan(sweepAgeMs);
    if (old.length === 0) return;
    const used = await approvals.heldInUse(old);
    for (const key of old) if (!used.has(key)) await held.discard(key);
  };
  // What fails now is swept the next time.
  const quietly = (): void => void sweep().catch(() => undefined);
  quietly();
  return setInterval(quietly, sweepEveryMs).unref();
}
