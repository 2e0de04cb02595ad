// What the audit log holds of a log or an artifact, folded from its entries in their order. An entry is durable before what
// it tells is remembered anywhere else, so this is the truth where a guard has died in between.
import { z } from 'zod';
import type { Json } from '../../core/audit-event.ts';
import type { RecordedEvent } from '../../core/services.ts';
import type { ItemIdentity } from './scanned-event.ts';
import type { ItemKind, ItemState } from './workflow-store.ts';

export interface ItemRecord {
  /** As the first entry has it; those to come say the same. */
  readonly identity: ItemIdentity;
  readonly attempt: number;
  /** Undefined where nobody has looked at it. */
  readonly state: ItemState | undefined;
  /** Whether it could be looked at. */
  readonly isScanned: boolean;
  readonly exposedSince: Date | null;
  /** Whether the copy, or the list of files, is kept to its end. */
  readonly isKept: boolean;
  /** Deletions that have failed, those aside for which it was too early. */
  readonly failures: number;
  /** When a deletion was announced of which nothing more is on record. */
  readonly announcedAt: Date | undefined;
  readonly isDeleted: boolean;
  readonly isGivenUp: boolean;
  /** When it was last on record as being there. */
  readonly seenAt: Date;
}

/** Codes of `deletion-failed` that the guard itself gives. */
export const ownCodes = { restarted: 'run-restarted', givenUp: 'given-up' } as const;
/** Failures that are not counted. */
const uncounted: ReadonlySet<string> = new Set(Object.values(ownCodes));

const detailsSchema = z.object({
  attempt: z.int().catch(1).default(1),
  verdict: z.string().catch('allow').default('allow'),
  cut: z.boolean().catch(false).default(false),
  exposedSince: z.iso.datetime().optional().catch(undefined),
  code: z.string().catch('').default(''),
  last: z.boolean().catch(false).default(false),
  digest: z.string().optional().catch(undefined),
});
type Details = z.output<typeof detailsSchema>;

/** What is told of every item in each of its entries. */
const whereNames: ReadonlySet<string> = new Set([
  'run',
  'attempt',
  'job',
  'artifact',
  'title',
  'head',
  'startedBy',
]);

type Change = (record: ItemRecord, details: Details, time: Date) => Partial<ItemRecord>;

/** What each step changes. */
const changes: Readonly<Record<string, Change>> = {
  scanned: (_record, { verdict, cut, exposedSince }) => ({
    state: scannedState(verdict !== 'allow', cut),
    isScanned: true,
    exposedSince: exposedSince === undefined ? null : new Date(exposedSince),
  }),
  unscanned: (_record, { code }) => ({ state: unscannedState(code) }),
  kept: ({ identity, isKept }, { last, digest }) => ({
    isKept: isKept || (identity.kind === 'log' ? last : digest !== undefined),
  }),
  deleting: (_record, _details, time) => ({ announcedAt: time }),
  deleted: () => ({ announcedAt: undefined, isDeleted: true }),
  'deletion-failed': ({ failures }, { code }) => ({
    announcedAt: undefined,
    failures: failures + (uncounted.has(code) ? 0 : 1),
    isGivenUp: code === ownCodes.givenUp,
  }),
};

/** How an item stands that was looked at. */
export function scannedState(isHit: boolean, isCut: boolean): ItemState {
  if (isHit) return 'found';
  return isCut ? 'unread' : 'clean';
}

/** How an item stands that could not be looked at. */
export function unscannedState(why: string): ItemState {
  return why === 'gone' || why === 'absent' ? 'absent' : 'unread';
}

/** Undefined where the log holds nothing of it. `entries` are all that it holds of one item. */
export function readRecord(kind: ItemKind, entries: readonly RecordedEvent[]): ItemRecord | undefined {
  let record: ItemRecord | undefined;
  for (const { time, event } of entries) {
    record ??= begin(kind, time, event);
    const step = event.action.slice(event.action.indexOf('.') + 1);
    const change = record === undefined ? undefined : changes[step];
    if (record === undefined || change === undefined) continue;
    const seenAt = step === 'deleted' ? record.seenAt : time;
    record = { ...record, seenAt, ...change(record, detailsSchema.parse(event.details), time) };
  }
  return record;
}

function begin(
  kind: ItemKind,
  time: Date,
  { request, actor, repository, details }: RecordedEvent['event'],
): ItemRecord | undefined {
  if (actor === null || repository === null) return undefined;
  const named = Object.entries(details).filter(([name]) => whereNames.has(name));
  const where: Readonly<Record<string, Json>> = Object.fromEntries(named);
  return {
    identity: { kind, where, request, actor, repository },
    attempt: detailsSchema.parse(details).attempt,
    state: undefined,
    isScanned: false,
    exposedSince: null,
    isKept: false,
    failures: 0,
    announcedAt: undefined,
    isDeleted: false,
    isGivenUp: false,
    seenAt: time,
  };
}
