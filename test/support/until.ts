// Waits for something to become true, with an end.
import { setTimeout as sleep } from 'node:timers/promises';

/** Asks every 25 ms; rejects after `ms` and says what did not come. */
export async function until(
  what: string,
  isTrue: () => boolean | Promise<boolean>,
  ms = 30_000,
): Promise<void> {
  const end = performance.now() + ms;
  while (!(await isTrue())) {
    if (performance.now() > end) throw new Error(`it did not come within ${ms} ms: ${what}`);
    await sleep(25);
  }
}
