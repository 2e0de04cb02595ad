// Puts the approvals together: the service first, which others need; then, once there is somebody to apply and to tell,
// the queue, its workers and the reconciler.
import type { OperationKind } from '../../core/operation.ts';
import type {
  ApplyOutcome,
  ApprovalApplier,
  ApprovalNotifier,
  ApprovalService,
  AuditLog,
  ScanService,
  ScopeCheck,
} from '../../core/services.ts';
import type { Secret } from '../config.ts';
import type { Database } from '../db.ts';
import { applyApproval } from './apply.ts';
import type { QueueState } from '../job.ts';
import { createJobQueue } from '../queue.ts';
import { type ApprovalJobHandlers, type ApprovalJobQueue, jobPriority } from './job.ts';
import { type Reconciler, startReconciler } from './reconciler.ts';
import { type Claimant, endClaimsOfPredecessors } from './claim-store.ts';
import { createRecorder } from './recorder.ts';
import { remindOf } from './remind.ts';
import { createApprovalService } from './service.ts';
import { readApproval } from './store.ts';
import { tellNotice } from './tell.ts';
import { createWaker } from './waker.ts';
import { findWork, isToBeReleased, markReleased } from './work-store.ts';

export interface ApprovalsOptions {
  readonly database: Database;
  /** For the queue, where there is no Redis. */
  readonly databaseUrl: string;
  readonly redisUrl: Secret | undefined;
  /** Unique to the database, such as the name of its audit log. */
  readonly namespace: string;
  readonly audit: Pick<AuditLog, 'append'>;
  readonly scanner: Pick<ScanService, 'scan'>;
  readonly covers: ScopeCheck;
  readonly urlOf: (id: string) => string;
  /** Seconds. */
  readonly remindAfter: number;
  /** Requests of one actor that may wait at once. */
  readonly mostWaiting: number;
  /** For the operator's log. */
  readonly onProblem: (problem: string, error: unknown) => void;
  /** Milliseconds between two looks at what the queue lacks. Default 20,000. */
  readonly reconcileEveryMs?: number;
  readonly claimant: Claimant;
  /** Seconds for which a worker has what it applies for itself. Default 30. */
  readonly leaseSeconds?: number;
}

/** Who does what was approved, by the kind of the operation. */
export type Appliers = Readonly<Partial<Record<OperationKind, ApprovalApplier>>>;

export interface ApprovalsPart extends AsyncDisposable {
  readonly service: ApprovalService;
  /** Undefined before `start`. */
  readonly queue: QueueState | undefined;
  /**
   * Opens the queue and begins to work. Fulfils also where Redis cannot be reached; rejects with `queue/unavailable`
   * where the queue is on PostgreSQL and cannot be opened.
   */
  start(appliers: Appliers, notifier: ApprovalNotifier): Promise<void>;
}

const mostWork = 1_000;

/** Makes the service; nothing is delivered before `start`. Dispose of it before what it was given. */
export function createApprovals(options: ApprovalsOptions): ApprovalsPart {
  const { database, audit, onProblem } = options;
  const record = createRecorder(database, audit);
  let queue: ApprovalJobQueue | undefined;
  let reconciler: Reconciler | undefined;

  const wakeUp = createWaker(async (ids) =>
    queue?.offer(await findWork(database, { approvals: ids, limit: mostWork })),
  );
  const service = createApprovalService({ ...options, record, onRecorded: wakeUp });
  const onFailure = (id: string, error: unknown): void => onProblem(`${id}: an attempt failed`, error);

  function handlers(appliers: Appliers, notifier: ApprovalNotifier): ApprovalJobHandlers {
    const telling = { database, notifier, urlOf: options.urlOf, onFailure };
    const applying = {
      database,
      approvals: service,
      applier: dispatch(appliers),
      onFailure,
      claimant: options.claimant.name,
      ...(options.leaseSeconds === undefined ? {} : { leaseSeconds: options.leaseSeconds }),
    };
    return {
      outbox: async (id) => {
        await service.change(id, () => undefined);
        await release(database, appliers, id);
      },
      apply: async (id, stopped) => {
        await applyApproval(applying, id, stopped);
        // Who stops hands it on to the others at once; what is gathered is not awaited any more.
        if (stopped.aborted)
          await queue?.refill(await findWork(database, { approvals: [id], limit: mostWork }));
        else wakeUp(id);
      },
      // Whether it is time is decided by the database's clock, not by the job's coming.
      expire: async (id) => void (await service.change(id, () => undefined)),
      escalate: async (id) => void (await service.change(id, () => undefined)),
      remind: async (id) => {
        if (await remindOf(database, id, options.remindAfter)) wakeUp(id);
      },
      notify: async (seq, stopped) => {
        const id = await tellNotice(telling, Number(seq), stopped);
        if (id !== undefined) wakeUp(id);
      },
    };
  }

  return {
    service,
    get queue() {
      return queue?.state;
    },
    start: async (appliers, notifier) => {
      await endClaimsOfPredecessors(database, options.claimant);
      queue = await createJobQueue({
        name: 'forgeguard',
        priorities: jobPriority,
        redisUrl: options.redisUrl,
        databaseUrl: options.databaseUrl,
        namespace: options.namespace,
        handlers: handlers(appliers, notifier),
        onUp: () => void reconciler?.run().catch(() => undefined),
        onProblem,
      });
      const everyMs = options.reconcileEveryMs;
      reconciler = startReconciler({ database, queue, ...(everyMs === undefined ? {} : { everyMs }) });
    },
    [Symbol.asyncDispose]: async () => {
      await reconciler?.[Symbol.asyncDispose]();
      await queue?.[Symbol.asyncDispose]();
    },
  };
}

/** Lets go of what is held for a request that has ended. */
async function release(database: Database, appliers: Appliers, id: string): Promise<void> {
  if (!(await isToBeReleased(database, id))) return;
  const stored = await readApproval(database, id);
  if (stored === undefined) return;
  await appliers[stored.approval.binding.kind]?.discard(stored.approval);
  await markReleased(database, id);
}

/** An applier that knows which one an operation belongs to. */
function dispatch(appliers: Appliers): Pick<ApprovalApplier, 'apply' | 'settle'> {
  const none = async (kind: OperationKind): Promise<ApplyOutcome> => ({
    kind: 'failed',
    note: `this guard cannot carry out a held ${kind}`,
  });
  return {
    apply: (approval, signal) => {
      const { kind } = approval.binding;
      return appliers[kind]?.apply(approval, signal) ?? none(kind);
    },
    settle: (approval, signal) => {
      const { kind } = approval.binding;
      return appliers[kind]?.settle(approval, signal) ?? none(kind);
    },
  };
}
