// Takes entries out of the log that are older than they must be kept. Their hashes stay, so every proof and checkpoint
// can still be checked; an entry `audit.pruned` says what went, before it goes. Documents that only these entries name go
// with them. Entries under a legal hold, and those that others are read by, stay.
import { randomBytes } from 'node:crypto';
import { parseEntry, type AuditEntry } from '../../../core/audit-entry.ts';
import type { AuditAction } from '../../../core/audit-event.ts';
import { parseCheckpoint } from '../../../core/checkpoint.ts';
import { GuardError } from '../../../core/errors.ts';
import { documentOf } from '../../../core/log-walk.ts';
import { rootOf } from '../../../core/merkle.ts';
import { tileWidth } from '../../../core/tile.ts';
import type { Queryable } from '../../db.ts';
import { findFirst } from '../list.ts';
import { appendOnce, type SingleAppendOptions } from '../single-append.ts';
import { readEntries, readEntryRange, readNewestNote, readPolicyEntries } from '../store.ts';
import { readEdge } from '../tree.ts';
import { agreedTime } from './agreed-time.ts';
import { activeHolds, isHeld } from './hold.ts';
import {
  insertPruning,
  pruneTile,
  readDatabaseTime,
  readOldestAttempt,
  readPrunedPast,
  removeDocuments,
  type Hold,
} from './store.ts';
import { lastWitnessed, witnessedBefore, type Attestor } from './witnessed-time.ts';

export interface PruneOptions extends SingleAppendOptions {
  readonly retentionDays: number;
  /** Whose signatures with a time are believed. */
  readonly attestors: readonly Attestor[];
  /** The day that a person says it is; undefined where nobody does. */
  readonly told: Date | undefined;
  /** Who prunes, such as `local:root`. */
  readonly person: string;
}

export interface PrunePlan {
  /** Entries that are as old as this may go. */
  readonly cutoff: Date;
  /** Entries before this index are old enough; a multiple of 256. */
  readonly past: number;
  /** The same of the last time. */
  readonly before: number;
  readonly holds: readonly Hold[];
  /** The policy that was in force at `past`; its entry stays. */
  readonly policy: number | undefined;
}

export interface Pruned {
  readonly plan: PrunePlan;
  /** Entries that are gone, or would go. */
  readonly removed: number;
  /** Old entries that stay because of a hold. */
  readonly held: number;
}

const dayMs = 86_400_000;

/** Entries that others are read by: without them keys, holds and what was pruned could not be told any more. */
const lasting: ReadonlySet<AuditAction> = new Set<AuditAction>([
  'audit.key-rotated',
  'audit.keys-rewrapped',
  'audit.fingerprint-key-rotated',
  'audit.hold-added',
  'audit.hold-released',
  'audit.pruned',
  'audit.shred-requested',
  'audit.shredded',
]);

async function newestEntryTime(client: Queryable, size: number): Promise<Date | undefined> {
  const [last] = await readEntryRange(client, size - 1, size);
  const entry = last === undefined ? undefined : parseEntry(last.body);
  return entry === undefined ? undefined : new Date(entry.time);
}

/** What may go now. Rejects with `audit/clock` where the clocks do not agree. */
export async function planPruning(client: Queryable, options: PruneOptions): Promise<PrunePlan> {
  const { attestors, retentionDays, clock, told } = options;
  const note = await readNewestNote(client);
  const size = note === undefined ? 0 : (parseCheckpoint(note)?.size ?? 0);
  const now = agreedTime({
    own: clock.now(),
    database: await readDatabaseTime(client),
    newestEntry: await newestEntryTime(client, size),
    witnessed: await lastWitnessed(client, attestors, size),
    told,
  });
  const cutoff = new Date(now.getTime() - retentionDays * dayMs);
  const before = await readPrunedPast(client);
  const old = Math.min(
    await findFirst(client, size, cutoff),
    await witnessedBefore(client, attestors, cutoff, size),
    (await readOldestAttempt(client)) ?? size,
  );
  const past = Math.max(before, Math.floor(old / tileWidth) * tileWidth);
  const [policy] = await readPolicyEntries(client, past);
  return { cutoff, past, before, holds: await activeHolds(client), policy: policy?.index };
}

function mustStay(entry: AuditEntry, plan: PrunePlan): 'lasting' | 'held' | undefined {
  if (lasting.has(entry.action) || entry.index === plan.policy) return 'lasting';
  return plan.holds.some((hold) => isHeld(entry, hold)) ? 'held' : undefined;
}

/** The old entries that are there, tile by tile, and which of them stay. */
async function* oldTiles(client: Queryable, plan: PrunePlan) {
  for (let from = 0; ;) {
    const [first] = await readEntries(client, from, 1);
    if (first === undefined || first.index >= plan.past) return;
    const tile = Math.floor(first.index / tileWidth);
    from = (tile + 1) * tileWidth;
    const entries = await readEntryRange(client, tile * tileWidth, from);
    const kept: number[] = [];
    const documents: string[] = [];
    let held = 0;
    for (const { index, body } of entries) {
      const entry = parseEntry(body);
      if (entry === undefined)
        throw new GuardError('audit/inconsistent', `entry ${index} of the audit log was changed`);
      const why = mustStay(entry, plan);
      if (why !== undefined) kept.push(index);
      if (why === 'held') held += 1;
      const document = why === undefined ? documentOf(entry) : undefined;
      if (document !== undefined) documents.push(document.digest);
    }
    yield { tile, kept, held, documents, going: entries.length - kept.length };
  }
}

/** What `prune` would do now. */
export async function previewPruning(options: PruneOptions): Promise<Pruned> {
  const plan = await planPruning(options.database, options);
  let [removed, held] = [0, 0];
  for await (const tile of oldTiles(options.database, plan)) {
    removed += tile.going;
    held += tile.held;
  }
  return { plan, removed, held };
}

/**
 * Prunes what is old enough. What was recorded and not done, because something broke off, is done the next time. Rejects
 * with `audit/clock` where the clocks do not agree; nothing is gone then.
 */
export async function prune(options: PruneOptions): Promise<Pruned> {
  const { database, person, retentionDays } = options;
  const preview = await previewPruning(options);
  const { plan } = preview;
  if (preview.removed === 0) return preview;
  const { past, before, cutoff, holds } = plan;
  const root = rootOf(await readEdge(database, past));
  const event = {
    action: 'audit.pruned',
    request: randomBytes(8).toString('hex'),
    actor: null,
    repository: null,
    details: {
      past,
      before,
      root: Buffer.from(root).toString('base64'),
      entries: preview.removed,
      held: preview.held,
      holds: holds.map(({ id }) => id),
      cutoff: cutoff.toISOString(),
      retentionDays,
      by: person,
    },
  } as const;
  await appendOnce(options, event, (client, index) => insertPruning(client, past, index));
  let removed = 0;
  for await (const { tile, kept, documents, going } of oldTiles(database, plan)) {
    if (going === 0) continue;
    removed += await database.transaction(async (client) => {
      await removeDocuments(client, documents);
      return pruneTile(client, tile, kept);
    });
  }
  return { plan, removed, held: preview.held };
}
