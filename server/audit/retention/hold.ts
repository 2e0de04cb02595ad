// Legal holds: entries that must be kept beyond their time, for a reason that a person gives. Adding and releasing are
// entries; whoever can write to the database can drop the row, which then contradicts the log.
import { randomBytes } from 'node:crypto';
import type { AuditEntry } from '../../../core/audit-entry.ts';
import type { AuditEvent } from '../../../core/audit-event.ts';
import { GuardError } from '../../../core/errors.ts';
import type { Queryable } from '../../db.ts';
import { appendOnce, type SingleAppendOptions } from '../single-append.ts';
import { insertHold, insertRelease, readHolds, type Hold, type HoldScope } from './store.ts';

const maxReasonLength = 1_000;

function checkReason(reason: string): void {
  if (reason.trim() === '' || reason.length > maxReasonLength)
    throw new GuardError('input/invalid', `a reason has 1 to ${maxReasonLength} characters`);
}

/** What a hold is about, as it stands in entries and lists; a period is [from, to). */
export function scopeTexts({ from, to, agent, repository }: HoldScope): Readonly<Record<string, string>> {
  const texts = { from: from?.toISOString(), to: to?.toISOString(), agent, repository };
  return Object.fromEntries(
    Object.entries(texts).flatMap(([name, text]) => (text === undefined ? [] : [[name, text]])),
  );
}

/** True where the hold keeps this entry. */
export function isHeld(entry: AuditEntry, { from, to, agent, repository }: HoldScope): boolean {
  const actors = entry.actor === null ? [] : [entry.actor.id, ...entry.actor.onBehalfOf];
  return (
    (from === undefined || entry.time >= from.toISOString()) &&
    (to === undefined || entry.time < to.toISOString()) &&
    (agent === undefined || actors.includes(agent)) &&
    (repository === undefined || entry.repository === repository)
  );
}

/** The holds in force. */
export async function activeHolds(client: Queryable): Promise<readonly Hold[]> {
  return (await readHolds(client)).filter(({ released }) => released === null);
}

function holdEvent(
  action: 'audit.hold-added' | 'audit.hold-released',
  details: AuditEvent['details'],
): AuditEvent {
  return { action, request: randomBytes(8).toString('hex'), actor: null, repository: null, details };
}

/** Puts a hold into force; its id. Rejects with `input/invalid` for a scope or reason that is none. */
export async function addHold(
  options: SingleAppendOptions,
  hold: { readonly scope: HoldScope; readonly reason: string; readonly person: string },
): Promise<string> {
  const { scope, reason, person } = hold;
  checkReason(reason);
  if (scope.from !== undefined && scope.to !== undefined && scope.from >= scope.to)
    throw new GuardError('input/invalid', 'the period of a hold ends after it begins');
  const id = `hold-${randomBytes(6).toString('hex')}`;
  const event = holdEvent('audit.hold-added', { hold: id, reason, by: person, ...scopeTexts(scope) });
  await appendOnce(options, event, (client) =>
    insertHold(client, { id, reason, person, addedAt: options.clock.now(), ...scope }),
  );
  return id;
}

/** Ends a hold. Rejects with `input/invalid` where none with this id is in force. */
export async function releaseHold(
  options: SingleAppendOptions,
  release: { readonly id: string; readonly reason: string; readonly person: string },
): Promise<void> {
  const { id, reason, person } = release;
  checkReason(reason);
  const isActive = (await activeHolds(options.database)).some((hold) => hold.id === id);
  if (!isActive) throw new GuardError('input/invalid', 'no hold with this id is in force');
  await appendOnce(options, holdEvent('audit.hold-released', { hold: id, reason, by: person }), (client) =>
    insertRelease(client, { hold: id, reason, person, at: options.clock.now() }),
  );
}
