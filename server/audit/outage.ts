// What a log could not write is told once it can be written again: an entry that says since when, and how many appends
// were refused meanwhile.
import { randomBytes } from 'node:crypto';
import type { AuditEvent } from '../../core/audit-event.ts';

export interface Outage {
  readonly since: Date;
  readonly refused: number;
  /** What stood in the way last; an error's code, never its text. */
  readonly reason: string;
}

/** The outage after one more append was refused. */
export function longerOutage(outage: Outage | undefined, now: Date, problem: unknown): Outage {
  const code = problem instanceof Error && 'code' in problem ? String(problem.code) : 'timeout';
  return { since: outage?.since ?? now, refused: (outage?.refused ?? 0) + 1, reason: code };
}

/** The entry about it. */
export function resumedEvent({ since, refused, reason }: Outage): AuditEvent {
  return {
    action: 'audit.resumed',
    request: randomBytes(8).toString('hex'),
    actor: null,
    repository: null,
    details: { since: since.toISOString(), refused, reason },
  };
}
