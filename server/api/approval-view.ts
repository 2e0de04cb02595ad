// A request for approval as the API shows it. The form is stable: members are added, never changed or taken away. Texts
// of agents and reviewers in it were scanned and masked before they were kept.
import { z } from 'zod';
import { type Approval, approvalProgress, voteDecisions } from '../../core/approval.ts';
import { approvalStates, isTerminal } from '../../core/approval/state.ts';
import { operations } from '../../core/operation.ts';
import { delegationOf, delegationProofs, principalKinds, proofs } from '../../core/principal.ts';

const time = z.iso.datetime().describe('UTC, as in RFC 3339');
const person = z.string().describe('principal id, such as `human:ada@example.org`');

const voteView = z.object({
  person,
  decision: z.enum(voteDecisions),
  comment: z.string().nullable(),
  at: time,
  revokedAt: time.nullable().describe('a vote that was revoked counts for nothing'),
});

const breakGlassView = z.object({
  person,
  reason: z.string(),
  at: time,
  review: z
    .object({ person, comment: z.string(), at: time })
    .nullable()
    .describe('null while the review is open'),
});

export const approvalView = z
  .object({
    id: z.string(),
    state: z.enum(approvalStates),
    isFinal: z.boolean().describe('true where nothing can change any more'),
    version: z.int().describe('grows with every change'),
    url: z.string().describe('where people find it'),
    repository: z.string().describe('`<forge>/<owner>/…/<repo>`'),
    operation: z.enum(operations),
    refUpdates: z.array(z.object({ ref: z.string(), oldOid: z.string(), newOid: z.string() })),
    actor: z
      .object({
        kind: z.enum(principalKinds),
        id: z.string(),
        issuer: z.string().describe('who vouches for it: `guard`, or the URL of an issuer'),
        proof: z.enum(proofs).describe('how it was proved'),
        session: z.string().describe('id of the session or token, as in the audit log'),
      })
      .describe('who wants to do it'),
    onBehalfOf: z.array(person).describe('for whom, nearest first'),
    delegation: z
      .array(z.object({ id: person, issuer: z.string(), proof: z.enum(delegationProofs) }))
      .describe('how each of them was proved; `named`: by the one before it alone'),
    owner: person.nullable().describe("who answers for the actor's credential"),
    reason: z.string().nullable().describe("the actor's reason"),
    holds: z
      .array(z.object({ rule: z.string(), message: z.string() }))
      .describe('which rules of the policy hold it, and why'),
    requirements: z
      .array(
        z.object({
          rule: z.string(),
          approvers: z.array(z.string()).describe('`group:NAME` or principal ids'),
          count: z.int().describe('how many different people must agree'),
          agreed: z.int().describe('how many have'),
          isMet: z.boolean(),
          escalatesAt: time.nullable().describe('when a second group comes, or came, in'),
          escalatedTo: z.array(z.string()).nullable().describe('the second group, once it was asked'),
        }),
      )
      .describe('all of them must be met'),
    votes: z.array(voteView),
    breakGlass: breakGlassView.nullable(),
    createdAt: time,
    expiresAt: time,
    stateAt: time.describe('when the state was reached'),
    note: z.string().nullable().describe('a sentence about how it came to the state'),
    supersededBy: z.string().nullable().describe('id of the newer request that took its place'),
    details: z.record(z.string(), z.unknown()).describe('more for the reader, such as counts'),
    request: z.string().describe('request id of what is held, as in the audit log'),
    bindingDigest: z.string().describe('SHA-256 over exactly what is to be approved, hex'),
    links: z.object({
      self: z.string().describe('path of this resource'),
      changes: z.string().describe('path of what it would change'),
    }),
  })
  .meta({ id: 'Approval' });
export type ApprovalView = z.output<typeof approvalView>;

/** The request as JSON; `base` is the path of the collection, `url` its page. */
export function viewOf(approval: Approval, url: string, base: string): ApprovalView {
  const { binding, breakGlass } = approval;
  const { actor } = binding;
  const self = `${base}/${approval.id}`;
  return {
    id: approval.id,
    state: approval.state,
    isFinal: isTerminal(approval.state),
    version: approval.version,
    url,
    repository: binding.repository,
    operation: binding.kind,
    refUpdates: binding.refUpdates.map(({ ref, oldOid, newOid }) => ({ ref, oldOid, newOid })),
    actor: {
      kind: actor.kind,
      id: actor.id,
      issuer: actor.issuer,
      proof: actor.proof,
      session: actor.session,
    },
    onBehalfOf: [...actor.onBehalfOf],
    delegation: delegationOf(actor).map(({ id, issuer, proof }) => ({ id, issuer, proof })),
    owner: binding.owner,
    reason: approval.reason,
    holds: approval.holds.map(({ rule, message }) => ({ rule, message })),
    requirements: approvalProgress(approval).map((requirement) => ({
      rule: requirement.rule,
      approvers: [...requirement.approvers],
      count: requirement.count,
      agreed: requirement.agreed,
      isMet: requirement.isMet,
      escalatesAt: requirement.escalatesAt?.toISOString() ?? null,
      escalatedTo: requirement.escalatedTo === null ? null : [...requirement.escalatedTo],
    })),
    votes: approval.votes.map(({ person: who, decision, comment, at, revokedAt }) => ({
      person: who,
      decision,
      comment,
      at: at.toISOString(),
      revokedAt: revokedAt?.toISOString() ?? null,
    })),
    breakGlass:
      breakGlass === null
        ? null
        : {
            person: breakGlass.person,
            reason: breakGlass.reason,
            at: breakGlass.at.toISOString(),
            review:
              breakGlass.review === null
                ? null
                : { ...breakGlass.review, at: breakGlass.review.at.toISOString() },
          },
    createdAt: approval.createdAt.toISOString(),
    expiresAt: approval.expiresAt.toISOString(),
    stateAt: approval.stateAt.toISOString(),
    note: approval.note,
    supersededBy: approval.supersededBy,
    details: { ...approval.details },
    request: approval.request,
    bindingDigest: approval.bindingDigest,
    links: { self, changes: `${self}/changes` },
  };
}
