// Puts the GitHub App together: webhooks come in, their work goes through the queue, checks and merges go out. Everything
// else of the guard is reached through the ports of core.
import type { FastifyInstance } from 'fastify';
import { GuardError } from '../core/errors.ts';
import type { PostureService } from '../core/posture.ts';
import type { ApprovalApplier, ApprovalNotifier, AuditFeed } from '../core/services.ts';
import type { ForgeConfig } from '../server/config.ts';
import type { QueueState } from '../server/job.ts';
import type { Secret } from '../server/secret.ts';
import { createGithubApi } from './api.ts';
import { createLedger } from './bypass/ledger.ts';
import { createBypassRounds } from './bypass/rounds.ts';
import { watchBypass } from './bypass/watch.ts';
import { numberOf } from './pulls/check-key.ts';
import { createDeploymentApplier } from './deployments/deployment-applier.ts';
import { findDeploymentOf } from './deployments/deployment-store.ts';
import { evaluateDeployment } from './deployments/evaluate-deployment.ts';
import { abandonCheck, evaluatePull } from './pulls/evaluate-pull.ts';
import { evaluateQueue } from './pulls/evaluate-queue.ts';
import { abandonRun, evaluateRun } from './workflows/evaluate-run.ts';
import type { Hub, HubServices } from './hub.ts';
import { createMergeApplier } from './pulls/merge-applier.ts';
import { handlePress } from './pulls/press.ts';
import { createPosture, readPosture } from './posture/posture.ts';
import { type SetupOptions, setupRoute } from './setup-route.ts';
import { clearDownloads } from './workflows/spooled-download.ts';
import { createGithubStorage } from './workflows/storage.ts';
import { findCheckOfApproval, upsertWork } from './store.ts';
import { webhookRoute } from './webhook-route.ts';
import { pullWork, type Work } from './work.ts';
import { createWorkQueue, type Postponed } from './work-queue.ts';

export interface GithubAppOptions
  extends
    Omit<HubServices, 'wakeUp' | 'ledger'>,
    Pick<SetupOptions, 'authenticate' | 'guardUrl' | 'dataDir'> {
  /** Those without `app` are left alone. */
  readonly forges: readonly ForgeConfig[];
  readonly feed: AuditFeed;
  readonly databaseUrl: string;
  readonly redisUrl: Secret | undefined;
  readonly namespace: string;
  readonly onProblem: (problem: string, error: unknown) => void;
}

export interface GithubAppPart extends AsyncDisposable {
  readonly plugin: (app: FastifyInstance) => Promise<void>;
  /** Carry out approved merges, and let approved deployments go on. */
  readonly appliers: { readonly merge: ApprovalApplier; readonly deploy: ApprovalApplier };
  /** Has the checks of requests written, and deployments answered, that have moved on. */
  readonly notifier: ApprovalNotifier;
  readonly posture: PostureService;
  /** Undefined where no GitHub is configured, and before `start`. */
  readonly queue: QueueState | undefined;
  start(): Promise<void>;
}

/** Tries after which what cannot be read of a run is told as unread, about half an hour. */
const mostTries = 12;

