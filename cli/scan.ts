// `forgeguard scan`: scans files, standard input, the index or what a range of commits adds, with the guard's own
// scanners. It prints findings, never values; exit code 0 means clean, 1 findings, 2 that something was not scanned.
import process from 'node:process';
import type { Command } from 'commander';
import { GuardError } from '../core/errors.ts';
import { environment } from '../server/config.ts';
import { createScanPool } from '../server/scanning/pool.ts';
import { localFingerprintKey } from './fingerprint-key.ts';
import { findRange, rangeItems, stagedItems } from '../workcopy/scan-changes.ts';
import { listFiles } from '../workcopy/scan-files.ts';
import type { ScanSource } from '../workcopy/scan-item.ts';
import { type Judge, judgeAll, judgeByPolicy } from './scan-judge.ts';
import { startProgress } from './scan-progress.ts';
import { type ScanFormat, scanFormats, writeReport } from './scan-report.ts';
import { runScan } from '../workcopy/scan-run.ts';
import { showPaths } from '../workcopy/shown-paths.ts';
import { openWorkingCopy, type WorkingCopy } from '../workcopy/working-copy.ts';

interface ScanFlags {
  readonly diff?: string;
  readonly staged?: true;
  readonly stdin?: true;
  readonly ignore: boolean;
  readonly format: ScanFormat;
  readonly policy?: string;
  readonly repository: string;
}

/** What to scan, and the state before it whose files are no part of it. */
interface Subject {
  readonly source: ScanSource;
  readonly before?: { readonly copy: WorkingCopy; readonly commit: string };
}

const exit = { clean: 0, findings: 1, failed: 2 } as const;

async function scan(paths: readonly string[], flags: ScanFlags): Promise<void> {
  const { source, before } = await chooseSubject(paths, flags);
  const judge: Judge =
    flags.policy === undefined ? judgeAll : await judgeByPolicy(flags.policy, flags.repository, before);
  const fingerprintKey = await localFingerprintKey();
  await using pool = await createScanPool({ fingerprintKey, threads: flags.stdin === true ? 1 : undefined });
  const progress = startProgress(source.count);
  const report = await runScan(source, pool, progress).finally(() => progress.stop());
  const judged = judge(report.findings);
  const told = { ...report, findings: judged.findings };
  writeReport(flags.format, before === undefined ? told : await showPaths(told, pool));
  if (report.problems.length > 0) process.exitCode = exit.failed;
  else process.exitCode = judged.refused ? exit.findings : exit.clean;
}

async function chooseSubject(paths: readonly string[], flags: ScanFlags): Promise<Subject> {
  const named = [paths.length > 0, flags.diff !== undefined, flags.staged === true, flags.stdin === true];
  if (named.filter(Boolean).length > 1)
    throw new GuardError(
      'input/invalid',
      'give either paths, --diff, --staged or --stdin, not several of them',
    );
  if (flags.diff !== undefined) {
    const copy = await needWorkingCopy();
    const range = await findRange(copy, flags.diff);
    return { source: { items: rangeItems(copy, range) }, before: { copy, commit: range.base } };
  }
  if (flags.staged === true) {
    const copy = await needWorkingCopy();
    return { source: { items: stagedItems(copy) }, before: { copy, commit: 'HEAD' } };
  }
  if (flags.stdin === true) return { source: { items: standardInput(), count: 1 } };
  return { source: await listFiles(paths.length > 0 ? paths : ['.'], flags.ignore) };
}

async function needWorkingCopy(): Promise<WorkingCopy> {
  const copy = await openWorkingCopy(process.cwd(), environment());
  if (copy !== undefined) return copy;
  throw new GuardError('input/invalid', 'the current directory is in no working copy of Git');
}

async function* standardInput(): ScanSource['items'] & AsyncGenerator {
  const target = { kind: 'file', path: '(standard input)' } as const;
  yield { kind: 'item', target, read: () => process.stdin };
}

/** Adds `scan` to the program. */
export function registerScan(program: Command): void {
  program
    .command('scan')
    .description('scan files, a change or standard input for protected health information and secrets')
    .argument('[path...]', 'files and directories; the current directory where nothing is named')
    .option('--diff <base..head>', 'scan what these commits add: lines, file names and messages')
    .option('--staged', 'scan what is staged for the next commit')
    .option('--stdin', 'scan standard input')
    .option('--no-ignore', 'scan files below a directory that Git ignores, too')
    .option(
      '--policy <file>',
      'exit with 1 only where this policy, or the `default` one, would refuse a push; honours its exceptions',
    )
    .option('--repository <name>', 'what the policy takes the repository for', 'local/scan')
    .addOption(program.createOption('--format <format>', 'output').choices(scanFormats).default('text'))
    .action(scan);
}
