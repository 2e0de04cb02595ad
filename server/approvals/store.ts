// The SQL of approvals, one statement a function. Times are the database's. What moves a row compares first: its id, its
// state and its version must be those that were judged.
import type { Vote } from '../../core/approval.ts';
import type { ApprovalState } from '../../core/approval/state.ts';
import { openStates, unendedStates } from '../../core/approval/state.ts';
import type { AuditEvent } from '../../core/audit-event.ts';
import type { ApprovalDraft, ApprovalFilter, ApprovalTopic } from '../../core/services.ts';
import type { Queryable } from '../db.ts';
import { approvalColumns, readApprovalRow, type StoredApproval } from './row.ts';

/** "fgap" in ASCII: the key under which requests of one repository are opened one after the other. */
const repositoryLock = 0x66676170;

/** Makes requests of one repository wait for each other until the transaction ends. */
export async function lockRepository(client: Queryable, repository: string): Promise<void> {
  await client.query('select pg_advisory_xact_lock($1, hashtext($2))', [repositoryLock, repository]);
}

/** "fgac" in ASCII: the key under which requests of one actor are opened one after the other. */
const actorLock = 0x66676163;

/** Makes requests of one actor wait for each other until the transaction ends; taken after the lock of a repository. */
export async function lockActor(client: Queryable, actor: string): Promise<void> {
  await client.query('select pg_advisory_xact_lock($1, hashtext($2))', [actorLock, actor]);
}

/** How many requests of an actor wait and have not run out, besides these. */
export async function countWaiting(
  client: Queryable,
  actor: string,
  besides: readonly string[],
): Promise<number> {
  const [row] = await client.query<{ count: number }>(
    `select count(*)::float8 as count from approval
     where actor = $1 and state = 'waiting' and expires_at > clock_timestamp() and id <> all ($2)`,
    [actor, besides],
  );
  return row?.count ?? 0;
}

/** The database's clock. */
export async function readClock(client: Queryable): Promise<Date> {
  const [row] = await client.query<{ now: Date }>('select clock_timestamp() as now');
  if (row === undefined) throw new TypeError('the database has no clock');
  return row.now;
}

async function readApprovals(
  client: Queryable,
  rest: string,
  values: readonly unknown[],
): Promise<readonly StoredApproval[]> {
  const rows = await client.query(`select ${approvalColumns} from approval a ${rest}`, values);
  return rows.map(readApprovalRow);
}

/** One approval as it stands. */
export async function readApproval(client: Queryable, id: string): Promise<StoredApproval | undefined> {
  const [found] = await readApprovals(client, 'where a.id = $1', [id]);
  return found;
}

/**
 * One approval, which nobody else can change until the transaction ends. The lock is a statement of its own, so that the
 * read after it sees what the one who had the lock before has committed.
 */
export async function readApprovalLocked(client: Queryable, id: string): Promise<StoredApproval | undefined> {
  await client.query('select from approval where id = $1 for update', [id]);
  return readApproval(client, id);
}

/** Ids of the requests of a repository that have not ended and share a ref with these. */
export async function findUnendedSharing(
  client: Queryable,
  repository: string,
  refs: readonly string[],
): Promise<readonly string[]> {
  const rows = await client.query<{ id: string }>(
    'select id from approval where repository = $1 and refs && $2 and state = any ($3) order by id',
    [repository, refs, unendedStates],
  );
  return rows.map(({ id }) => id);
}

/** Approvals that a filter lets through, newest first. */
export async function listApprovals(
  client: Queryable,
  filter: ApprovalFilter,
): Promise<readonly StoredApproval[]> {
  return readApprovals(
    client,
    `where ($1::text[] is null or a.state = any ($1)) and ($2::text is null or a.repository = $2)
       and ($3::text is null or a.actor = $3)
       and (not $4 or exists (select from approval_break_glass b where b.approval = a.id and b.reviewed_at is null))
       and ($5::text is null or (a.created_at, a.id) < (select c.created_at, c.id from approval c where c.id = $5))
     order by a.created_at desc, a.id desc limit $6`,
    [
      filter.states ?? null,
      filter.repository ?? null,
      filter.actor ?? null,
      filter.openReview ?? false,
      filter.before ?? null,
      filter.limit,
    ],
  );
}

export interface NewApproval extends ApprovalDraft {
  readonly id: string;
  readonly bindingDigest: string;
  readonly now: Date;
  readonly expiresAt: Date;
  /** Seconds until people are reminded. */
  readonly remindAfter: number;
}

/** Keeps a new request, waiting, at version 1. */
export async function insertApproval(client: Queryable, fresh: NewApproval): Promise<void> {
  const { binding, now } = fresh;
  await client.query(
    `insert into approval (id, request, repository, refs, actor, binding, binding_digest, held, reason, holds, details,
       requirements, state, version, created_at, expires_at, state_at, remind_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'waiting', 1, $13, $14, $13,
       $13::timestamptz + make_interval(secs => $15))`,
    [
      fresh.id,
      fresh.request,
      binding.repository,
      binding.refUpdates.map(({ ref }) => ref),
      binding.actor.id,
      JSON.stringify(binding),
      fresh.bindingDigest,
      fresh.held,
      fresh.reason,
      JSON.stringify(fresh.holds),
      JSON.stringify(fresh.details),
      JSON.stringify(fresh.requirements),
      now,
      fresh.expiresAt,
      fresh.remindAfter,
    ],
  );
}

