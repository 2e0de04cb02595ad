// A notice about a request as a message. What is told is how it stands now, which may be further on than the topic.
import { type Approval, approvalProgress } from '../../core/approval.ts';
import type { ApprovalNotice, ApprovalTopic } from '../../core/services.ts';
import { type Fact, type Message, plainName } from './message.ts';

/** What has happened, after "<repository>: a push by <agent>". */
const sayings: Readonly<Record<ApprovalTopic, string>> = {
  requested: 'waits for approval',
  reminder: 'still waits for approval',
  escalated: 'has waited too long: more people may approve it now',
  'glass-broken': 'was approved by breaking the glass',
  'glass-reviewed': 'was reviewed after the glass was broken',
  'vote-revoked': 'lost an approval',
  waiting: 'waits for approval again',
  approved: 'was approved',
  denied: 'was denied',
  expired: 'ran out without a decision',
  superseded: 'was superseded by a newer push',
  cancelled: 'was cancelled',
  applying: 'is being carried out',
  applied: 'was carried out',
  failed: 'was approved, but could not be carried out',
  stale: 'was approved, but something has changed since: nothing landed',
};

const mostRefs = 5;
const mostHolds = 10;

/** The message; its texts are names, sentences of the policy and counts. */
export function approvalMessage({ id, topic, approval, url }: ApprovalNotice): Message {
  const { binding } = approval;
  const repository = plainName(binding.repository);
  const waits = approval.state === 'waiting';
  return {
    id,
    topic,
    thread: approval.id,
    title: `${repository}: a ${binding.kind} by ${plainName(binding.actor.id)} ${sayings[topic]}`,
    facts: factsOf(approval),
    sentences: approval.holds.slice(0, mostHolds).map(({ message }) => plainName(message, 500)),
    url,
    repository: binding.repository,
    waitsSince: waits ? approval.createdAt : null,
    at: approval.stateAt,
    data: dataOf(approval, url),
  };
}

function factsOf(approval: Approval): readonly Fact[] {
  const { binding, breakGlass } = approval;
  const refs = binding.refUpdates.slice(0, mostRefs).map(({ ref }) => plainName(ref));
  const more = binding.refUpdates.length - refs.length;
  const behalf = binding.actor.onBehalfOf.map((name) => plainName(name));
  const asked = approvalProgress(approval).map(
    ({ approvers, escalatedTo, count, agreed }) =>
      `${agreed} of ${count} from ${[...approvers, ...(escalatedTo ?? [])].map((name) => plainName(name)).join(' or ')}`,
  );
  return [
    { label: 'Repository', text: plainName(binding.repository) },
    { label: 'Ref', text: more > 0 ? `${refs.join(', ')} and ${more} more` : refs.join(', ') },
    { label: 'Agent', text: plainName(binding.actor.id) },
    ...(behalf.length === 0 ? [] : [{ label: 'On behalf of', text: behalf.join(', ') }]),
    { label: 'State', text: approval.state },
    { label: 'Approvals', text: asked.join('; ') },
    ...(breakGlass === null
      ? []
      : [
          { label: 'Glass broken by', text: plainName(breakGlass.person) },
          { label: 'Review', text: breakGlass.review === null ? 'open' : 'closed' },
        ]),
    ...(approval.state === 'waiting' ? [{ label: 'Until', text: approval.expiresAt.toISOString() }] : []),
  ];
}

function dataOf(approval: Approval, url: string): Message['data'] {
  const { binding, breakGlass } = approval;
  return {
    approval: {
      id: approval.id,
      state: approval.state,
      version: approval.version,
      url,
      repository: binding.repository,
      operation: binding.kind,
      refUpdates: binding.refUpdates
        .slice(0, 100)
        .map(({ ref, oldOid, newOid }) => ({ ref, oldOid, newOid })),
      refUpdateCount: binding.refUpdates.length,
      actor: binding.actor.id,
      onBehalfOf: binding.actor.onBehalfOf,
      holds: approval.holds.map(({ rule, message }) => ({ rule, message })),
      requirements: approvalProgress(approval).map(({ rule, approvers, count, agreed, isMet }) => ({
        rule,
        approvers,
        count,
        agreed,
        isMet,
      })),
      breakGlass:
        breakGlass === null
          ? null
          : {
              person: breakGlass.person,
              at: breakGlass.at.toISOString(),
              isReviewed: breakGlass.review !== null,
            },
      createdAt: approval.createdAt.toISOString(),
      expiresAt: approval.expiresAt.toISOString(),
      stateAt: approval.stateAt.toISOString(),
    },
  };
}
