// Approvals of their own for a test: a fresh database, a real audit log that can be made to fail, the real scanner.
import { covers } from '../../core/scope.ts';
import type { AuditEvent } from '../../core/audit-event.ts';
import { eventOf, parseEntry } from '../../core/audit-entry.ts';
import { GuardError } from '../../core/errors.ts';
import type { AuditLog } from '../../core/services.ts';
import { type ApprovalsOptions, type ApprovalsPart, createApprovals } from '../../server/approvals/part.ts';
import { createRecorder } from '../../server/approvals/recorder.ts';
import { type Approvals, createApprovalService } from '../../server/approvals/service.ts';
import { readEntries } from '../../server/audit/store.ts';
import type { Database } from '../../server/db.ts';
import { createScanPool } from '../../server/scanning/pool.ts';
import { type AuditBench, auditBench } from './audit.ts';

export interface ApprovalBench extends AsyncDisposable {
  readonly database: Database;
  readonly bench: AuditBench;
  readonly approvals: Approvals;
  /** Ids of the requests that were told to be recorded, in order. */
  readonly recorded: readonly string[];
  /** The log that the parts write to. */
  readonly audit: Pick<AuditLog, 'append'>;
  /** What the operator's log was told by parts that were opened here. */
  readonly problems: string[];
  /** False makes the audit log refuse. */
  auditWorks: boolean;
  /** Records what waits for it. */
  readonly record: (id: string) => Promise<void>;
  /** Opens a guard's worth of approvals on the same database; the caller closes it. */
  part(options?: Partial<ApprovalsOptions>): ApprovalsPart;
  /** What the log holds of approvals, in order. */
  entries(): Promise<readonly AuditEvent[]>;
  /** Moves the end of a request, as seen by the database's clock, this many seconds from now. */
  expireIn(id: string, seconds: number): Promise<void>;
}

/** Opens everything; closes it in the opposite order. */
export async function approvalBench(): Promise<ApprovalBench> {
  await using resources = new AsyncDisposableStack();
  const bench = resources.use(await auditBench());
  const scanner = resources.use(await createScanPool({ fingerprintKey: new Uint8Array(32), threads: 1 }));
  const log = resources.use(await bench.open());
  const { database } = bench;
  const recorded: string[] = [];
  const audit: Pick<AuditLog, 'append'> = {
    append: (event) => {
      if (!made.auditWorks) return Promise.reject(new GuardError('audit/unavailable', 'it is made to fail'));
      return log.append(event);
    },
  };
  const record = createRecorder(database, audit);
  const approvals = createApprovalService({
    database,
    record,
    scanner,
    covers,
    urlOf: (id) => `https://guard.example/ui/approvals/${id}`,
    remindAfter: 3_600,
    mostWaiting: 10_000,
    onRecorded: (id) => recorded.push(id),
  });
  const kept = resources.move();
  const made: ApprovalBench = {
    database,
    bench,
    approvals,
    audit,
    recorded,
    auditWorks: true,
    record,
    part: (options) =>
      createApprovals({
        database,
        databaseUrl: bench.url,
        redisUrl: undefined,
        namespace: log.origin,
        audit,
        scanner,
        covers,
        urlOf: (id) => `https://guard.example/ui/approvals/${id}`,
        remindAfter: 3_600,
        mostWaiting: 10_000,
        onProblem: (problem) => made.problems.push(problem),
        claimant: { name: 'test/1', predecessors: undefined },
        ...options,
      }),
    problems: [],
    entries: async () => {
      const stored = await readEntries(database, 0, 100_000);
      return stored.flatMap(({ body }) => {
        const entry = parseEntry(body);
        return entry?.action.startsWith('approval.') ? [eventOf(entry)] : [];
      });
    },
    expireIn: async (id, seconds) => {
      await database.query(
        `update approval set created_at = least(created_at, clock_timestamp() - interval '1 day'),
           expires_at = clock_timestamp() + make_interval(secs => $2) where id = $1`,
        [id, seconds],
      );
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
  return made;
}