export interface Move {
  readonly id: string;
  readonly from: { readonly state: ApprovalState; readonly version: number };
  readonly to: ApprovalState;
  readonly at: Date;
  readonly note: string | null;
  readonly supersededBy: string | null;
  /** Seconds for which the one who moves it to `applying` has it for itself. */
  readonly leaseSeconds: number | null;
  /** Who that is. */
  readonly claimant: string | null;
}

/** Moves a row where it still is what was judged; false where it is not. A move into `applying` is a claim. */
export async function compareAndMove(client: Queryable, move: Move): Promise<boolean> {
  const rows = await client.query(
    `update approval set version = version + 1, state = $4, state_at = $5, note = $6, superseded_by = $7,
       epoch = epoch + case when $4 = 'applying' then 1 else 0 end,
       lease_until = case when $4 = 'applying' then clock_timestamp() + make_interval(secs => $8) end,
       claimant = case when $4 = 'applying' then $9 end
     where id = $1 and state = $2 and version = $3 returning id`,
    [
      move.id,
      move.from.state,
      move.from.version,
      move.to,
      move.at,
      move.note,
      move.supersededBy,
      move.leaseSeconds,
      move.claimant,
    ],
  );
  return rows.length === 1;
}

/** Makes a new version of a row in the same state, where it still is what was judged; false where it is not. */
export async function compareAndTouch(
  client: Queryable,
  id: string,
  from: { readonly state: ApprovalState; readonly version: number },
): Promise<boolean> {
  const rows = await client.query(
    'update approval set version = version + 1 where id = $1 and state = $2 and version = $3 returning id',
    [id, from.state, from.version],
  );
  return rows.length === 1;
}

/** Keeps a vote. A second one of the same person that is in force is refused by the database as well. */
export async function insertVote(
  client: Queryable,
  approval: string,
  vote: Omit<Vote, 'revokedAt'>,
): Promise<void> {
  await client.query(
    `insert into approval_vote (approval, person, owner, session, decision, comment, meets, at)
     values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [approval, vote.person, vote.owner, vote.session, vote.decision, vote.comment, vote.meets, vote.at],
  );
}

/** Takes a person's vote out of force. */
export async function markVoteRevoked(
  client: Queryable,
  approval: string,
  person: string,
  at: Date,
): Promise<void> {
  await client.query(
    'update approval_vote set revoked_at = $3 where approval = $1 and person = $2 and revoked_at is null',
    [approval, person, at],
  );
}

/** Notes that the second group of these requirements was asked. */
export async function markEscalated(
  client: Queryable,
  approval: string,
  requirements: readonly number[],
): Promise<void> {
  await client.query('update approval set escalated = escalated || $2::integer[] where id = $1', [
    approval,
    requirements,
  ]);
}

/** Keeps that the glass was broken. */
export async function insertBreakGlass(
  client: Queryable,
  approval: string,
  by: { readonly person: string; readonly owner: string | null; readonly reason: string; readonly at: Date },
): Promise<void> {
  await client.query(
    'insert into approval_break_glass (approval, person, owner, reason, at) values ($1, $2, $3, $4, $5)',
    [approval, by.person, by.owner, by.reason, by.at],
  );
}

/** Closes the review of a broken glass. */
export async function markReviewed(
  client: Queryable,
  approval: string,
  by: { readonly person: string; readonly comment: string; readonly at: Date },
): Promise<void> {
  await client.query(
    `update approval_break_glass set reviewed_by = $2, review_comment = $3, reviewed_at = $4
     where approval = $1 and reviewed_at is null`,
    [approval, by.person, by.comment, by.at],
  );
}

export interface OutboxDraft {
  readonly approval: string;
  readonly version: number;
  readonly topic: ApprovalTopic | 'voted';
  /** Null where there is nothing to record. */
  readonly event: AuditEvent | null;
  readonly at: Date;
}

/** Puts rows into the outbox, in order. A row without an event counts as recorded; a vote is told to nobody. */
export async function insertOutbox(client: Queryable, drafts: readonly OutboxDraft[]): Promise<void> {
  for (const draft of drafts) {
    await client.query(
      `insert into approval_outbox (approval, version, topic, event, created_at, due_at, recorded_at, told_at)
       values ($1, $2, $3, $4, $5, $5, case when $4::jsonb is null then $5::timestamptz end,
         case when $3 = 'voted' then $5::timestamptz end)`,
      [
        draft.approval,
        draft.version,
        draft.topic,
        draft.event === null ? null : JSON.stringify(draft.event),
        draft.at,
      ],
    );
  }
}

/** Which of these belong to requests that have not ended. */
export async function findHeldInUse(
  client: Queryable,
  held: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await client.query<{ held: string }>(
    `select held from approval where held = any ($1) and state in ('waiting', 'approved', 'applying')`,
    [held],
  );
  return new Set(rows.map((row) => row.held));
}

/** Which of these have ended, or run out. */
export async function findEnded(client: Queryable, ids: readonly string[]): Promise<readonly string[]> {
  const rows = await client.query<{ id: string }>(
    `select id from approval where id = any ($1)
       and (state <> all ($2) or (state = any ($3) and expires_at <= clock_timestamp()))`,
    [ids, unendedStates, openStates],
  );
  return rows.map(({ id }) => id);
}
