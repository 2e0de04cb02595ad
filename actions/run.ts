// One run of the Action: event in, findings told, exit code out. What it scans is data and is never run; what decides
// about it (policy, baseline) is read from the state before the change.
import { createHash, randomBytes } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { GuardError } from '../core/errors.ts';
import type { ScanTarget } from '../scanners/target.ts';
import { reportAsJson, reportAsSarif } from '../workcopy/report-document.ts';
import type { ScanItem, ScanProblem, ScanSource } from '../workcopy/scan-item.ts';
import type { ScanReport } from '../workcopy/scan-run.ts';
import { scanOnce } from '../workcopy/scan-session.ts';
import type { WorkingCopy } from '../workcopy/working-copy.ts';
import { annotate, type Places } from './annotations.ts';
import { changedPaths, openCheckout } from './checkout.ts';
import type { Environment } from './environment.ts';
import { type Asked, readEvent } from './event.ts';
import { type GuardLink, hasIdentity, linkToGuard } from './guard-link.ts';
import { reportDocument } from './report-document.ts';
import { readInputs, type Inputs } from './inputs.ts';
import { findBaseline, findPolicy, judge, type Judgement } from './judgement.ts';
import { writeOutputs, writeReportFile, writeSummary } from './runner-files.ts';
import { findSubject, type Subject } from './subject.ts';
import { summarize } from './summary.ts';
import { commandLine, plainLine } from './workflow-command.ts';

export interface Runner {
  readonly env: Environment;
  /** Writes to the log of the step. */
  readonly write: (text: string) => void;
  /** The program that scanning threads run; undefined for the one beside the scanners' source. */
  readonly workerFile: URL | undefined;
  readonly now: () => Date;
}

export const exitCodes = { passed: 0, failed: 1, incomplete: 2 } as const;

/** The forge sends no larger payloads than 25 MB. */
const largestPayload = 32 * 1024 * 1024;

/** Scans what the event asks for and tells what was found. Rejects with `GuardError` where that is not possible. */
export async function runAction(runner: Runner): Promise<number> {
  const { env, write } = runner;
  const inputs = readInputs(env);
  const workspace = env['GITHUB_WORKSPACE'];
  if (workspace === undefined) throw new GuardError('action/no-checkout', 'GITHUB_WORKSPACE is not set');
  const asked = readEvent(env['GITHUB_EVENT_NAME'] ?? '', await readPayload(env['GITHUB_EVENT_PATH']));
  if (asked.kind === 'nothing') {
    write(plainLine(`Forgeguard has nothing to scan: ${asked.reason}.`));
    await writeOutputs(env, { result: 'passed', findings: 0, failing: 0 });
    return exitCodes.passed;
  }
  const copy = await openCheckout(workspace, env);
  const subject = await findSubject(copy, asked, inputs.mode, inputs.baseline === 'base');
  const guard = findGuard(inputs, env, asked);
  const policy = (await guard?.policy()) ?? (await findPolicy(copy, inputs.policy, subject.trusted));
  const exceptions =
    inputs.baseline === undefined || inputs.baseline === 'base'
      ? []
      : await findBaseline(copy, inputs.baseline, subject.trusted);
  const seen = observed(subject.source);
  const { report, shown } = await scanOnce(seen.source, {
    fingerprintKey: inputs.fingerprintKey ?? randomBytes(32),
    workerFile: runner.workerFile,
  });
  const judgement = judge(report.findings, { ...inputs, policy, exceptions }, runner.now());
  const places: Places = { shown, isFile: (path) => !seen.labels.has(path) };
  const told = toldReport(report, judgement, shown);
  const sarif = reportAsSarif(told);
  const file = await writeReportFile(env, workspace, inputs.sarifFile, sarif);
  const altered = await findAltered(copy, subject, inputs, env);
  const policyName =
    guard === undefined ? (subject.trusted === undefined ? 'default' : inputs.policy) : "the guard's";
  const byFingerprint = exceptions.some(({ fingerprint }) => fingerprint !== undefined);
  const notes = notesOf(inputs, subject, guard, byFingerprint);
  writeLog(runner, inputs, { judgement, places, told, altered, notes });
  const result = resultOf(judgement, report);
  const digest = createHash('sha256').update(sarif).digest('hex');
  // Nothing passes before the log has it.
  const recorded = await guard?.report(
    reportDocument(judgement, {
      repository: inputs.repository,
      result,
      mode: subject.what,
      event: env['GITHUB_EVENT_NAME'] ?? '',
      commit: subject.change?.head ?? null,
      base: subject.change?.base ?? null,
      policyDigest: policy.digest,
      reportDigest: digest,
      files: report.files,
      bytes: report.bytes,
      unscanned: report.problems.length,
      shown,
    }),
  );
  const facts = { ...judgement, ...report, findings: judgement.findings, altered, notes };
  await writeSummary(env, summarize({ ...facts, policyDigest: policy.digest, policyName }, places));
  await writeOutputs(env, {
    result,
    mode: subject.what,
    ...counts(judgement),
    'sarif-file': file,
    digest,
    'policy-digest': policy.digest,
    record: recorded ?? '',
  });
  return exitCodes[result];
}

/** The guard, where one is named and the job can show who it is. Throws `action/no-identity` where it should. */
function findGuard(inputs: Inputs, env: Environment, asked: Asked): GuardLink | undefined {
  const { guardUrl: url, guardAudience: audience, repository } = inputs;
  if (url === undefined) return undefined;
  if (hasIdentity(env)) return linkToGuard(env, { url, audience, repository });
  if (asked.kind === 'change' && asked.fromFork) return undefined;
  throw new GuardError('action/no-identity', 'the job has no identity to show to the guard');
}

