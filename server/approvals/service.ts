// Requests that wait for people, behind the port of core. Each change is one transaction: the row is locked, judged by
// the pure rules, moved by compare-and-set, and its outbox rows are written. It is answered for, and takes effect, once
// the audit log holds it.
import type { Approval } from '../../core/approval.ts';
import {
  hasExpired,
  judgeBreakGlass,
  judgeCancellation,
  judgeReview,
  judgeRevocation,
  judgeVote,
  longestComment,
  type Person,
  type Refused,
} from '../../core/approval/judge.ts';
import { isTerminal } from '../../core/approval/state.ts';
import { GuardError } from '../../core/errors.ts';
import type { Grant, Verb } from '../../core/principal.ts';
import type { ApprovalService, ScanService, ScopeCheck } from '../../core/services.ts';
import type { Database, Queryable } from '../db.ts';
import { cleanText } from './clean-text.ts';
import { escalate, unaskedEscalations } from './escalate.ts';
import { checkDraft, type OpeningLimits, openRequest } from './open-request.ts';
import type { RecordApproval } from './recorder.ts';
import type { StoredApproval } from './row.ts';
import { expiry, type Step, takeSteps } from './step.ts';
import {
  findEnded,
  findHeldInUse,
  insertBreakGlass,
  insertVote,
  listApprovals,
  markReviewed,
  markVoteRevoked,
  readApproval,
  readApprovalLocked,
} from './store.ts';
import { createWatch } from './watch.ts';

export interface ApprovalServiceOptions extends OpeningLimits {
  readonly database: Database;
  readonly record: RecordApproval;
  readonly scanner: Pick<ScanService, 'scan'>;
  readonly covers: ScopeCheck;
  /** Where people find a request. */
  readonly urlOf: (id: string) => string;
  /** Told of each request that was changed and recorded; must not wait for anything. */
  readonly onRecorded: (id: string) => void;
}

export interface Approvals extends ApprovalService {
  /**
   * Changes a request under its lock, records it and tells everybody. `judge` returns the steps, or undefined to leave
   * it alone; a request that has run out becomes `expired` first, and what is due to
   * be escalated is escalated. Rejects with `approval/unknown`.
   */
  change(id: string, judge: Judge): Promise<Approval>;
}

/** Decides under the lock what is to be done; what it writes beside the steps is part of the transaction. */
export type Judge = (
  stored: StoredApproval,
  client: Queryable,
) => Promise<readonly Step[] | undefined> | readonly Step[] | undefined;

const scanMs = 10_000;
const mostListed = 200;

function unknown(): GuardError {
  return new GuardError('approval/unknown', 'there is no such request');
}

function accepted<T extends { readonly kind: 'accepted' }>(judgement: T | Refused): T {
  if (judgement.kind === 'refused') throw new GuardError(judgement.code, judgement.message);
  return judgement;
}

