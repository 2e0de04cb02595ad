// One scan from source to report: threads that live as long as it does, names masked where they hold a value.
import { createScanPool } from '../server/scanning/pool.ts';
import type { ScanSource } from './scan-item.ts';
import { runScan, type ScanObserver, type ScanReport } from './scan-run.ts';
import { findShownPaths } from './shown-paths.ts';

export interface SessionOptions {
  readonly fingerprintKey: Uint8Array;
  /** Scanning threads; by default one for each core. */
  readonly threads?: number | undefined;
  /** The program that a scanning thread runs, where it is another file than the server's. */
  readonly workerFile?: URL | undefined;
}

const silent: ScanObserver = { advance: () => undefined };

export interface Session {
  /** Its paths are as they are, for judging; they may hold values. */
  readonly report: ScanReport;
  /** How a path of the report may be shown. */
  readonly shown: (path: string) => string;
}

/** Scans the source. Rejects only where the source itself fails. */
export async function scanOnce(source: ScanSource, options: SessionOptions): Promise<Session> {
  await using pool = await createScanPool(options);
  const report = await runScan(source, pool, silent);
  return { report, shown: await findShownPaths(report, pool) };
}
