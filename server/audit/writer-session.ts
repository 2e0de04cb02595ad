// One guard's connection for writing the log, and its turn at it. Guards on one database take turns: whoever holds the
// lock writes batch after batch until another guard asks, then hands the lock to the first in line.
//
// Fencing: batches run on the connection that holds the lock. A connection that is gone has lost the lock, and the next
// writer gets it only after the server has ended the old one, when the old batch is either committed or void. Should a
// lock ever fail, the primary keys of entries and checkpoints let only one of two batches for the same place in.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Database, DatabaseSession } from '../db.ts';
import { requireDurableCommits } from './store.ts';
import {
  askForTurn,
  evictWriter,
  listenForTurns,
  releaseWriterLock,
  showPresence,
  tryWriterLock,
  waitForWriterLock,
} from './writer-lock.ts';

/** The asking is repeated at this interval, in ms, should the holder have taken the lock back at the same moment. */
const askAgainMs = 50;

export interface WriterSession {
  readonly session: DatabaseSession;
  readonly isOpen: boolean;
  /** True from the end of `takeTurn` to `giveTurn`. */
  readonly hasTurn: boolean;
  /** True where another guard is in line. */
  readonly isWanted: boolean;
  /** Waits for the turn. Rejects with `database/unavailable` after the deadline; the session is of no use then. */
  takeTurn(): Promise<void>;
  /** Hands the turn on, behind what was sent before. */
  giveTurn(): void;
  /** Calls `listener` each time another guard asks for the turn that this one has. */
  onWanted(listener: () => void): void;
  destroy(): void;
}

export interface WriterSessionOptions {
  readonly database: Database;
  /** Longest wait for a statement or the turn, in ms. */
  readonly deadlineMs: number;
  /** A guard that holds up the others for so many ms is thrown out. */
  readonly evictAfterMs: number;
  /** Number under which the guard shows that it runs; 0 for programs that open no attempts. */
  readonly writer: number;
}

/** Connects; the turn is not taken yet. */
export async function openWriterSession(options: WriterSessionOptions): Promise<WriterSession> {
  const { database, deadlineMs } = options;
  const session = await database.session({ statementTimeoutMs: deadlineMs, queryTimeoutMs: deadlineMs });
  try {
    await requireDurableCommits(session);
    await listenForTurns(session);
    if (options.writer > 0) await showPresence(session, options.writer);
    return asWriterSession(session, options);
  } catch (error) {
    session.destroy();
    throw error;
  }
}

function asWriterSession(session: DatabaseSession, options: WriterSessionOptions): WriterSession {
  const name = randomUUID();
  let isOpen = true;
  let hasTurn = false;
  let isWanted = false;
  const listeners: (() => void)[] = [];
  session.onClosed(() => {
    isOpen = false;
    hasTurn = false;
  });
  session.onNotification((asker) => {
    if (asker === name || !hasTurn) return;
    isWanted = true;
    for (const listener of listeners) listener();
  });

  /** Until the turn has come, the holder is asked for it, and thrown out where it does not answer. */
  async function ask(until: AbortSignal): Promise<void> {
    const started = performance.now();
    let evicts = true;
    while (!until.aborted) {
      await askForTurn(options.database, name);
      await sleep(askAgainMs, undefined, { signal: until });
      if (!evicts || performance.now() - started < options.evictAfterMs) continue;
      evicts = false;
      await evictWriter(options.database);
    }
  }

  return {
    session,
    get isOpen() {
      return isOpen;
    },
    get hasTurn() {
      return hasTurn;
    },
    get isWanted() {
      return isWanted;
    },
    takeTurn: async () => {
      if (!(await tryWriterLock(session))) {
        const granted = new AbortController();
        // In line first, then asked for: so it is there when the holder lets go.
        const waiting = waitForWriterLock(session).finally(() => granted.abort());
        // Without an answer to the asking the wait itself ends at its deadline.
        ask(granted.signal).catch(() => undefined);
        await waiting;
      }
      hasTurn = isOpen;
      isWanted = false;
    },
    giveTurn: () => {
      hasTurn = false;
      isWanted = false;
      releaseWriterLock(session).catch(() => session.destroy());
    },
    onWanted: (listener) => void listeners.push(listener),
    destroy: () => {
      hasTurn = false;
      session.destroy();
    },
  };
}
