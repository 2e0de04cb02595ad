// The approvals of a report, put together from the entries of the log: who was asked, who decided, when and why.
import { z } from 'zod';
import { type Anomaly, reportCaps, type ReportApproval } from '../../core/report/schema.ts';
import type { RecordedEvent } from '../../core/services.ts';

const text = z.string().nullable().catch(null).default(null);
const details = z.object({ approval: text, decision: text, comment: text, reason: text, note: text });

/** Approvals whose steps are remembered while a period is read. */
const mostSteps = 200;
const moves: ReadonlySet<string> = new Set([
  'voted',
  'vote-revoked',
  'shown',
  'forbidden',
  'escalated',
  'glass-broken',
  'glass-reviewed',
]);
/** Looking at a request decides nothing; a report would be full of it. */
const unlisted: ReadonlySet<string> = new Set(['approval.shown']);

export interface ApprovalsFound {
  readonly approvals: ReportApproval[];
  /** All approvals, those included that are not listed. */
  readonly count: number;
  readonly anomalies: readonly Anomaly[];
}

/** One step of an approval as it is listed. */
export function approvalStep({ index, time, event }: RecordedEvent): ReportApproval['steps'][number] {
  const { decision, comment, reason, note } = details.parse(event.details);
  return {
    at: time.toISOString(),
    action: event.action.slice('approval.'.length),
    by: event.actor?.id ?? null,
    decision,
    reason: comment ?? reason ?? note,
    entry: index,
  };
}

/** Collects entries in the order of the log. */
export class ApprovalTally {
  readonly #approvals = new Map<string, ReportApproval>();
  readonly #more = new Set<string>();
  readonly #glass: Anomaly[] = [];

  add(recorded: RecordedEvent): void {
    const { event, time } = recorded;
    const id = details.parse(event.details).approval;
    if (id === null || unlisted.has(event.action)) return;
    const known = this.#approvals.get(id);
    if (known === undefined && this.#approvals.size >= reportCaps.approvals) {
      if (this.#more.size < 100_000) this.#more.add(id);
      return;
    }
    const step = approvalStep(recorded);
    const isRequest = event.action === 'approval.requested';
    if (step.action === 'glass-broken') this.#glass.push(brokenGlass(recorded, step.by ?? 'somebody'));
    this.#approvals.set(id, {
      id,
      request: event.request,
      repository: event.repository,
      requestedAt: known?.requestedAt ?? (isRequest ? time.toISOString() : null),
      reason: known?.reason ?? (isRequest ? step.reason : null),
      state: moves.has(step.action) ? (known?.state ?? step.action) : step.action,
      steps: (known?.steps ?? []).concat(step).slice(0, mostSteps),
    });
  }

  result(): ApprovalsFound {
    const approvals = [...this.#approvals.values()];
    const count = approvals.length + this.#more.size;
    return { approvals, count, anomalies: this.#glass.slice(0, reportCaps.anomalies) };
  }
}

function brokenGlass({ index, time, event }: RecordedEvent, by: string): Anomaly {
  return {
    kind: 'broken-glass',
    at: time.toISOString(),
    what: `${by} let a held attempt in ${event.repository ?? 'no repository'} pass alone, in an emergency.`,
    numbers: { entry: index },
    how: 'Every broken glass is listed.',
  };
}
