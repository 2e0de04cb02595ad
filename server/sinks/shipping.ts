// Sends the log to one receiver, in order and at least once, as long as this guard holds the sink. The cursor moves only
// after the receiver has taken a batch; whoever takes the sink over begins there. What fails is tried again, later each
// time, and never given up.
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AuditAction, Json } from '../../core/audit-event.ts';
import type { AuditStream } from '../../core/audit-stream.ts';
import { GuardError } from '../../core/errors.ts';
import type { AuditLog } from '../../core/services.ts';
import type { SinkSettings } from '../config.ts';
import type { Database } from '../db.ts';
import { beginScan, makeBatch, type Scan, scanOn } from './batch.ts';
import { deliverApart, type Outcome, type Refused } from './deliver-apart.ts';
import { problemOf, type Sink } from './sink.ts';
import {
  claimSink,
  ensureSink,
  failSink,
  insertRefusal,
  markRecorded,
  moveSink,
  planBatch,
  releaseSink,
  type SinkClaim,
  type SinkHolder,
} from './store.ts';

export interface ShippingOptions {
  readonly settings: SinkSettings;
  readonly sink: Sink;
  readonly stream: AuditStream;
  readonly database: Database;
  readonly holder: SinkHolder;
  readonly append: AuditLog['append'];
  readonly onProblem: (problem: string, error: unknown) => void;
  readonly pace?: Partial<Pace>;
}

/** Milliseconds. */
export interface Pace {
  /** Between two looks at a log that has nothing new. */
  readonly pollMs: number;
  /** For how long a sink is held without a sign of life. */
  readonly holdMs: number;
  /** For one delivery. */
  readonly deliverMs: number;
  /** The first wait after a failure, and the longest. */
  readonly firstWaitMs: number;
  readonly longestWaitMs: number;
  /** For what is left to send when the guard stops. */
  readonly lastMs: number;
  /** Between two looks at how the sinks stand. */
  readonly lookMs: number;
}

/** What is in force where nothing else is said. */
export const usualPace: Pace = {
  pollMs: 500,
  holdMs: 60_000,
  deliverMs: 25_000,
  firstWaitMs: 1_000,
  longestWaitMs: 60_000,
  lastMs: 3_000,
  lookMs: 2_000,
};

export type ShippingState = 'starting' | 'shipping' | 'failing' | 'elsewhere';

export interface Shipping extends AsyncDisposable {
  readonly name: string;
  /** What this guard does for the sink. */
  state(): ShippingState;
}

/** After so many failures in a row the log tells of it: a single one may be a connection that was closed. */
const failuresToRecord = 2;
const mostNamed = 50;

/** What a guard that holds the sink remembers; another guard that takes it over begins without. */
interface Hold {
  readonly claim: SinkClaim;
  readonly until: number;
  readonly scan: Scan;
  /** Size of the last checkpoint that was sent, and when. */
  readonly checkpoint: number;
  readonly checkpointAt: number;
}

