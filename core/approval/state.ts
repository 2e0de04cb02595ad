// The states of an approval and the moves between them, as one table. Everything that moves a row asks this table.

export const approvalStates = [
  'waiting',
  'approved',
  'denied',
  'expired',
  'superseded',
  'cancelled',
  'applying',
  'applied',
  'failed',
  'stale',
] as const;
export type ApprovalState = (typeof approvalStates)[number];

/**
 * Where each state may lead. `approved` falls back to `waiting` where a revoked vote leaves a requirement unmet, and can
 * still be denied, voided or run out until it is being applied; after that only the outcome is open.
 */
export const transitions = {
  waiting: ['approved', 'denied', 'expired', 'superseded', 'cancelled'],
  approved: ['applying', 'waiting', 'denied', 'expired', 'superseded', 'cancelled'],
  applying: ['applied', 'failed', 'stale'],
  denied: [],
  expired: [],
  superseded: [],
  cancelled: [],
  applied: [],
  failed: [],
  stale: [],
} as const satisfies Readonly<Record<ApprovalState, readonly ApprovalState[]>>;

/** True where a row may move from one state to the other. */
export function mayMove(from: ApprovalState, to: ApprovalState): boolean {
  const targets: readonly ApprovalState[] = transitions[from];
  return targets.includes(to);
}

/** True for a state that nothing leads out of. */
export function isTerminal(state: ApprovalState): boolean {
  return transitions[state].length === 0;
}

/** States that a vote, a cancellation, a newer push or the clock may still end. */
export const openStates: readonly ApprovalState[] = approvalStates.filter((state) =>
  mayMove(state, 'superseded'),
);

/** States that something leads out of. */
export const unendedStates: readonly ApprovalState[] = approvalStates.filter((state) => !isTerminal(state));
