// Waits for requests to end: woken by this process's own changes, and by a look at the database for those of others.
import { setTimeout as sleep } from 'node:timers/promises';

/** Looks at requests and calls `woken` for those that should be looked at again. */
export interface Watch {
  /** Fulfils at the next change of the request that anybody notices. Rejects with the signal's reason. */
  next(id: string, signal: AbortSignal): Promise<void>;
  /** Tells those who wait for this request to look again. */
  wake(id: string): void;
}

/** A change by another guard is noticed after this many ms. */
const lookEveryMs = 1_000;

/**
 * `findEnded` says which of the requests have ended or run out; it is asked once for all who wait. Where it fails they
 * go on waiting.
 */
export function createWatch(findEnded: (ids: readonly string[]) => Promise<readonly string[]>): Watch {
  const waiting = new Map<string, Set<() => void>>();
  let looking: Promise<void> | undefined;

  const wake = (id: string): void => {
    const wakers = waiting.get(id);
    waiting.delete(id);
    for (const waker of wakers ?? []) waker();
  };

  async function look(): Promise<void> {
    while (waiting.size > 0) {
      await sleep(lookEveryMs);
      const ended = await findEnded([...waiting.keys()]).catch(() => []);
      for (const id of ended) wake(id);
    }
  }

  function watchAll(): void {
    looking ??= look().finally(() => {
      looking = undefined;
      if (waiting.size > 0) watchAll();
    });
  }

  async function next(id: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const wakers = waiting.get(id) ?? new Set();
    const giveUp = (): void => {
      wakers.delete(resolve);
      if (wakers.size === 0 && waiting.get(id) === wakers) waiting.delete(id);
      reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
    };
    wakers.add(resolve);
    waiting.set(id, wakers);
    watchAll();
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      await promise;
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  return { next, wake };
}
