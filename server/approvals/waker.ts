// Collects requests that were changed for a moment, so that a burst of changes asks the database once.
import { setTimeout as sleep } from 'node:timers/promises';

const gatherMs = 10;

/**
 * Returns a function that takes the id of a request and returns at once; `wake` is called soon with all that came. What
 * `wake` fails at is left to the reconciler.
 */
export function createWaker(wake: (ids: readonly string[]) => Promise<void>): (id: string) => void {
  let gathered = new Set<string>();
  let running: Promise<void> | undefined;

  async function run(): Promise<void> {
    while (gathered.size > 0) {
      await sleep(gatherMs);
      const ids = [...gathered];
      gathered = new Set();
      await wake(ids).catch(() => undefined);
    }
    running = undefined;
  }

  return (id) => {
    gathered.add(id);
    running ??= run();
  };
}
