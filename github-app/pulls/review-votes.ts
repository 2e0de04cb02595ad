// Reviews of GitHub as decisions, where the configuration says so: an approving review of exactly the held commit counts
// as an approval, and one that is dismissed or changed takes it back.
import { type Approval, votesInForce } from '../../core/approval.ts';
import { GuardError } from '../../core/errors.ts';
import { decideChange } from './decide.ts';
import type { Look } from './look.ts';
import type { Hub, HubServices } from '../hub.ts';
import type { Review } from './pull.ts';

const session = (review: Review): string => `github-review:${review.id}`;

/** The newest opinion of each reviewer; a plain comment is none. */
function opinions(reviews: readonly Review[]): readonly Review[] {
  const newest = new Map<number, Review>();
  for (const review of reviews) if (review.state !== 'COMMENTED') newest.set(review.user.id, review);
  return [...newest.values()];
}

/** The request after all reviews were counted. A review of somebody who may not decide changes nothing. */
export async function countReviews(
  services: HubServices,
  hub: Hub,
  { place, pull, conversation, judged }: Look,
  approval: Approval,
): Promise<Approval> {
  if (!hub.app.reviewsApprove || (approval.state !== 'waiting' && approval.state !== 'approved'))
    return approval;
  const approving = opinions(conversation.reviews).filter(
    ({ state, commit }) => state === 'APPROVED' && commit === pull.head.sha,
  );
  const known = new Set(approval.votes.map((vote) => vote.session));
  let counted = await revokeLapsed(services, hub, approval, approving);
  for (const review of approving.filter((each) => !known.has(session(each)))) {
    const decision = {
      place,
      user: review.user,
      session: session(review),
      decision: 'approve',
      paths: judged.scan.paths.map(({ path }) => path),
    } as const;
    counted = await decideChange(services, hub, counted, decision).catch((thrown: unknown) => {
      if (thrown instanceof GuardError && thrown.code.startsWith('approval/')) return counted;
      if (thrown instanceof GuardError && thrown.code === 'identity/forbidden') return counted;
      throw thrown;
    });
  }
  return counted;
}

/** Takes back what came from reviews that do not approve any more. */
async function revokeLapsed(
  { approvals }: HubServices,
  hub: Hub,
  approval: Approval,
  approving: readonly Review[],
): Promise<Approval> {
  const standing = new Set(approving.map(session));
  const lapsed = votesInForce(approval.votes).filter(
    (vote) => vote.session.startsWith('github-review:') && !standing.has(vote.session),
  );
  let left = approval;
  for (const vote of lapsed) {
    const principal = {
      kind: 'human',
      id: vote.person,
      issuer: hub.url,
      subject: vote.person,
      groups: [],
      onBehalfOf: [],
      session: vote.session,
      proof: 'forge',
    } as const;
    const scopes = [{ repository: approval.binding.repository, verbs: ['approve'] }] as const;
    left = await approvals
      .revokeVote(approval.id, { principal, owner: vote.owner, scopes })
      .catch((thrown: unknown) => {
        // It is being merged already.
        if (thrown instanceof GuardError && thrown.code === 'approval/decided') return left;
        throw thrown;
      });
  }
  return left;
}