async function readPayload(path: string | undefined): Promise<unknown> {
  if (path === undefined || path === '') return {};
  if ((await stat(path)).size > largestPayload)
    throw new GuardError('input/invalid', 'the payload of the event is larger than any forge sends');
  try {
    const payload: unknown = JSON.parse(await readFile(path, 'utf8'));
    return payload;
  } catch {
    throw new GuardError('input/invalid', 'the payload of the event is no JSON');
  }
}

/** The source, and the names of what it yields that is no file. */
function observed(source: ScanSource): { readonly source: ScanSource; readonly labels: ReadonlySet<string> } {
  const labels = new Set<string>();
  async function* items(): AsyncGenerator<ScanItem | ScanProblem> {
    for await (const item of source.items) {
      // The text of a symbolic link is scanned as a name, too, and the link is a file.
      if (item.kind === 'item' && isLabel(item.target)) labels.add(item.target.path);
      yield item;
    }
  }
  return { source: { ...source, items: items() }, labels };
}

const nameLists: ReadonlySet<string> = new Set(['file names', 'branch name', 'ref name']);

function isLabel({ kind, path }: ScanTarget): boolean {
  return kind === 'message' || (kind === 'names' && nameLists.has(path));
}

/** What documents tell: nothing that is excused, every path as it may be shown. */
function toldReport(
  report: ScanReport,
  { findings }: Judgement,
  shown: (path: string) => string,
): ScanReport {
  return {
    ...report,
    findings: findings.map(({ finding }) => ({ ...finding, path: shown(finding.path) })),
    problems: report.problems.map((problem) => ({ ...problem, path: shown(problem.path) })),
  };
}

/** Those files that the change alters and that decide about this very scan. */
async function findAltered(
  copy: WorkingCopy,
  { change }: Subject,
  { policy, baseline }: Inputs,
  env: Environment,
): Promise<readonly string[]> {
  if (change?.base === undefined) return [];
  const own = `${env['GITHUB_REPOSITORY'] ?? ''}/`;
  const workflow = env['GITHUB_WORKFLOW_REF']?.replace(/@.*$/s, '');
  const paths = [
    ...(policy === 'default' ? [] : [policy]),
    ...(baseline === undefined || baseline === 'base' ? [] : [baseline]),
    ...(workflow?.startsWith(own) === true ? [workflow.slice(own.length)] : []),
  ];
  return changedPaths(copy, change.base, change.head, paths);
}

function notesOf(
  inputs: Inputs,
  subject: Subject,
  guard: GuardLink | undefined,
  byFingerprint: boolean,
): readonly string[] {
  const notes: string[] = [];
  if (inputs.guardUrl !== undefined && guard === undefined)
    notes.push(
      'This pull request of a fork has no identity: the guard was not asked and has no record of it.',
    );
  if (
    guard === undefined &&
    subject.trusted === undefined &&
    (inputs.policy !== 'default' || inputs.baseline !== undefined)
  )
    notes.push(
      'Nothing came before this change that could be trusted, so the default policy was applied alone.',
    );
  if (byFingerprint && inputs.fingerprintKey === undefined)
    notes.push('The baseline names fingerprints; without the input fingerprint-key none of them can match.');
  return notes;
}

interface Told {
  readonly judgement: Judgement;
  readonly places: Places;
  readonly told: ScanReport;
  readonly altered: readonly string[];
  readonly notes: readonly string[];
}

function writeLog(
  { write }: Runner,
  { format }: Inputs,
  { judgement, places, told, altered, notes }: Told,
): void {
  const { lines, left } = annotate(judgement.findings, places);
  write(lines);
  for (const { path, reason } of told.problems) write(plainLine(`not scanned: ${path} (${reason})`));
  for (const path of altered)
    write(
      commandLine(
        'warning',
        { file: path, title: 'Forgeguard' },
        'The change alters this file, which decides about this scan. What stood there before was applied.',
      ),
    );
  for (const note of notes) write(commandLine('warning', { title: 'Forgeguard' }, note));
  if (left > 0)
    write(plainLine(`Findings without an annotation of their own: ${left}. The summary lists them.`));
  if (format !== 'text') write(documentLines(format === 'json' ? reportAsJson(told) : reportAsSarif(told)));
  const { findings, failing, phi, secret } = counts(judgement);
  write(
    plainLine(
      `Forgeguard found ${findings}: ${phi} PHI, ${secret} secrets; ${failing} of all fail this step.`,
    ),
  );
}

/** A document of JSON, in which the runner sees no command; it means the same. */
function documentLines(text: string): string {
  return text.replaceAll('##[', String.raw`##\u005b`);
}

function counts({ findings, excused }: Judgement) {
  const of = (category: string) => findings.filter(({ finding }) => finding.category === category).length;
  const failing = findings.filter(({ level }) => level === 'error').length;
  return {
    findings: findings.length,
    failing,
    phi: of('phi'),
    secret: of('secret'),
    policy: of('policy'),
    excused,
  };
}

function resultOf(judgement: Judgement, { problems }: ScanReport): keyof typeof exitCodes {
  if (problems.length > 0) return 'incomplete';
  return judgement.findings.some(({ level }) => level === 'error') ? 'failed' : 'passed';
}
