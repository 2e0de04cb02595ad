// When a program that serves is to stop.
import process from 'node:process';

/** Fulfils at the first SIGINT or SIGTERM; the second ends the process at once. */
export function stopSignal(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    let seen = false;
    process.on(signal, () => {
      if (seen) process.exit(130);
      seen = true;
      resolve();
    });
  }
  return promise;
}
