// The program of a scanning thread, for bundles in which it is part of one file.

/** Turns this thread into one that a scan pool has started. */
export async function runScanThread(): Promise<void> {
  await import('../server/scanning/worker.ts');
}
