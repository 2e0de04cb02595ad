// Sessions and attempts, derived from the audit log in the background and answered from the database.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Actor, ActivityService, Attempt, Coverage, Session } from '../../core/activity/service.ts';
import { longestSessionMs, sessionIdleMs, sessionState } from '../../core/activity/session.ts';
import type { AuditFeed, Clock } from '../../core/services.ts';
import type { Database } from '../db.ts';
import { listBypasses } from './bypass-store.ts';
import type { AttemptRow, SessionRow } from './fold.ts';
import { createProjector } from './projector.ts';
import * as store from './query-store.ts';
import { readCursor } from './store.ts';

export interface ActivityOptions {
  readonly database: Database;
  readonly feed: AuditFeed;
  readonly clock: Clock;
  readonly onProblem: (problem: string, error: unknown) => void;
}

export interface Activity extends AsyncDisposable {
  readonly service: ActivityService;
  /** Begins to read the log. */
  start(): void;
  /** Makes everything again from the first entry of the log and returns how many there were; what is answered meanwhile says how much is read. */
  rebuild(): Promise<number>;
}

const lookEveryMs = 1_000;
/** The same problem is told to the operator once in this time. */
const problemMs = 60_000;
/** How long a question waits for the newest entries. */
const patienceMs = 2_000;
const mostRepositories = 500;
const mostTraits = 200;
const mostEntries = 20_000;

/** Opens the part. */
export function createActivity({ database, feed, clock, onProblem }: ActivityOptions): Activity {
  const projector = createProjector(database, feed);
  const stopping = new AbortController();
  let running: Promise<void> | undefined;
  let stepping: Promise<boolean> | undefined;

  /** One step at a time in this process: who comes meanwhile shares it. */
  function step(): Promise<boolean> {
    stepping ??= projector.step().finally(() => (stepping = undefined));
    return stepping;
  }

  async function work(): Promise<void> {
    let complained = -Infinity;
    const { signal } = stopping;
    while (!signal.aborted) {
      try {
        while (await step()) signal.throwIfAborted();
      } catch (thrown) {
        if (!signal.aborted && performance.now() - complained > problemMs) {
          complained = performance.now();
          onProblem('the audit log could not be read for sessions; it is tried again', thrown);
        }
      }
      await sleep(lookEveryMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async function catchUp(signal?: AbortSignal): Promise<Coverage> {
    const wanted = await feed.size();
    const until = performance.now() + patienceMs;
    let entries = await readCursor(database);
    while (entries < wanted && performance.now() < until) {
      signal?.throwIfAborted();
      await step();
      entries = await readCursor(database);
    }
    return { entries, behind: Math.max(0, wanted - entries) };
  }

  const shown = (row: SessionRow): Session => sessionOf(row, clock.now());

  async function actorsWith(rows: Awaited<ReturnType<typeof store.listActors>>): Promise<readonly Actor[]> {
    const names = rows.map(({ actor }) => actor);
    const [repositories, traits] = await Promise.all([
      store.listActorRepositories(database, names, mostRepositories),
      store.listTraits(database, names, mostTraits),
    ]);
    return rows.map((row) => ({
      ...row,
      repositories: repositories.filter(({ actor }) => actor === row.actor),
      traits: traits.filter(({ actor }) => actor === row.actor),
    }));
  }

  const service: ActivityService = {
    catchUp,
    sessions: async ({
      state,
      actor = null,
      person = null,
      repository = null,
      from = null,
      to = null,
      ...rest
    }) => {
      const now = clock.now().getTime();
      const byTime = state === 'active' || state === 'ended';
      const rows = await store.listSessions(database, {
        actor,
        person,
        repository,
        from,
        to,
        waiting: state === undefined ? null : state === 'waiting',
        activeSince: byTime ? new Date(now - sessionIdleMs) : null,
        startedSince: byTime ? new Date(now - longestSessionMs) : null,
        inverted: state === 'ended',
        before: rest.before ?? null,
        limit: rest.limit,
      });
      return rows.map(shown);
    },
    session: async (id) => {
      const row = await store.readSession(database, id);
      return row === undefined ? undefined : shown(row);
    },
    attempts: async (session, after, limit) =>
      (await store.listAttempts(database, session, after, limit)).map(attemptOf),
    bypasses: (filter) => listBypasses(database, filter),
    entriesOf: (requests) => store.listEntriesOfRequests(database, requests, mostEntries),
    actors: async (after, limit) => actorsWith(await store.listActors(database, { after, limit })),
    actor: async (id) => (await actorsWith(await store.listActors(database, { actor: id })))[0],
    attemptsOf: async (actor, { from, to }, after, limit) =>
      (await store.listAttemptsOf(database, actor, from, to, after, limit)).map(attemptOf),
    approvalEntriesOf: (actor, { from, to }, after, limit) =>
      store.listApprovalEntries(database, actor, from, to, after, limit),
    hoursOf: (actor, { from, to }) => store.countHours(database, actor, from, to),
    daysOf: (actor, { from, to }) => store.countDays(database, actor, from, to),
    fetchCountOf: (actor, { from, to }) => store.countFetches(database, actor, from, to),
    sessionCountOf: (actor, { from, to }) => store.countSessions(database, actor, from, to),
  };

  return {
    service,
    start: () => {
      running ??= work();
    },
    rebuild: async () => {
      await projector.restart();
      while (await step());
      return readCursor(database);
    },
    [Symbol.asyncDispose]: async () => {
      stopping.abort();
      await running;
      await stepping?.catch(() => undefined);
    },
  };
}

function sessionOf({ key: _key, ...row }: SessionRow, now: Date): Session {
  return { ...row, state: sessionState(row, now) };
}

function attemptOf({ actor: _actor, ...row }: AttemptRow): Attempt {
  return row;
}
