// The approvals of one guard on a database, with an upstream that is a table, and a hook at everything that is durable.
import type { ApprovalApplier } from '../../core/services.ts';
import { covers } from '../../core/scope.ts';
import { type ApprovalsPart, createApprovals } from '../../server/approvals/part.ts';
import { createAuditLog } from '../../server/audit/log.ts';
import type { Database } from '../../server/db.ts';
import { createScanPool } from '../../server/scanning/pool.ts';

export interface ApprovalGuardOptions {
  readonly database: Database;
  readonly url: string;
  readonly dataDir: string;
  /** Told of each point that is passed: `before ACTION`, `after ACTION` of the log, `before land`, `after land`. */
  readonly pass?: (point: string) => void;
}

export interface ApprovalGuard extends AsyncDisposable {
  readonly part: ApprovalsPart;
}

/** The upstream of these guards: what landed, each time that it did, and whether the log said so before. */
export async function createLandings(database: Database): Promise<void> {
  await database.query('create table landing (approval text not null, was_recorded boolean not null)');
}

/** Opens everything and begins to work. */
export async function openApprovalGuard(options: ApprovalGuardOptions): Promise<ApprovalGuard> {
  const { database, url, dataDir, pass = () => undefined } = options;
  await using resources = new AsyncDisposableStack();
  const scanner = resources.use(await createScanPool({ fingerprintKey: new Uint8Array(32), threads: 1 }));
  const clock = { now: () => new Date() };
  const log = resources.use(await createAuditLog({ database, dataDir, clock, lockWaitMs: 10_000 }));
  const applier: ApprovalApplier = {
    apply: async ({ id }) => {
      pass('before land');
      await database.query(
        `insert into landing select $1::text, exists (select from approval_outbox
           where approval = $1 and topic = 'applying' and recorded_at is not null)`,
        [id],
      );
      pass('after land');
      return { kind: 'applied', note: null };
    },
    settle: async ({ id }) => {
      const found = await database.query('select from landing where approval = $1', [id]);
      return found.length > 0 ? { kind: 'applied', note: null } : { kind: 'untouched' };
    },
    discard: async () => undefined,
  };
  const part = resources.use(
    createApprovals({
      database,
      databaseUrl: url,
      redisUrl: undefined,
      namespace: log.origin,
      audit: {
        append: async (event) => {
          pass(`before ${event.action}`);
          const receipt = await log.append(event);
          pass(`after ${event.action}`);
          return receipt;
        },
      },
      scanner,
      covers,
      urlOf: (id) => `https://guard.example/ui/approvals/${id}`,
      remindAfter: 3_600,
      mostWaiting: 10_000,
      onProblem: () => undefined,
      claimant: { name: 'test/1', predecessors: undefined },
      reconcileEveryMs: 300,
      leaseSeconds: 1,
    }),
  );
  await part.start({ push: applier }, { notify: async () => undefined });
  const kept = resources.move();
  return { part, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}
