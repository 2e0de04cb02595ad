// An entry in a few words, for a person who reads a list of events.
import type { AuditEntry } from '../../core/audit-entry.ts';

/** Who did what where. */
export function sentenceOf({ action, actor, repository }: AuditEntry): string {
  const by = actor === null ? '' : ` by ${actor.id}`;
  const on = repository === null ? '' : ` on ${repository}`;
  return `${action}${by}${on}`;
}
