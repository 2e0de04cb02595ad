// May this person decide, and what follows? Pure. The approver is a human of its own: neither the agent nor anybody it
// acts for, nor the owner of its credential, by whatever token; and nobody counts twice.
import { type Approval, approvalProgress, type Vote, type VoteDecision, votesInForce } from '../approval.ts';
import type { ErrorCode } from '../errors.ts';
import type { Principal } from '../principal.ts';
import { escalatedBy } from './escalation.ts';
import { requirementsOf } from './requirement.ts';
import type { ApprovalState } from './state.ts';

/** Who shows a credential. */
export interface Person {
  readonly principal: Principal;
  /** Who answers for the credential, a principal id; null where nobody is named. */
  readonly owner: string | null;
}

export interface Refused {
  readonly kind: 'refused';
  readonly code: Extract<ErrorCode, `approval/${string}` | 'input/invalid'>;
  readonly message: string;
}

export interface VoteAccepted {
  readonly kind: 'accepted';
  readonly vote: Pick<Vote, 'person' | 'owner' | 'session' | 'decision' | 'comment' | 'meets'>;
  /** Where the vote leads; null where the state stays. */
  readonly next: Extract<ApprovalState, 'approved' | 'denied'> | null;
}

export interface Revocation {
  readonly kind: 'accepted';
  readonly next: 'waiting' | null;
}

/** Breaking the glass needs a reason of this many characters. */
export const leastBreakGlassReason = 20;
export const longestComment = 2_000;

const refused = (code: Refused['code'], message: string): Refused => ({ kind: 'refused', code, message });

/** Ids by which a person is known: its own and that of the owner of the credential. Case does not tell people apart. */
function namesOf(id: string, owner: string | null): ReadonlySet<string> {
  return new Set([id, ...(owner === null ? [] : [owner])].map((name) => name.trim().toLowerCase()));
}

function overlap(some: ReadonlySet<string>, others: ReadonlySet<string>): boolean {
  return [...some].some((name) => others.has(name));
}

/** Everybody whose request it is: the actor, all for whom it acts, and who answers for its credential. */
export function involvedIn({ binding }: Pick<Approval, 'binding'>): ReadonlySet<string> {
  const { actor, owner } = binding;
  return new Set(
    [actor.id, ...actor.onBehalfOf, ...(owner === null ? [] : [owner])].map((name) =>
      name.trim().toLowerCase(),
    ),
  );
}

/** True where the person is the same as one of those involved, by whatever credential. */
function isInvolved(approval: Pick<Approval, 'binding'>, { principal, owner }: Person): boolean {
  return (
    principal.session === approval.binding.actor.session ||
    overlap(namesOf(principal.id, owner), involvedIn(approval))
  );
}

/** Why this person may not decide about the request at all; undefined where it may. */
function refuseDecider(approval: Approval, person: Person): Refused | undefined {
  const { principal } = person;
  if (principal.kind !== 'human' || principal.onBehalfOf.length > 0)
    return refused('approval/not-human', 'only a person who acts for nobody else can decide about a request');
  if (isInvolved(approval, person))
    return refused(
      'approval/involved',
      'the agent, the person it acts for and the owner of its token cannot decide about its request',
    );
  return undefined;
}

function refuseComment(comment: string | null): Refused | undefined {
  return comment !== null && comment.length > longestComment
    ? refused('input/invalid', `a comment has at most ${longestComment} characters`)
    : undefined;
}

const agreesInto: readonly ApprovalState[] = ['waiting', 'approved', 'applying', 'applied'];
const deniesFrom: readonly ApprovalState[] = ['waiting', 'approved'];

/** True where the request has run out by this time, whatever its state still says. */
export function hasExpired(approval: Pick<Approval, 'state' | 'expiresAt'>, now: Date): boolean {
  return deniesFrom.includes(approval.state) && now >= approval.expiresAt;
}

/**
 * Judges one person's vote at the database's time. One `deny` ends the request; approvals are counted as people
 * against each requirement. Where that is escalated by then, its second group counts as well. An approval that comes
 * while the request is already being applied is kept and moves nothing.
 */