/** Opens the part; nothing is done before `start`. */
export function createGithubApp(options: GithubAppOptions): GithubAppPart {
  const hubs = new Map<string, Hub>(options.forges.flatMap((forge) => hubOf(forge)));
  const queue = createWorkQueue({
    ...options,
    perform: (work, signal) => perform(work, signal),
    giveUp: (work, signal) => giveUp(work, signal),
    notBefore: ({ forge, repository }) => hubs.get(forge)?.api.pausedUntil(repository) ?? 0,
  });

  const { database, feed } = options;
  const services: HubServices = {
    ...options,
    ledger: createLedger({ database, feed, evidence: options.evidence, forges: new Set(hubs.keys()) }),
    wakeUp: (work) => queue.wakeUp(work),
  };
  const rounds = createBypassRounds(services, [...hubs.values()]);

  async function perform(work: Work, signal: AbortSignal): Promise<Postponed | undefined> {
    const hub = hubs.get(work.forge);
    if (hub === undefined)
      throw new GuardError('route/unknown-repository', 'this GitHub is not configured any more');
    const { repository } = work;
    const isRetry = work.attempts > 1;
    switch (work.kind) {
      case 'pull': {
        const { number, isForced } = work.data;
        await evaluatePull(services, hub, { repository, number, signal }, { isForced, isRetry });
        return undefined;
      }
      case 'queue':
        await evaluateQueue(services, hub, { repository, ...work.data, isRetry, signal });
        return undefined;
      case 'press':
        await handlePress(services, hub, {
          repository,
          delivery: work.subject,
          press: work.data,
          signal,
        });
        return undefined;
      case 'run':
        return evaluateRun(
          services,
          hub,
          { repository, run: work.data.run, signal },
          work.attempts >= mostTries,
        );
      case 'deployment':
        await evaluateDeployment(services, hub, { repository, ...work.data, signal });
        return undefined;
      case 'push':
      case 'compare':
      case 'installed':
      case 'deliveries':
        return watchBypass(services, hub, work, signal);
      case 'posture':
        await readPosture(services, hub, repository, signal);
        return undefined;
    }
  }

  async function giveUp(work: Work, signal: AbortSignal): Promise<void> {
    const { forge, repository, kind, subject } = work;
    const hub = hubs.get(forge);
    if (hub === undefined || kind === 'press') return;
    if (work.kind === 'run') return abandonRun(services, hub, { repository, run: work.data.run, signal });
    const key = { forge, repository, subject: `${kind}/${subject}` };
    await abandonCheck({ hub, database, key, signal, isForced: false, isRetry: true });
  }

  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await rounds[Symbol.asyncDispose]();
    await queue[Symbol.asyncDispose]();
    await Promise.all(
      [...hubs.values()].flatMap(({ api, storage }) => [
        api[Symbol.asyncDispose](),
        storage[Symbol.asyncDispose](),
      ]),
    );
  };

  const secrets = new Map([...hubs].map(([name, { app }]) => [name, app.webhookSecrets]));
  return {
    plugin: async (app) => {
      await setupRoute(options)(app);
      if (hubs.size > 0)
        await webhookRoute({ database: options.database, secrets, wakeUp: services.wakeUp })(app);
    },
    posture: createPosture(services, [...hubs.keys()]),
    appliers: {
      merge: createMergeApplier({ ...services, hubOf: (forge) => hubs.get(forge) }),
      deploy: createDeploymentApplier({ ...services, hubOf: (forge) => hubs.get(forge) }),
    },
    notifier: {
      notify: async ({ approval }) => {
        if (approval.binding.kind === 'deploy') {
          const found = await findDeploymentOf(database, approval.id);
          if (found === undefined) return;
          const { forge, repository, deployment, run } = found;
          const subject = String(deployment);
          const work = { forge, repository, kind: 'deployment', subject, data: { deployment, run } } as const;
          queue.wakeUp([await upsertWork(database, work)]);
          return;
        }
        if (approval.binding.kind !== 'merge') return;
        const place = await findCheckOfApproval(options.database, approval.id);
        if (place === undefined || !place.subject.startsWith('pull/')) return;
        const { forge, repository, subject } = place;
        const work = pullWork(repository, numberOf(subject), false);
        queue.wakeUp([await upsertWork(database, { forge, ...work })]);
      },
    },
    get queue() {
      return queue.state;
    },
    start: async () => {
      if (hubs.size === 0) return;
      await clearDownloads(options.dataDir);
      await queue.start();
      rounds.start();
    },
    [Symbol.asyncDispose]: () => (closing ??= close()),
  };
}

function hubOf({ name, url, app, credential, ca }: ForgeConfig): readonly (readonly [string, Hub])[] {
  if (app === undefined || credential.mode !== 'github-app') return [];
  const api = createGithubApi({ credential, ca, writesPerMinute: app.writesPerMinute });
  const storage = createGithubStorage({ apiUrl: credential.apiUrl, ca });
  return [[name, { forge: name, url, appId: Number(credential.appId), app, api, storage }]];
}
