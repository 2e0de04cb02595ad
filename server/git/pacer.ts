// Gives the event loop its turn during long synchronous work.
import { setImmediate } from 'node:timers/promises';

const slice = 4;

/** Returns a function to await now and then: it yields to the event loop once 4 ms have passed since the last yield. */
export function createPacer(): () => Promise<void> {
  let since = performance.now();
  let calls = 0;
  return async () => {
    calls += 1;
    if (calls % 64 !== 0 || performance.now() - since < slice) return;
    await setImmediate();
    since = performance.now();
  };
}