/** The port, over the database. Rejections are those of the port; nothing is retried here. */
export function createApprovalService(options: ApprovalServiceOptions): Approvals {
  const { database, record, scanner, covers, urlOf } = options;
  const watch = createWatch((ids) => findEnded(database, ids));

  const clean = (label: string, text: string): Promise<string> =>
    cleanText(scanner, label, text, AbortSignal.timeout(scanMs));

  const cleanComment = async (text: string | null): Promise<string | null> => {
    if (text !== null && text.length > longestComment)
      throw new GuardError('input/invalid', `a comment has at most ${longestComment} characters`);
    return text === null ? null : (await clean('approval comment', text)) || null;
  };

  async function publish(id: string): Promise<void> {
    await record(id);
    options.onRecorded(id);
    watch.wake(id);
  }

  /** Runs out or escalates what is due, lets `judge` change the rest, and publishes. True where the request ran out now. */
  async function settle(id: string, judge: Judge): Promise<boolean> {
    const expired = await database.transaction(async (client) => {
      const stored = await readApprovalLocked(client, id);
      if (stored === undefined) throw unknown();
      const hasRunOut = hasExpired(stored.approval, stored.now);
      // What is due by the clock comes first, whoever notices it.
      const due = hasRunOut ? [expiry] : await escalate(client, stored);
      const judged = hasRunOut ? undefined : await judge(stored, client);
      await takeSteps(client, stored.approval, stored.now, [...due, ...(judged ?? [])]);
      return hasRunOut;
    });
    await publish(id);
    return expired;
  }

  async function read(id: string): Promise<Approval> {
    const stored = await readApproval(database, id);
    if (stored === undefined) throw unknown();
    return stored.approval;
  }

  const change = async (id: string, judge: Judge): Promise<Approval> => {
    await settle(id, judge);
    return read(id);
  };

  /** A change by somebody, which needs that the request has not run out and that the credential covers it. */
  async function decide(id: string, grant: Grant, verb: Verb | null, judge: Judge): Promise<Approval> {
    const expired = await settle(id, (stored, client) => {
      const { repository, refUpdates } = stored.approval.binding;
      const refs = refUpdates.map(({ ref }) => ref);
      if (verb !== null && !covers(grant, repository, verb, refs))
        throw new GuardError('identity/forbidden', `the token does not allow to ${verb} in this repository`);
      return judge(stored, client);
    });
    if (expired) throw new GuardError('approval/decided', 'the request has expired');
    return read(id);
  }

  async function settled(stored: StoredApproval): Promise<Approval> {
    const { approval, isRecorded, now } = stored;
    const isDue = hasExpired(approval, now) || unaskedEscalations(approval, now).length > 0;
    if (isRecorded && !isDue) return approval;
    return change(stored.approval.id, () => undefined);
  }

  const status = async (id: string): Promise<Approval | undefined> => {
    const stored = await readApproval(database, id);
    return stored === undefined ? undefined : settled(stored);
  };

  return {
    change,
    status,
    urlOf,
    request: async (draft) => {
      const held = await openRequest(database, await checkDraft(draft, clean), options);
      for (const id of held.touched) await publish(id);
      return { id: held.id, url: urlOf(held.id), expiresAt: held.expiresAt, isNew: held.isNew };
    },
    list: async (filter) => {
      const limit = Math.min(Math.max(filter.limit, 1), mostListed);
      const found: Approval[] = [];
      for (const stored of await listApprovals(database, { ...filter, limit }))
        found.push(await settled(stored));
      return found.filter(({ state }) => filter.states?.includes(state) ?? true);
    },
    waitFor: async (id, signal) => {
      const over = new AbortController();
      try {
        for (;;) {
          const changed = watch.next(id, AbortSignal.any([signal, over.signal]));
          // Awaited below; an abort before that must not be unhandled.
          changed.catch(() => undefined);
          const found = await status(id).catch(keepWaiting);
          if (found === undefined) throw unknown();
          if (found !== 'later' && isTerminal(found.state)) return found;
          await changed;
        }
      } finally {
        over.abort();
      }
    },
    vote: async (id, grant, decision, comment) => {
      const text = await cleanComment(comment);
      return decide(id, grant, 'approve', async (stored, client) => {
        const { approval, now } = stored;
        const { vote, next } = accepted(judgeVote(approval, personOf(grant), decision, text, now));
        await insertVote(client, id, { ...vote, at: now });
        const details = { decision, comment: text, meets: vote.meets, owner: vote.owner };
        const actor = grant.principal;
        return [
          { kind: 'note', action: 'approval.voted', topic: 'voted', actor, details },
          ...(next === null ? [] : [{ kind: 'move', to: next, actor } as const]),
        ];
      });
    },
    revokeVote: (id, grant) =>
      decide(id, grant, 'approve', async ({ approval, now }, client) => {
        const { next } = accepted(judgeRevocation(approval, personOf(grant), now));
        const actor = grant.principal;
        await markVoteRevoked(client, id, actor.id, now);
        return [
          { kind: 'note', action: 'approval.vote-revoked', topic: 'vote-revoked', actor, details: {} },
          ...(next === null ? [] : [{ kind: 'move', to: next, actor } as const]),
        ];
      }),
    cancel: async (id, grant, comment) => {
      const text = await cleanComment(comment);
      return decide(id, grant, null, ({ approval }) => {
        accepted(judgeCancellation(approval, personOf(grant)));
        return [{ kind: 'move', to: 'cancelled', actor: grant.principal, note: text }];
      });
    },
    breakGlass: async (id, grant, reason) => {
      const text = (await cleanComment(reason)) ?? '';
      return decide(id, grant, 'break-glass', async ({ approval, now }, client) => {
        accepted(judgeBreakGlass(approval, personOf(grant), text, now));
        const actor = grant.principal;
        await insertBreakGlass(client, id, { person: actor.id, owner: grant.owner, reason: text, at: now });
        const details = { reason: text, owner: grant.owner };
        return [
          { kind: 'note', action: 'approval.glass-broken', topic: 'glass-broken', actor, details },
          { kind: 'move', to: 'approved', actor, note: 'the glass was broken for it' },
        ];
      });
    },
    closeReview: async (id, grant, comment) => {
      const text = (await cleanComment(comment)) ?? '';
      return decide(id, grant, 'approve', async ({ approval, now }, client) => {
        accepted(judgeReview(approval, personOf(grant), text));
        const actor = grant.principal;
        await markReviewed(client, id, { person: actor.id, comment: text, at: now });
        const details = { comment: text };
        return [{ kind: 'note', action: 'approval.glass-reviewed', topic: 'glass-reviewed', actor, details }];
      });
    },
    heldInUse: (held) => findHeldInUse(database, held),
  };
}

function personOf({ principal, owner }: Grant): Person {
  return { principal, owner };
}

const passing: readonly string[] = ['audit/unavailable', 'database/unavailable'];

/** What cannot be read now is read again at the next look. */
function keepWaiting(thrown: unknown): 'later' {
  if (thrown instanceof GuardError && passing.includes(thrown.code)) return 'later';
  throw thrown;
}