/** Starts; dispose of it before the log. */
export function startShipping(options: ShippingOptions): Shipping {
  const { settings, sink, stream, database, holder, append } = options;
  const { name } = settings;
  const pace = { ...usualPace, ...options.pace };
  const stopping = new AbortController();
  const ended = new AbortController();
  let state: ShippingState = 'starting';
  let hold: Hold | undefined;
  let failures = 0;

  const isWanted = (action: string): boolean =>
    settings.filter.length === 0 || settings.filter.some((prefix) => action.startsWith(prefix));

  function record(action: AuditAction, details: Readonly<Record<string, Json>>): Promise<unknown> {
    const request = randomBytes(8).toString('hex');
    return append({ action, request, actor: null, repository: null, details: { sink: name, ...details } });
  }

  /** Takes the sink or keeps it; asks the database only where the time runs out. */
  async function take(): Promise<Hold | undefined> {
    if (hold !== undefined && hold.until - performance.now() > pace.holdMs / 2) return hold;
    const claim = await claimSink(database, name, holder, pace.holdMs);
    if (claim === undefined) return (hold = undefined);
    const until = performance.now() + pace.holdMs;
    hold =
      hold?.claim.fence === claim.fence
        ? { ...hold, claim, until }
        : { claim, until, scan: beginScan(claim.next), checkpoint: 0, checkpointAt: -Infinity };
    return hold;
  }

  /** The next batch where one is due. */
  async function plan(held: Hold) {
    const { maxEntries, maxBytes, lingerMs, checkpointMs, keepsBatches } = settings.pace;
    // A batch that may be there already must be the same when it is sent again.
    const past = keepsBatches ? (held.claim.planned ?? undefined) : undefined;
    const bounds = { maxEntries, maxBytes, isWanted, ...(past === undefined ? {} : { past }) };
    const scan = await scanOn(stream, held.scan, bounds);
    const oldest = scan.segments.find((segment) => segment.kind === 'entry');
    const waited = oldest?.kind === 'entry' ? Date.now() - Date.parse(oldest.entry.time) : 0;
    const isRipe = past !== undefined || scan.isFull || (scan.entries > 0 && waited >= lingerMs);
    const isDue = performance.now() - held.checkpointAt >= checkpointMs;
    hold = { ...held, scan };
    if (!isRipe && !(isDue && !keepsBatches)) return undefined;
    const after = keepsBatches ? scan.first : isDue ? held.checkpoint : Infinity;
    const batch = await makeBatch(stream, scan, after);
    return batch.items.length === 0 || (!isRipe && batch.checkpoint === undefined) ? undefined : batch;
  }

  async function setApart(refused: readonly Refused[]): Promise<void> {
    const fresh: number[] = [];
    let isNews = false;
    for (const { item, problem } of refused) {
      if (item.kind !== 'entry' || !(await insertRefusal(database, name, item.seq, problem))) continue;
      fresh.push(item.seq);
      // An entry that tells of a refusal and is refused itself is kept, and not told again.
      isNews ||= item.entry.action !== 'audit.sink-refused';
    }
    if (!isNews) return;
    const problem = refused[0]?.problem ?? '';
    await record('audit.sink-refused', { entries: fresh.slice(0, mostNamed), count: fresh.length, problem });
  }

  /** One batch; `idle` where there was nothing to do. */
  async function round(): Promise<Outcome | { readonly kind: 'idle' }> {
    const held = await take();
    if (held === undefined) {
      state = 'elsewhere';
      return { kind: 'idle' };
    }
    const deadline = AbortSignal.any([ended.signal, AbortSignal.timeout(pace.deliverMs)]);
    const connected = await sink.connect(deadline);
    if (connected.kind !== 'taken') return { kind: 'later', problem: connected.problem };
    if (connected.fresh === true) {
      const { next, began } = held.claim;
      hold = { ...held, scan: beginScan(Math.max(began, next - settings.pace.resend)) };
    }
    const batch = await plan(hold ?? held);
    if (batch === undefined) return { kind: 'idle' };
    const { fence } = held.claim;
    if (settings.pace.keepsBatches && !(await planBatch(database, name, fence, batch.past))) {
      hold = undefined;
      return { kind: 'idle' };
    }
    const outcome = await deliverApart(sink, batch, deadline);
    if (outcome.kind !== 'taken') return outcome;
    await setApart(outcome.refused);
    await move(batch.past, batch.checkpoint);
    return outcome;
  }

  async function move(past: number, checkpoint: number | undefined): Promise<void> {
    if (hold === undefined) return;
    const { claim } = hold;
    const moved = await moveSink(database, name, claim.fence, past, pace.holdMs);
    if (moved === undefined) {
      hold = undefined;
      return;
    }
    hold = {
      claim: { ...claim, next: Math.max(claim.next, past), planned: null },
      until: performance.now() + pace.holdMs,
      scan: beginScan(past),
      checkpoint: checkpoint ?? hold.checkpoint,
      checkpointAt: checkpoint === undefined ? hold.checkpointAt : performance.now(),
    };
    failures = 0;
    if (moved.failingSince === null) return;
    await record('audit.sink-resumed', { since: moved.failingSince.toISOString() });
    await markRecorded(database, name, claim.fence, false);
  }

  async function fail(problem: string): Promise<void> {
    failures += 1;
    if (hold === undefined) return;
    // Sent again from the cursor on, and as another guard would send it.
    const { fence } = hold.claim;
    hold = undefined;
    const failed = await failSink(database, name, fence, problem);
    if (failed === undefined || failed.recorded || failed.failures < failuresToRecord) return;
    const behind = (await stream.size()) - failed.next;
    await record('audit.sink-failed', { problem, behind });
    await markRecorded(database, name, fence, true);
    options.onProblem(
      `the audit log could not be sent to ${name} (${problem}); it is tried again`,
      undefined,
    );
  }

  function waitAfter(waitMs: number | undefined): number {
    const longest = Math.min(pace.longestWaitMs, pace.firstWaitMs * 2 ** Math.min(failures - 1, 16));
    // Half of it by chance, so that guards and sinks do not knock together.
    return Math.max(waitMs ?? 0, longest / 2 + (longest / 2) * Math.random());
  }

  /** Milliseconds until the next round. */
  async function turn(): Promise<number> {
    try {
      const outcome = await round();
      if (outcome.kind === 'taken') {
        state = 'shipping';
        return 0;
      }
      if (outcome.kind === 'idle') {
        if (hold !== undefined) state = 'shipping';
        return pace.pollMs;
      }
      state = 'failing';
      await fail(outcome.problem);
      return waitAfter(outcome.waitMs);
    } catch (thrown) {
      state = 'failing';
      const problem = thrown instanceof GuardError ? thrown.code : problemOf(thrown);
      // The database or the log itself may be what is gone.
      await fail(problem).catch(() => undefined);
      return waitAfter(undefined);
    }
  }

  async function work(): Promise<void> {
    const { signal } = stopping;
    let isKnown = false;
    while (!signal.aborted) {
      if (!isKnown) {
        isKnown = await begin().then(
          () => true,
          () => false,
        );
      }
      const ms = isKnown ? await turn() : pace.firstWaitMs;
      if (ms > 0) await sleep(ms, undefined, { signal }).catch(() => undefined);
    }
    // What stands at the end, such as that the guard stops, goes along where the receiver is there.
    const end = performance.now() + pace.lastMs;
    while (state === 'shipping' && performance.now() < end && (await turn()) === 0);
    await releaseSink(database, name, holder.name).catch(() => undefined);
  }

  async function begin(): Promise<void> {
    await ensureSink(database, name, settings.from === 'now' ? await stream.size() : 0);
  }

  const running = work();
  return {
    name,
    state: () => state,
    [Symbol.asyncDispose]: async () => {
      stopping.abort();
      const late = setTimeout(() => ended.abort(), pace.lastMs);
      await running;
      clearTimeout(late);
      await sink[Symbol.asyncDispose]();
    },
  };
}
