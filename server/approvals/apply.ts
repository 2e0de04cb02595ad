// Applies what was approved, once. A worker claims the request by moving it to `applying` with a lease; only what the
// audit log holds may be claimed, and the claim is in the log before anything is done. A worker that is
// stopped gives its claim back; one that dies leaves its lease to run out, or to its guard's next start. The next one asks what became of it before it does anything itself.
import { setInterval } from 'node:timers';
import type { Approval } from '../../core/approval.ts';
import type { ApplyOutcome, ApprovalApplier } from '../../core/services.ts';
import type { Queryable } from '../db.ts';
import { extendClaim } from './claim-store.ts';
import type { StoredApproval } from './row.ts';
import type { Approvals } from './service.ts';
import { readApproval } from './store.ts';

export interface ApplyOptions {
  readonly database: Queryable;
  readonly approvals: Pick<Approvals, 'change'>;
  readonly applier: Pick<ApprovalApplier, 'apply' | 'settle'>;
  /** Names this process. */
  readonly claimant: string;
  /** Seconds for which a claim holds without being renewed. */
  readonly leaseSeconds?: number;
  /** Told of what an attempt failed with, for the operator's log. */
  readonly onFailure: (id: string, error: unknown) => void;
}

const defaultLeaseSeconds = 30;
/** Seconds until what could not be done is tried again: the first, and the most. */
const again = { first: 5, most: 300 } as const;

interface Claim {
  readonly approval: Approval;
  readonly epoch: number;
  /** True where an earlier attempt did not come to its end. */
  readonly isRepeated: boolean;
}

/** Applies a request where it is approved, or was left half done; does nothing where it is not its turn. */
export async function applyApproval(options: ApplyOptions, id: string, stopped: AbortSignal): Promise<void> {
  const claim = await claimApproval(options, id);
  if (claim === undefined) return;
  const outcome = await attempt(options, claim, stopped);
  const goesOn = outcome.kind === 'later' && !(await hasRunOut(options, id));
  await (goesOn ? postpone(options, claim, stopped) : conclude(options, claim, outcome));
}

async function claimApproval(options: ApplyOptions, id: string): Promise<Claim | undefined> {
  const { claimant, leaseSeconds = defaultLeaseSeconds } = options;
  let claimed: Pick<Claim, 'epoch' | 'isRepeated'> | undefined;
  await options.approvals.change(id, (stored) => {
    claimed = undefined;
    if (!mayClaim(stored)) return undefined;
    const isRepeated = stored.approval.state === 'applying';
    claimed = { epoch: stored.epoch + 1, isRepeated };
    const details = { attempt: claimed.epoch };
    return [{ kind: 'move', to: 'applying', actor: null, details, leaseSeconds, claimant }];
  });
  // What was claimed is read again: it is applied as it stands in the database.
  const stored = claimed === undefined ? undefined : await readApproval(options.database, id);
  if (stored === undefined || claimed === undefined || stored.epoch !== claimed.epoch) return undefined;
  return { approval: stored.approval, ...claimed };
}

function mayClaim({ approval, isRecorded, leaseUntil, now }: StoredApproval): boolean {
  if (!isRecorded) return false;
  if (approval.state === 'approved') return true;
  return approval.state === 'applying' && leaseUntil !== null && leaseUntil <= now;
}

/** One attempt under the claim. What is thrown leaves the end unknown; the next attempt asks for it. */
async function attempt(options: ApplyOptions, claim: Claim, stopped: AbortSignal): Promise<ApplyOutcome> {
  const { applier } = options;
  const { approval } = claim;
  const lost = new AbortController();
  const signal = AbortSignal.any([stopped, lost.signal]);
  const keeping = keepClaim(options, claim, () => lost.abort(new Error('the claim was lost')));
  try {
    const earlier = claim.isRepeated
      ? await applier.settle(approval, signal)
      : { kind: 'untouched' as const };
    return earlier.kind === 'untouched' ? await applier.apply(approval, signal) : earlier;
  } catch (thrown) {
    options.onFailure(approval.id, thrown);
    return { kind: 'later', note: 'it is not known whether it landed' };
  } finally {
    clearInterval(keeping);
  }
}

function keepClaim(options: ApplyOptions, { approval, epoch }: Claim, onLost: () => void): NodeJS.Timeout {
  const { leaseSeconds = defaultLeaseSeconds } = options;
  // A renewal that fails is tried again at the next turn, before the lease is over.
  return setInterval(
    () =>
      void extendClaim(options.database, approval.id, epoch, leaseSeconds).then(
        (kept) => kept || onLost(),
        () => undefined,
      ),
    (leaseSeconds * 1_000) / 3,
  );
}

/** By the clock of the database. */
async function hasRunOut({ database }: ApplyOptions, id: string): Promise<boolean> {
  const stored = await readApproval(database, id);
  return stored === undefined || stored.now >= stored.approval.expiresAt;
}

async function postpone(
  options: ApplyOptions,
  { approval, epoch }: Claim,
  stopped: AbortSignal,
): Promise<void> {
  const seconds = stopped.aborted ? 0 : Math.min(again.first * 2 ** Math.min(epoch - 1, 10), again.most);
  await extendClaim(options.database, approval.id, epoch, seconds);
}

async function conclude(
  options: ApplyOptions,
  { approval, epoch }: Claim,
  outcome: ApplyOutcome,
): Promise<void> {
  const to = outcome.kind === 'later' ? 'failed' : outcome.kind;
  await options.approvals.change(approval.id, (stored) =>
    stored.epoch === epoch && stored.approval.state === 'applying'
      ? [{ kind: 'move', to, actor: null, note: outcome.note, details: { attempt: epoch } }]
      : undefined,
  );
}
