// Puts the guard together: the only place that knows who implements which port.
import type { FastifyInstance } from 'fastify';
import { createNewNames } from '../github-app/bypass/new-name.ts';
import { ledgerTexts } from '../github-app/bypass/texts-store.ts';
import { createGithubApp } from '../github-app/part.ts';
import { GuardError } from '../core/errors.ts';
import { IdentityRefusal } from '../core/identity-refusal.ts';
import { covers } from '../core/scope.ts';
import type { ApprovalNotifier, IdentityService, StepObserver } from '../core/services.ts';
import { createActivity } from './activity/part.ts';
import { createEvidenceStore } from './activity/evidence-store.ts';
import { activityTexts } from './activity/texts-store.ts';
import { createRecordPorts } from './activity/record-ports.ts';
import { createReplay } from './activity/replay.ts';
import { createAdmission } from './admission/part.ts';
import { approvalPointer } from './api/approval-pointer.ts';
import { approvalRoutes } from './api/approval-routes.ts';
import { createApi } from './api/part.ts';
import { bypassRoutes } from './api/bypass-routes.ts';
import { agentRoutes } from './api/agent-routes.ts';
import { postureRoutes } from './api/posture-routes.ts';
import { scanRoutes } from './api/scan-routes.ts';
import { sessionRoutes } from './api/session-routes.ts';
import { shredRoutes } from './api/shred-routes.ts';
import { logNotifier } from './approvals/log-notifier.ts';
import { type ApprovalsPart, createApprovals } from './approvals/part.ts';
import { approvalTexts } from './approvals/texts-store.ts';
import type { DurableAuditLog } from './audit/log.ts';
import { createAuditFeed } from './audit/feed.ts';
import { createIntegritySource } from './audit/integrity.ts';
import { auditRoutes } from './audit/routes.ts';
import { createEvidenceSeal } from './audit/sealing/evidence-seal.ts';
import { createShredding } from './audit/sealing/shredding.ts';
import { createAuditStream } from './audit/stream.ts';
import { openAudit } from './app-audit.ts';
import { openPeople } from './app-people.ts';
import { guardEvent, recordStart } from './app-start.ts';
import { readFingerprintKey } from './fingerprint-key.ts';
import type { Config, ForgeConfig } from './config.ts';
import { type Database, openDatabase } from './db.ts';
import { within } from './deadline.ts';
import { startEmbeddedPostgres } from './embedded-postgres.ts';
import { createGitPart, type GitPart } from './git/part.ts';
import { openGuardInstance } from './guard-instance.ts';
import { createHttpServer } from './http.ts';
import { passthroughGrant } from './identity/passthrough.ts';
import { createRefusalRecorder, recordRefusals } from './identity/recorded-refusals.ts';
import { createIdentity } from './identity/part.ts';
import { createNotifications } from './notify/part.ts';
import { applyWithStanding, confirmWithStanding, createStanding, demandStanding } from './people/standing.ts';
import { createPolicyService, type LoadedPolicy } from './policy/service.ts';
import { createReports } from './reports/part.ts';
import { createScanPool } from './scanning/pool.ts';
import { createSinks } from './sinks/part.ts';
import { createTlsListener } from './tls-listener.ts';
import { presentedBy } from './presented.ts';
import { version } from './version.ts';

export interface AppOptions {
  readonly observe?: StepObserver;
  readonly log: { readonly write: (line: string) => void };
  /** Forges besides those of the configuration, such as the sandbox's. */
  readonly extraForges?: readonly ForgeConfig[];
}

export interface App extends AsyncDisposable {
  readonly http: FastifyInstance;
  readonly audit: DurableAuditLog;
  readonly database: Database;
  readonly policy: LoadedPolicy;
  /** True where the token would be accepted now. */
  readonly isGoodToken: (token: string) => Promise<boolean>;
  /** Attempts of an earlier process that were given their outcome at this start. */
  readonly settled: number;
  /** One-time link for the first administrator; undefined where nobody can sign in, or somebody is one. */
  readonly administratorLink: string | undefined;
}

const clock = { now: () => new Date() };

/**
 * Opens everything the guard needs and settles what an earlier process left; the data directory is there. Rejects with a
 * `GuardError`.
 */
