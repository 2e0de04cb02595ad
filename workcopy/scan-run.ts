// Runs the items of a source through the scan pool, a bounded number at a time, and gathers what they come to in order.
// One item that cannot be read or scanned is named and does not keep the others from being scanned.
import { GuardError } from '../core/errors.ts';
import type { Finding } from '../scanners/finding.ts';
import type { ScanPool } from '../server/scanning/pool.ts';
import { problemOf, type ScanItem, type ScanProblem, type ScanSource } from './scan-item.ts';

/** What a scan of the command line came to. */
export interface ScanReport {
  readonly files: number;
  /** Bytes of the files as stored. */
  readonly bytes: number;
  readonly findings: readonly Finding[];
  /** What could not be scanned, in the order of the source. */
  readonly problems: readonly ScanProblem[];
}

/** Told after each item. */
export interface ScanObserver {
  advance(bytes: number, findings: number): void;
}

/** Items that are read ahead of the scanners. */
const ahead = 32;
const nothing: ScanReport = { files: 0, bytes: 0, findings: [], problems: [] };

/** Scans everything that the source yields. Rejects only where the source itself fails. */
export async function runScan(
  source: ScanSource,
  pool: ScanPool,
  observer: ScanObserver,
): Promise<ScanReport> {
  const signal = new AbortController().signal;
  const running: Promise<ScanReport>[] = [];
  const parts: ScanReport[] = [];
  try {
    for await (const item of source.items) {
      running.push(item.kind === 'item' ? scanItem(item, pool, signal, observer) : told(item));
      if (running.length >= ahead) parts.push(...(await Promise.all(running.splice(0, ahead / 2))));
    }
  } finally {
    parts.push(...(await Promise.all(running)));
  }
  return {
    files: parts.reduce((sum, part) => sum + part.files, 0),
    bytes: parts.reduce((sum, part) => sum + part.bytes, 0),
    findings: parts.flatMap((part) => part.findings),
    problems: parts.flatMap((part) => part.problems),
  };
}

async function told(problem: ScanProblem): Promise<ScanReport> {
  return { ...nothing, problems: [problem] };
}

async function scanItem(
  item: ScanItem,
  pool: ScanPool,
  signal: AbortSignal,
  observer: ScanObserver,
): Promise<ScanReport> {
  const { target } = item;
  try {
    const result = await pool.scanStream(target, item.read(), signal);
    const fresh = await notBefore(item, result.findings, pool, signal);
    const findings = item.judge === undefined ? fresh : item.judge(fresh);
    observer.advance(result.bytes, findings.length);
    const isFile = target.kind === 'file';
    return { ...nothing, files: isFile ? 1 : 0, bytes: isFile ? result.bytes : 0, findings };
  } catch (error) {
    observer.advance(0, 0);
    // Our own errors are written without values; those of the system are told by their code.
    if (error instanceof GuardError)
      return told({ kind: 'problem', path: target.path, reason: error.message });
    return told(problemOf(target.path, error));
  }
}

async function notBefore(
  item: ScanItem,
  findings: readonly Finding[],
  pool: ScanPool,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  if (item.before === undefined || findings.length === 0) return findings;
  const known = new Set<string>();
  for (const read of item.before)
    for (const finding of (await pool.scanStream(item.target, read(), signal)).findings)
      known.add(`${finding.rule} ${finding.fingerprint}`);
  return findings.filter(({ rule, fingerprint }) => !known.has(`${rule} ${fingerprint}`));
}
