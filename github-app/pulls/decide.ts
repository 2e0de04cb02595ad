// A person of GitHub decides about a held change: who it is and what it may is asked of GitHub, whether it counts is
// judged as everywhere else. Those who wrote a part of the change do not decide about it.
import type { Approval, VoteDecision } from '../../core/approval.ts';
import { type ErrorCode, GuardError } from '../../core/errors.ts';
import type { Grant } from '../../core/principal.ts';
import type { Hub, HubServices } from '../hub.ts';
import { grantOf } from '../people.ts';
import { type GithubUser, type PullPlace, readAuthors, readPull } from './pull.ts';

export interface Decision {
  readonly place: PullPlace;
  readonly user: GithubUser;
  /** Unique to what the person did. */
  readonly session: string;
  readonly decision: VoteDecision;
  readonly paths: readonly string[];
}

const forbidden: readonly ErrorCode[] = [
  'identity/forbidden',
  'approval/not-human',
  'approval/involved',
  'approval/not-approver',
];

/**
 * Counts the decision. Rejects with an `approval/…` error or `identity/forbidden` where it does not count, which is in
 * the audit log then; and as `GithubApi.ask` does.
 */
export async function decideChange(
  services: HubServices,
  hub: Hub,
  approval: Approval,
  decision: Decision,
): Promise<Approval> {
  const { place, user, session, paths } = decision;
  // What was counted before its end was told is not counted again.
  if (approval.votes.some((vote) => vote.session === session)) return approval;
  const pull = await readPull(hub, place);
  const groups = approval.requirements
    .flatMap(({ approvers, escalate }) => [...approvers, ...(escalate?.to ?? [])])
    .flatMap((name) => (name.startsWith('group:') ? [name.slice('group:'.length)] : []));
  const grant = await grantOf(hub, {
    user,
    session,
    groups: [...new Set(groups)],
    repository: place.repository,
    baseRef: pull.base.ref,
    paths,
    signal: place.signal,
  });
  try {
    if (grant.scopes.length === 0)
      throw new GuardError('identity/forbidden', 'only who may write to the repository can decide there');
    if ((await services.ended([grant.principal.id])).length > 0)
      throw new GuardError('identity/forbidden', 'the access of this person has ended');
    await refuseAuthors(hub, place, user, pull.user);
    return await services.approvals.vote(approval.id, grant, decision.decision, null);
  } catch (thrown) {
    if (thrown instanceof GuardError && forbidden.includes(thrown.code))
      await recordForbidden(services, approval, grant, decision, thrown.code);
    throw thrown;
  }
}

async function refuseAuthors(
  hub: Hub,
  place: PullPlace,
  user: GithubUser,
  author: GithubUser,
): Promise<void> {
  const authors = new Set([...(await readAuthors(hub, place)), author.login.toLowerCase()]);
  if (authors.has(user.login.toLowerCase()))
    throw new GuardError('approval/involved', 'who wrote a part of the change cannot decide about it');
}

async function recordForbidden(
  { audit }: HubServices,
  approval: Approval,
  grant: Grant,
  { decision }: Decision,
  errorCode: ErrorCode,
): Promise<void> {
  await audit.append({
    action: 'approval.forbidden',
    request: approval.request,
    actor: grant.principal,
    repository: approval.binding.repository,
    details: { approval: approval.id, version: approval.version, wanted: decision, code: errorCode },
  });
}
