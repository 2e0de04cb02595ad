// Everything of which somebody may be told, as one table of names: what happens to requests, and alerts.
import { approvalStates } from './approval/state.ts';
import type { ApprovalTopic } from './services.ts';

export const approvalTopics = [
  'requested',
  'reminder',
  'escalated',
  'glass-broken',
  'glass-reviewed',
  'vote-revoked',
  ...approvalStates,
] as const satisfies readonly ApprovalTopic[];

/** Alerts that are found in the audit log; a broken glass and a request that ran out are told as topics above. */
export const alertKinds = [
  'bypass',
  'critical-finding',
  'repeated-denials',
  'new-issuer',
  'lockout',
  'sink-failed',
  'exposure',
  'repository-moved',
  'repository-unwatched',
] as const;
export type AlertKind = (typeof alertKinds)[number];

export type NoticeTopic = ApprovalTopic | AlertKind;

/** Names that stand for several topics. */
export const topicGroups = ['alerts', 'all'] as const;
export type TopicGroup = (typeof topicGroups)[number];

const members: Readonly<Record<string, readonly NoticeTopic[]>> = {
  alerts: ['glass-broken', 'expired', ...alertKinds],
  all: [...approvalTopics, ...alertKinds],
} satisfies Readonly<Record<TopicGroup, readonly NoticeTopic[]>>;

/** What a channel is told where its configuration does not say. */
export const usualTopics: readonly (NoticeTopic | TopicGroup)[] = [
  'requested',
  'reminder',
  'escalated',
  'failed',
  'stale',
  'alerts',
];

/** The topics that names stand for. */
export function topicsOf(names: readonly (NoticeTopic | TopicGroup)[]): ReadonlySet<NoticeTopic> {
  const single: readonly NoticeTopic[] = members['all'] ?? [];
  return new Set(names.flatMap((name) => members[name] ?? single.filter((topic) => topic === name)));
}
