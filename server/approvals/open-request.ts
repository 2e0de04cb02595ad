// Opens a request: checks the draft, lets the same operation that waits already go on, supersedes what shares a ref.
import { randomBytes } from 'node:crypto';
import { bindingDigest } from '../../core/approval/binding.ts';
import { hasExpired } from '../../core/approval/judge.ts';
import { mergeRequirements, waitingSeconds } from '../../core/approval/requirement.ts';
import { openStates } from '../../core/approval/state.ts';
import { GuardError } from '../../core/errors.ts';
import type { ApprovalDraft } from '../../core/services.ts';
import type { Database, Queryable } from '../db.ts';
import { approvalEvent, requestedDetails } from './events.ts';
import type { StoredApproval } from './row.ts';
import { expiry, takeSteps } from './step.ts';
import {
  countWaiting,
  findUnendedSharing,
  insertApproval,
  insertOutbox,
  lockActor,
  lockRepository,
  readApprovalLocked,
  readClock,
} from './store.ts';

const idBytes = 18;
const mostDetails = 32 * 1024;
const longestHeld = 200;

/**
 * The draft as it may be kept: its reason scanned, its requirements merged. Rejects with `internal` where a limit of the
 * port is not kept.
 */
export async function checkDraft(
  draft: ApprovalDraft,
  clean: (label: string, text: string) => Promise<string>,
): Promise<ApprovalDraft> {
  const { held, holds, details, reason } = draft;
  const requirements = mergeRequirements(draft.requirements);
  const isSound =
    requirements.length > 0 &&
    holds.length > 0 &&
    draft.binding.refUpdates.length > 0 &&
    held !== '' &&
    held.length <= longestHeld &&
    JSON.stringify(details).length <= mostDetails;
  if (!isSound) throw new GuardError('internal', 'what is to be held is not complete, or too large');
  const cleaned = reason === null ? null : (await clean('push option', reason)) || null;
  return { ...draft, requirements, reason: cleaned };
}

export interface OpenedRequest {
  readonly id: string;
  readonly expiresAt: Date;
  readonly isNew: boolean;
  /** Every request that this changed or that is to be published; the opened one is last. */
  readonly touched: readonly string[];
}

export interface OpeningLimits {
  /** Seconds until people are reminded. */
  readonly remindAfter: number;
  /** Requests of one actor that may wait at once. */
  readonly mostWaiting: number;
}

/**
 * Keeps a checked draft as a waiting request, in one transaction with what it supersedes. Rejects with
 * `approval/too-many`, and has changed nothing then.
 */
export function openRequest(
  database: Database,
  draft: ApprovalDraft,
  { remindAfter, mostWaiting }: OpeningLimits,
): Promise<OpenedRequest> {
  const { binding } = draft;
  const digest = bindingDigest(binding);
  const id = `ap_${randomBytes(idBytes).toString('base64url')}`;
  return database.transaction(async (client) => {
    await lockRepository(client, binding.repository);
    await lockActor(client, binding.actor.id);
    const refs = binding.refUpdates.map(({ ref }) => ref);
    const others = await readAllLocked(client, await findUnendedSharing(client, binding.repository, refs));
    const same = others.find(
      ({ approval, now }) => approval.bindingDigest === digest && !hasExpired(approval, now),
    );
    if (same !== undefined) {
      const { id: known, expiresAt } = same.approval;
      return { id: known, expiresAt, isNew: false, touched: [known] };
    }
    await checkRoom(client, draft, others, mostWaiting);
    const now = await readClock(client);
    const expiresAt = new Date(now.getTime() + waitingSeconds(draft.requirements) * 1_000);
    await insertApproval(client, { ...draft, id, bindingDigest: digest, now, expiresAt, remindAfter });
    const superseded = await endOthers(client, others, id, draft);
    const details = requestedDetails({ ...draft, expiresAt });
    const event = approvalEvent(
      { id, request: draft.request, binding, bindingDigest: digest },
      'approval.requested',
      1,
      binding.actor,
      { ...details, supersedes: superseded },
    );
    await insertOutbox(client, [{ approval: id, version: 1, topic: 'requested', event, at: now }]);
    return { id, expiresAt, isNew: true, touched: [...superseded, id] };
  });
}

/** What is superseded makes room for what takes its place. */
async function checkRoom(
  client: Queryable,
  { binding }: ApprovalDraft,
  superseded: readonly StoredApproval[],
  most: number,
): Promise<void> {
  const { id } = binding.actor;
  const ended = superseded.map(({ approval }) => approval.id);
  if ((await countWaiting(client, id, ended)) < most) return;
  throw new GuardError(
    'approval/too-many',
    `${id} has as many requests that wait for people as may wait at once, which is ${most}`,
  );
}

async function readAllLocked(client: Queryable, ids: readonly string[]): Promise<readonly StoredApproval[]> {
  const found: StoredApproval[] = [];
  for (const id of ids) {
    const stored = await readApprovalLocked(client, id);
    if (stored !== undefined) found.push(stored);
  }
  return found;
}

/** Ends the open ones; what is being applied goes on, and the lease on the refs decides between the two. */
async function endOthers(
  client: Queryable,
  others: readonly StoredApproval[],
  newer: string,
  { binding }: ApprovalDraft,
): Promise<readonly string[]> {
  const open = others.filter(({ approval }) => openStates.includes(approval.state));
  for (const { approval, now } of open) {
    const step = hasExpired(approval, now)
      ? expiry
      : ({ kind: 'move', to: 'superseded', actor: binding.actor, supersededBy: newer } as const);
    await takeSteps(client, approval, now, [step]);
  }
  return open.map(({ approval }) => approval.id);
}