export async function buildApp(config: Config, options: AppOptions): Promise<App> {
  await using opened = new AsyncDisposableStack();
  const instance = opened.use(await openGuardInstance(config.dataDir));
  const fingerprintKey = await readFingerprintKey(config.dataDir);
  const starting = [
    openStore(config, opened),
    createScanPool({ fingerprintKey }).then((pool) => opened.use(pool)),
    createPolicyService({ file: config.policyFile }),
  ] as const;
  // The slow beginnings go side by side. All settle before a failure is thrown, so that what was opened is closed.
  await Promise.allSettled(starting);
  const [{ database, url: databaseUrl }, scanner, policy] = await Promise.all(starting);
  const { audit, sealing } = await openAudit({ config, database, clock }, opened);
  const identity = opened.use(
    createIdentity({
      database,
      clock,
      audit,
      issuers: config.identity.issuers,
      sessionLifetime: config.identity.sessions.maxLifetime,
      certificates: config.identity.certificates,
    }),
  );
  const admission = createAdmission({ limits: config.limits, audit });
  const standing = createStanding(database);
  const refusals = createRefusalRecorder(audit);
  const watch = (inner: IdentityService): IdentityService =>
    admission.guard(recordRefusals(demandStanding(inner, standing), refusals));
  const recorded = watch(identity);
  const tls =
    config.listen.tls &&
    (await createTlsListener({
      settings: config.listen.tls,
      onProblem: (error) => http.log.warn({ err: error }, 'the files of listen.tls cannot be used'),
      onRefused: () => refusals.note(new IdentityRefusal('bad-certificate', undefined, {})),
    }));
  const http: FastifyInstance = createHttpServer({
    tls,
    clientCertHeader: config.listen.clientCertHeader,
    trustProxy: config.listen.trustProxy,
    log: options.log,
    checkReady: () => checkReady(database, audit),
    reportState: () => ({ queue: approvals.queue, sinks: sinks.report() }),
  });
  admission.watch(http);
  const sinks = opened.use(
    createSinks({
      sinks: config.audit.sinks,
      stream: createAuditStream(database, audit.origin),
      database,
      holder: instance,
      append: (event) => audit.append(event),
      onProblem: (problem, error) => http.log.warn({ err: error }, problem),
    }),
  );
  const approvals: ApprovalsPart = createApprovals({
    database,
    databaseUrl,
    redisUrl: config.redis.url,
    namespace: audit.origin,
    audit,
    scanner,
    covers,
    urlOf: (id) =>
      `${config.publicUrl ?? listeningUrl(http, tls === undefined ? 'http' : 'https')}/ui/approvals/${id}`,
    remindAfter: config.approvals.remindAfter,
    mostWaiting: config.approvals.mostWaiting,
    onProblem: (problem, error) => http.log.warn({ err: error }, problem),
    claimant: instance,
  });
  const feed = createAuditFeed(database, sealing);
  const evidence = createEvidenceStore(database, createEvidenceSeal(database, sealing, clock));
  const git: GitPart = opened.use(
    await createGitPart({
      forges: [...config.forges, ...(options.extraForges ?? [])],
      identity: recorded,
      covers,
      traffic: admission,
      confirm: confirmWithStanding(identity.confirm, standing),
      passthroughGrant: (authorization, forge) => passthroughGrant(authorization, forge, fingerprintKey),
      audit,
      scanner,
      policy,
      approvals: approvals.service,
      evidence,
      newNameOf: createNewNames(database),
      held: { directory: config.approvals.heldDirectory, maxBytes: config.approvals.heldBytes },
      limits: config.limits,
      dataDir: config.dataDir,
      agent: `forgeguard/${version}`,
      clock,
      observe: options.observe ?? (() => undefined),
    }),
  );
  const github = createGithubApp({
    forges: config.forges,
    database,
    databaseUrl,
    redisUrl: config.redis.url,
    namespace: audit.origin,
    audit,
    scanner,
    changes: git.changeScanner,
    refs: git.remoteRefs,
    feed,
    authenticate: (request) => recorded.authenticate(presentedBy(request)),
    guardUrl: () => guardUrl(),
    dataDir: config.dataDir,
    ended: (ids) => standing.ended(ids),
    policy,
    approvals: approvals.service,
    clock,
    evidence,
    ...createRecordPorts(database, feed, () => activity.service),
    onProblem: (problem, error) => http.log.warn({ err: error }, problem),
  });
  const notifications = opened.use(
    createNotifications({
      database,
      feed,
      channels: config.notifications,
      alerts: config.alerts,
      domain: new URL(config.publicUrl ?? 'http://forgeguard.invalid').hostname,
      onProblem: (problem, error) => http.log.warn({ err: error }, problem),
    }),
  );
  const activity = opened.use(
    createActivity({
      database,
      feed,
      clock,
      onProblem: (problem, error) => http.log.warn({ err: error }, problem),
    }),
  );
  const reports = opened.use(
    createReports({
      activity: activity.service,
      feed,
      integrity: createIntegritySource(database, config.dataDir),
      clock,
      chromium: config.reports.chromium,
    }),
  );
  const guardUrl = (): string => config.publicUrl ?? listeningUrl(http, tls === undefined ? 'http' : 'https');
  const people = opened.use(
    await openPeople({
      config,
      database,
      clock,
      audit,
      approvals: approvals.service,
      sessions: identity.sessions,
      changes: git.heldChanges,
      posture: github.posture,
      activity: activity.service,
      guardUrl,
    }),
  );
  // Their workers use what was opened before.
  opened.use(github);
  opened.use(approvals);
  const settled = await git.settle(await audit.openAttempts());
  await recordStart(audit, config, policy, settled);
  // Only now: what an earlier process left is settled, and what is carried out from here on is this one's.
  await approvals.start(
    {
      push: applyWithStanding(git.applier, standing),
      merge: applyWithStanding(github.appliers.merge, standing),
      deploy: applyWithStanding(github.appliers.deploy, standing),
    },
    inTurn(
      inTurn(github.notifier, notifications.notifier),
      logNotifier((fields, message) => http.log.info(fields, message)),
    ),
  );
  await notifications.start();
  activity.start();
  await github.start();
  await http.register(git.plugin);
  await http.register(identity.oauth({ guardUrl, watch, grantTypes: people.grantTypes }));
  await http.register(github.plugin);
  await http.register(auditRoutes, {
    database,
    identity: recorded,
    audit,
    publicProofs: config.audit.publicProofs,
  });
  const shredding = createShredding({
    database,
    audit,
    clock,
    derived: [activityTexts, approvalTexts, ledgerTexts],
  });
  await shredding.finish();
  await http.register(
    createApi({
      identity: recorded,
      web: people.web?.sessions,
      version,
      publicUrl: config.publicUrl,
      requestsPerMinute: config.limits.apiRequestsPerMinute,
      routes: [
        approvalRoutes({ approvals: approvals.service, changes: git.heldChanges, audit }),
        agentRoutes({ activity: activity.service, reports: reports.service, audit, clock }),
        sessionRoutes({
          activity: activity.service,
          replay: createReplay({ database, feed, evidence }),
          audit,
        }),
        shredRoutes(shredding),
        scanRoutes({ policy, audit }),
        postureRoutes(github.posture),
        bypassRoutes(activity.service),
      ],
    }),
  );
  // Without a provider nobody can sign in to see the page.
  if (people.web === undefined) await http.register(approvalPointer);
  await http.register(people.plugin);
  const everything = opened.move();
  return {
    http,
    audit,
    database,
    policy,
    settled,
    administratorLink: people.web?.administratorLink,
    isGoodToken: (token) =>
      identity.authenticate({ authorization: `Bearer ${token}`, address: '' }).then(
        () => true,
        () => false,
      ),
    async [Symbol.asyncDispose]() {
      await http.close();
      await github[Symbol.asyncDispose]();
      await approvals[Symbol.asyncDispose]();
      await audit.append(guardEvent('guard.stopped', {})).catch(() => undefined);
      await everything.disposeAsync();
    },
  };
}