export function judgeVote(
  approval: Approval,
  person: Person,
  decision: VoteDecision,
  comment: string | null,
  now: Date,
): VoteAccepted | Refused {
  const possible = decision === 'approve' ? agreesInto : deniesFrom;
  if (hasExpired(approval, now)) return refused('approval/decided', 'the request has expired');
  if (!possible.includes(approval.state))
    return refused('approval/decided', `the request is ${approval.state} already`);
  const unfit = refuseDecider(approval, person) ?? refuseComment(comment);
  if (unfit !== undefined) return unfit;
  const { principal, owner } = person;
  const meets = requirementsOf(approval.requirements, principal, escalatedBy(approval, now));
  if (meets.length === 0)
    return refused(
      'approval/not-approver',
      'nobody has named you or one of your groups as an approver of this',
    );
  const names = namesOf(principal.id, owner);
  if (votesInForce(approval.votes).some((vote) => overlap(names, namesOf(vote.person, vote.owner))))
    return refused('approval/voted', 'you have decided already; revoke that decision first');
  const vote = { person: principal.id, owner, session: principal.session, decision, comment, meets };
  return { kind: 'accepted', vote, next: nextState(approval, vote) };
}

function nextState(approval: Approval, vote: VoteAccepted['vote']): VoteAccepted['next'] {
  if (vote.decision === 'deny') return 'denied';
  if (approval.state !== 'waiting') return null;
  const votes = [...approval.votes, { ...vote, at: approval.stateAt, revokedAt: null }];
  return approvalProgress({ ...approval, votes }).every(({ isMet }) => isMet) ? 'approved' : null;
}

/** Judges whether a person may take back its approval: only until the request is being applied. */
export function judgeRevocation(approval: Approval, person: Person, now: Date): Revocation | Refused {
  if (hasExpired(approval, now)) return refused('approval/decided', 'the request has expired');
  if (!deniesFrom.includes(approval.state))
    return refused('approval/decided', `the request is ${approval.state} already`);
  const { principal } = person;
  const kept = approval.votes.filter((vote) => vote.person !== principal.id || vote.revokedAt !== null);
  if (kept.length === approval.votes.length)
    return refused('approval/not-voted', 'you have not decided about this request');
  // What was approved by breaking the glass does not rest on votes.
  const rests = approval.state === 'approved' && approval.breakGlass === null;
  const isStillMet = approvalProgress({ ...approval, votes: kept }).every(({ isMet }) => isMet);
  return { kind: 'accepted', next: rests && !isStillMet ? 'waiting' : null };
}

/** Judges whether a person may break the glass. That its credential permits it at all is for the caller to check. */
export function judgeBreakGlass(
  approval: Approval,
  person: Person,
  reason: string,
  now: Date,
): { readonly kind: 'accepted' } | Refused {
  if (hasExpired(approval, now)) return refused('approval/decided', 'the request has expired');
  if (approval.state !== 'waiting')
    return refused('approval/decided', `the request is ${approval.state} already`);
  const unfit = refuseDecider(approval, person) ?? refuseComment(reason);
  if (unfit !== undefined) return unfit;
  if (reason.trim().length < leastBreakGlassReason)
    return refused(
      'input/invalid',
      `breaking the glass needs a reason of ${leastBreakGlassReason} characters or more`,
    );
  return { kind: 'accepted' };
}

/** Judges whether a person may close the review of a broken glass: anybody who may decide but the one who broke it. */
export function judgeReview(
  approval: Approval,
  person: Person,
  comment: string,
): { readonly kind: 'accepted' } | Refused {
  const { breakGlass } = approval;
  if (breakGlass === null) return refused('approval/no-review', 'the glass was not broken for this request');
  if (breakGlass.review !== null) return refused('approval/no-review', 'the review is closed already');
  const unfit = refuseDecider(approval, person) ?? refuseComment(comment);
  if (unfit !== undefined) return unfit;
  const names = namesOf(person.principal.id, person.owner);
  if (overlap(names, namesOf(breakGlass.person, breakGlass.owner)))
    return refused(
      'approval/involved',
      'the review is closed by somebody else than the one who broke the glass',
    );
  if (comment.trim() === '') return refused('input/invalid', 'a review needs a comment');
  return { kind: 'accepted' };
}

/** Judges whether a person or agent may withdraw the request: those whose request it is. */
export function judgeCancellation(
  approval: Approval,
  person: Person,
): { readonly kind: 'accepted' } | Refused {
  if (!deniesFrom.includes(approval.state))
    return refused('approval/decided', `the request is ${approval.state} already`);
  return isInvolved(approval, person)
    ? { kind: 'accepted' }
    : refused('approval/not-yours', 'only those whose request it is can cancel it');
}
