// One version of a request: the row is moved by compare-and-set, and its outbox row is written in the same transaction.
import type { Approval } from '../../core/approval.ts';
import { type ApprovalState, mayMove } from '../../core/approval/state.ts';
import type { Json } from '../../core/audit-event.ts';
import { GuardError } from '../../core/errors.ts';
import type { Principal } from '../../core/principal.ts';
import type { Queryable } from '../db.ts';
import { actionInto, type ApprovalAction, approvalEvent } from './events.ts';
import { compareAndMove, compareAndTouch, insertOutbox, type OutboxDraft } from './store.ts';

/** A move into another state, or another claim of one that is being applied. */
export interface MoveStep {
  readonly kind: 'move';
  readonly to: ApprovalState;
  /** Null where the guard itself moves it. */
  readonly actor: Principal | null;
  readonly details?: Readonly<Record<string, Json>>;
  readonly note?: string | null;
  readonly supersededBy?: string;
  readonly leaseSeconds?: number;
  readonly claimant?: string;
}

/** A change that leaves the state as it is. */
export interface NoteStep {
  readonly kind: 'note';
  readonly action: ApprovalAction;
  readonly topic: OutboxDraft['topic'];
  /** Null where the guard itself does it, by the clock. */
  readonly actor: Principal | null;
  readonly details: Readonly<Record<string, Json>>;
}

export type Step = MoveStep | NoteStep;

/** What happens to a request that has run out. */
export const expiry: Step = {
  kind: 'move',
  to: 'expired',
  actor: null,
  note: 'it was not decided and applied in time',
};

/**
 * Takes steps in order, inside the transaction that has read and locked the row. Returns the version that they end at;
 * rejects where the row is not what was read, which rolls everything back.
 */
export async function takeSteps(
  client: Queryable,
  approval: Approval,
  at: Date,
  steps: readonly Step[],
): Promise<number> {
  let { state, version } = approval;
  for (const step of steps) {
    await (step.kind === 'move'
      ? move(client, approval, { state, version }, at, step)
      : note(client, approval, { state, version }, at, step));
    version += 1;
    if (step.kind === 'move') state = step.to;
  }
  return version;
}

interface From {
  readonly state: ApprovalState;
  readonly version: number;
}

function moved(): GuardError {
  return new GuardError('approval/decided', 'the request was changed at the same time');
}

async function move(
  client: Queryable,
  approval: Approval,
  from: From,
  at: Date,
  step: MoveStep,
): Promise<void> {
  const isTakeover = from.state === 'applying' && step.to === 'applying';
  if (!mayMove(from.state, step.to) && !isTakeover)
    throw new GuardError('internal', `a request never goes from ${from.state} to ${step.to}`);
  const { note: why = null, supersededBy = null, leaseSeconds = null, claimant = null } = step;
  const done = await compareAndMove(client, {
    id: approval.id,
    from,
    to: step.to,
    at,
    note: why,
    supersededBy,
    leaseSeconds,
    claimant,
  });
  if (!done) throw moved();
  const version = from.version + 1;
  const details = {
    ...step.details,
    ...(why === null ? {} : { note: why }),
    ...(supersededBy === null ? {} : { supersededBy }),
  };
  const event = approvalEvent(approval, actionInto[step.to], version, step.actor, details);
  await insertOutbox(client, [{ approval: approval.id, version, topic: step.to, event, at }]);
}

async function note(
  client: Queryable,
  approval: Approval,
  from: From,
  at: Date,
  step: NoteStep,
): Promise<void> {
  if (!(await compareAndTouch(client, approval.id, from))) throw moved();
  const version = from.version + 1;
  const event = approvalEvent(approval, step.action, version, step.actor, step.details);
  await insertOutbox(client, [{ approval: approval.id, version, topic: step.topic, event, at }]);
}
