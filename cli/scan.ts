// `forgeguard scan`: scans files, standard input, the index or what a range of commits adds, with the guard's own
// scanners. It prints findings, never values; exit code 0 means clean, 1 findings, 2 that it could not scan.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import process from 'node:process';
import type { Command } from 'commander';
import { compilePolicy, decide } from '../core/decide.ts';
import { GuardError } from '../core/errors.ts';
import type { Operation } from '../core/operation.ts';
import type { Policy } from '../core/policy.ts';
import type { Finding } from '../scanners/finding.ts';
import { readPrivateFile } from '../server/audit/private-file.ts';
import { environment, loadConfig } from '../server/config.ts';
import { readPolicyFile } from '../server/policy-file.ts';
import { createScanPool, type ScanPool } from '../server/scanning/pool.ts';
import { type ScanFormat, scanFormats, type ScanReport, writeReport } from './scan-report.ts';
import { diffSource, fileSource, inputSource, type ScanItem, stagedSource } from './scan-source.ts';

interface ScanFlags {
  readonly diff?: string;
  readonly staged?: true;
  readonly stdin?: true;
  readonly format: ScanFormat;
  readonly policy?: string;
}

/** Items that are read ahead of the scanners. */
const AHEAD = 32;

/** Scans what the arguments name and returns the exit code. Rejects with a `GuardError` where it cannot scan. */
export async function scanCommand(paths: readonly string[], flags: ScanFlags): Promise<0 | 1> {
  const policy = flags.policy === undefined ? undefined : await readPolicyFile(flags.policy);
  const source = chooseSource(paths, flags);
  const fingerprintKey = await findFingerprintKey();
  await using pool = await createScanPool({ fingerprintKey, threads: flags.stdin === true ? 1 : undefined });
  const report = await scanItems(source, pool);
  const judged =
    policy === undefined ? { report, refused: report.findings.length > 0 } : judge(report, policy);
  writeReport(flags.format, judged.report);
  return judged.refused ? 1 : 0;
}

/**
 * The key of the guard that runs here, so that fingerprints equal those in its log and policy. Without a guard it is
 * drawn anew: a key that everybody knows would let everybody search for the number behind a fingerprint.
 */
async function findFingerprintKey(): Promise<Uint8Array> {
  const config = await loadConfig({ file: undefined, env: environment() }).catch(() => undefined);
  const kept =
    config === undefined
      ? undefined
      : await readPrivateFile(join(config.dataDir, 'fingerprint-key')).catch(() => undefined);
  return kept === undefined ? randomBytes(32) : Buffer.from(kept.text.trim(), 'hex');
}

function chooseSource(paths: readonly string[], flags: ScanFlags): AsyncIterable<ScanItem> {
  const named = [paths.length > 0, flags.diff !== undefined, flags.staged === true, flags.stdin === true];
  if (named.filter(Boolean).length > 1)
    throw new GuardError(
      'input/invalid',
      'give either paths, --diff, --staged or --stdin, not several of them',
    );
  if (flags.diff !== undefined) return diffSource(flags.diff);
  if (flags.staged === true) return stagedSource();
  return flags.stdin === true ? inputSource() : fileSource(paths.length > 0 ? paths : ['.']);
}

async function scanItems(source: AsyncIterable<ScanItem>, pool: ScanPool): Promise<ScanReport> {
  const signal = new AbortController().signal;
  const running: Promise<ScanReport>[] = [];
  const parts: ScanReport[] = [];
  for await (const item of source) {
    running.push(scanItem(item, pool, signal));
    if (running.length >= AHEAD) parts.push(...(await Promise.all(running.splice(0, AHEAD / 2))));
  }
  parts.push(...(await Promise.all(running)));
  return {
    files: parts.reduce((sum, part) => sum + part.files, 0),
    bytes: parts.reduce((sum, part) => sum + part.bytes, 0),
    findings: parts.flatMap((part) => part.findings),
  };
}

async function scanItem(item: ScanItem, pool: ScanPool, signal: AbortSignal): Promise<ScanReport> {
  const { bytes, findings } = await pool.scanStream(item.target, item.read(), signal);
  return {
    files: item.target.kind === 'file' ? 1 : 0,
    bytes: item.target.kind === 'file' ? bytes : 0,
    findings: item.concerns === undefined ? findings : findings.filter(item.concerns),
  };
}

/** Asks the policy about a push with these findings: excused ones are left out, and it says whether to refuse. */
function judge(
  report: ScanReport,
  policy: Policy,
): { readonly report: ScanReport; readonly refused: boolean } {
  const verdict = decide(compilePolicy(policy), localPush(report.findings), new Date());
  const excused = new Set(verdict.excused.map(({ finding }) => finding));
  const findings = report.findings.filter((_, at) => !excused.has(at));
  const refused = verdict.reasons.some(
    ({ action, findings: about }) => about.length > 0 && (action === 'deny' || action === 'hold'),
  );
  return { report: { ...report, findings }, refused };
}

function localPush(findings: readonly Finding[]): Operation {
  return {
    kind: 'push',
    actor: {
      kind: 'human',
      id: 'human:local',
      issuer: 'local',
      subject: 'local',
      groups: [],
      onBehalfOf: [],
      session: 'scan',
      proof: 'guard-token',
    },
    repository: 'local/scan',
    refUpdates: [],
    paths: [],
    size: { bytes: 0, objects: 0, commits: 0 },
    foreignAuthors: [],
    findings,
  };
}

/** Adds `scan` to the program. */
export function registerScan(program: Command): void {
  program
    .command('scan')
    .description('scan files, a diff or standard input for protected health information and secrets')
    .argument('[path...]', 'files and directories; the current directory where nothing is named')
    .option('--diff <base..head>', 'scan what these commits add, and their messages')
    .option('--staged', 'scan what is staged for the next commit')
    .option('--stdin', 'scan standard input')
    .option(
      '--policy <file>',
      'exit with 1 only where this policy would refuse a push, and honour its exceptions',
    )
    .addOption(program.createOption('--format <format>', 'output').choices(scanFormats).default('text'))
    .action(async (paths: readonly string[], flags: ScanFlags) => {
      process.exitCode = await scanCommand(paths, flags);
    });
}