/** Tells the one and, once that has worked, the other. */
function inTurn(first: ApprovalNotifier, second: ApprovalNotifier): ApprovalNotifier {
  return {
    notify: async (notice, signal) => {
      await first.notify(notice, signal);
      await second.notify(notice, signal);
    },
  };
}

interface Store {
  readonly database: Database;
  readonly url: string;
}

async function openStore(config: Config, opened: AsyncDisposableStack): Promise<Store> {
  const url =
    config.database.url?.reveal() ?? opened.use(await startEmbeddedPostgres({ dataDir: config.dataDir })).url;
  // Brought up to date with patience; requests get their answers soon or not at all.
  await (await openDatabase(url, { maxConnections: 1 }))[Symbol.asyncDispose]();
  return {
    database: opened.use(await openDatabase(url, { migrate: false, statementTimeoutMs: 5_000 })),
    url,
  };
}

/** Where the server listens; without an address yet, nobody has been told of it. */
function listeningUrl(http: FastifyInstance, scheme: 'http' | 'https'): string {
  const [first] = http.addresses();
  if (first === undefined) return '';
  return `${scheme}://${first.family === 'IPv6' ? `[${first.address}]` : first.address}:${first.port}`;
}

const readinessMs = 2_000;

async function checkReady(database: Database, audit: DurableAuditLog): Promise<void> {
  await within<unknown>(
    Promise.all([database.query('select 1'), audit.ready()]),
    readinessMs,
    () => new GuardError('database/unavailable', 'PostgreSQL did not answer in time'),
  );
}
