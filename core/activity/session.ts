// What makes a session: everything that one actor did for the same people with the same credential, without a pause of
// half an hour. Decided from the entries of the audit log alone, so that whoever reads the log finds the same sessions.
import { hash } from 'node:crypto';
import type { AuditEvent } from '../audit-event.ts';
import { operations } from '../operation.ts';
import type { Principal } from '../principal.ts';

/** What the actor does after such a silence, in milliseconds, is another session. */
export const sessionIdleMs = 30 * 60_000;
/** No session is longer than this from its first entry, in milliseconds, or has more entries. */
export const longestSessionMs = 24 * 3_600_000;
export const mostSessionEntries = 10_000;

/** The families of actions by which somebody acts; all others are about the guard itself or about what was asked. */
const actingFamilies: ReadonlySet<string> = new Set([...operations, 'fetch', 'artifact', 'bypass']);

/** The part of an action's name before its dot, such as `push`. */
export function familyOf(action: string): string {
  return action.slice(0, action.indexOf('.'));
}

/** True for an event that is somebody's act and opens a session where none is open. */
export function isAct(event: Pick<AuditEvent, 'action' | 'actor'>): boolean {
  return event.actor !== null && actingFamilies.has(familyOf(event.action));
}

/** Digest of who acts, for whom, and by which credential, hex. */
export function sessionKey({ id, issuer, onBehalfOf, session }: Principal): string {
  return hash('sha256', JSON.stringify([id, issuer, onBehalfOf, session]), 'hex');
}

/** The id of the session that begins at this entry of the log. */
export function sessionId(key: string, firstIndex: number): string {
  return `s-${hash('sha256', `${key} ${firstIndex}`, 'hex').slice(0, 24)}`;
}

export interface SessionExtent {
  readonly startedAt: Date;
  readonly activeAt: Date;
  readonly entries: number;
}

/** True where an act at `time` still belongs to the session. */
export function continues(session: SessionExtent, time: Date): boolean {
  return (
    time.getTime() - session.activeAt.getTime() < sessionIdleMs &&
    time.getTime() - session.startedAt.getTime() < longestSessionMs &&
    session.entries < mostSessionEntries
  );
}

export const sessionStates = ['active', 'waiting', 'ended'] as const;
/** `waiting`: people have not decided about something that was asked in it; `active`: the actor may go on with it. */
export type SessionState = (typeof sessionStates)[number];

/** How a session stands at `now`. */
export function sessionState(session: SessionExtent & { readonly waiting: number }, now: Date): SessionState {
  if (session.waiting > 0) return 'waiting';
  return continues(session, now) ? 'active' : 'ended';
}
