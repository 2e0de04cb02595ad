// What the entries of the audit log give to be alarmed about. Pure: one entry in, signs out; the entries were made by
// this guard or an earlier version of it, so what is not in the expected form gives no sign.
import { z } from 'zod';
import type { Json } from './audit-event.ts';
import { exposureAlert } from './exposure-alert.ts';
import type { AlertKind } from './notice-topics.ts';
import type { RecordedEvent } from './services.ts';

/** Something that people are told at once. */
export interface Alert {
  /** Unique to what it is about, so that it is told once. */
  readonly id: string;
  readonly kind: AlertKind;
  /**
   * Principal id of whom it is about, or `address:` and an address where nobody is known; of a failed sink its name, of a
   * repository that was moved its old name, of one that is out of sight the login of who did that.
   */
  readonly actor: string;
  readonly repository: string | null;
  /** Request id of the operation that gave rise to it. */
  readonly request: string;
  readonly at: Date;
  readonly details: { readonly [key: string]: Json };
}

export type Sign =
  | { readonly kind: 'alert'; readonly alert: Alert }
  /** An agent was refused by the policy. */
  | { readonly kind: 'denial'; readonly actor: string; readonly repository: string | null }
  /** An agent was seen with a credential of this issuer. */
  | { readonly kind: 'sighting'; readonly actor: string; readonly issuer: string };

const decided = z.object({ verdict: z.string(), criticalFindings: z.int().min(0).default(0) });

const lockedOut = z.object({
  of: z.literal('address'),
  address: z.string().max(100),
  failures: z.int().min(1),
});

// One credential that fails again and again is a mistake more often than not; very many from one address are not.
function lockoutOf(index: number, time: Date, { request, details }: RecordedEvent['event']): readonly Sign[] {
  const lockout = lockedOut.safeParse(details).data;
  if (lockout === undefined) return [];
  const { address, failures } = lockout;
  const alert: Alert = {
    id: `lockout-${index}`,
    kind: 'lockout',
    actor: `address:${address}`,
    repository: null,
    request,
    at: time,
    details: { address, failures },
  };
  return [{ kind: 'alert', alert }];
}
const failedSink = z.object({ sink: z.string(), problem: z.string(), behind: z.int().min(0) });

function failedSinkOf(
  index: number,
  time: Date,
  { request, details }: RecordedEvent['event'],
): readonly Sign[] {
  const failed = failedSink.safeParse(details).data;
  if (failed === undefined) return [];
  const { sink, problem, behind } = failed;
  const alert: Alert = {
    id: `sink-failed-${index}`,
    kind: 'sink-failed',
    actor: sink,
    repository: null,
    request,
    at: time,
    details: { problem, behind },
  };
  return [{ kind: 'alert', alert }];
}

const bypassed = z.object({
  ref: z.string(),
  before: z.string(),
  after: z.string(),
  how: z.string(),
  by: z.string().nullable(),
  isScanned: z.boolean(),
  verdict: z.string().optional(),
  findingCount: z.int().min(0).default(0),
  criticalFindings: z.int().min(0).default(0),
  problem: z.string().optional(),
});

/** A push around the guard, told once: when it was scanned, or at once where there is nothing to scan. */
function bypassOf({ time, event }: RecordedEvent): readonly Sign[] {
  const { action, actor, repository, request, details } = event;
  const bypass = bypassed.safeParse(details).data;
  if (bypass === undefined || (action === 'bypass.detected' && bypass.isScanned)) return [];
  const { isScanned: _, verdict, problem, ...told } = bypass;
  const alert: Alert = {
    id: `bypass-${request}`,
    kind: 'bypass',
    actor: actor?.id ?? 'somebody unknown',
    repository,
    request,
    at: time,
    details: { ...told, ...(verdict && { verdict }), ...(problem && { problem }) },
  };
  return [{ kind: 'alert', alert }];
}

/** Pushes that could not be compared with what the guard has forwarded, told once for all of them. */
function unlistedOf({ time, event }: RecordedEvent): readonly Sign[] {
  const { repository, request, details } = event;
  const { updates } = z
    .object({ updates: z.int().min(1) })
    .catch({ updates: 1 })
    .parse(details);
  const alert: Alert = {
    id: `bypass-unlisted-${request}`,
    kind: 'bypass',
    actor: 'the guard',
    repository,
    request,
    at: time,
    details: { how: 'unlisted', updates },
  };
  return [{ kind: 'alert', alert }];
}

const moved = z.object({ change: z.string(), from: z.string(), to: z.string() });

/** A repository has another name: what names the old one fails, or counts for whoever takes it. */
function movedOf({ time, event }: RecordedEvent): readonly Sign[] {
  const { repository, request } = event;
  const details = moved.safeParse(event.details).data;
  if (details === undefined) return [];
  const alert: Alert = {
    id: `repository-moved-${request}`,
    kind: 'repository-moved',
    actor: details.from,
    repository,
    request,
    at: time,
    details,
  };
  return [{ kind: 'alert', alert }];
}

const unwatched = z.object({ cause: z.string(), by: z.string().nullable(), lastSeen: z.string() });

/** A guarded repository is out of the guard's sight: nobody is told of pushes to it. */
function unwatchedOf({ time, event }: RecordedEvent): readonly Sign[] {
  const { repository, request } = event;
  const details = unwatched.safeParse(event.details).data;
  if (details === undefined) return [];
  const alert: Alert = {
    id: `repository-unwatched-${request}`,
    kind: 'repository-unwatched',
    actor: details.by ?? 'somebody unknown',
    repository,
    request,
    at: time,
    details,
  };
  return [{ kind: 'alert', alert }];
}

/** The signs of one entry. */
export function signsOf({ index, time, event }: RecordedEvent): readonly Sign[] {
  const { action, actor, repository, request, details } = event;
  if (action === 'identity.locked-out') return lockoutOf(index, time, event);
  if (action === 'audit.sink-failed') return failedSinkOf(index, time, event);
  if (action === 'repository.moved') return movedOf({ index, time, event });
  if (action === 'repository.unwatched') return unwatchedOf({ index, time, event });
  if (action === 'bypass.unlisted') return unlistedOf({ index, time, event });
  if (action.startsWith('bypass.')) return bypassOf({ index, time, event });
  const exposure = exposureAlert({ index, time, event });
  if (actor === null) return exposure === undefined ? [] : [{ kind: 'alert', alert: exposure }];
  const isAgent = actor.kind === 'agent';
  const sighting: readonly Sign[] = isAgent
    ? [{ kind: 'sighting', actor: actor.id, issuer: actor.issuer }]
    : [];
  if (exposure !== undefined) return [...sighting, { kind: 'alert', alert: exposure }];
  const decision = action.endsWith('.decided') ? decided.safeParse(details).data : undefined;
  if (decision?.verdict !== 'deny') return sighting;
  const denial: readonly Sign[] = isAgent ? [{ kind: 'denial', actor: actor.id, repository }] : [];
  if (decision.criticalFindings === 0) return [...sighting, ...denial];
  const alert: Alert = {
    id: `critical-finding-${index}`,
    kind: 'critical-finding',
    actor: actor.id,
    repository,
    request,
    at: time,
    details: { criticalFindings: decision.criticalFindings },
  };
  return [...sighting, ...denial, { kind: 'alert', alert }];
}
