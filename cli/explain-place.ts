// `forgeguard policy explain FILE:LINE`: why something there was or was not a finding, and what the policy makes of it.
import process from 'node:process';
import { compilePolicy, decide } from '../core/decide.ts';
import { GuardError } from '../core/errors.ts';
import type { Policy } from '../core/policy.ts';
import type { Verdict } from '../core/verdict.ts';
import { explainLine, type LineExplanation, type Suspicion } from '../scanners/explain.ts';
import type { Finding } from '../scanners/finding.ts';
import { defaultLimits } from '../scanners/limits.ts';
import { createScanner } from '../scanners/scan.ts';
import { readBoundedFile } from '../server/bounded-file.ts';
import { localPush } from '../workcopy/local-push.ts';
import { localFingerprintKey } from './fingerprint-key.ts';
import { printable } from './printable.ts';

export interface Place {
  readonly file: string;
  readonly line: number;
}

export interface PlaceQuestion {
  readonly place: Place;
  readonly policyName: string;
  readonly policy: Policy;
  /** What the policy takes the repository for. */
  readonly repository: string;
  readonly format: 'text' | 'json';
}

/** Reads `FILE:LINE`; undefined for anything else. */
export function readPlace(text: string): Place | undefined {
  const [, file, line] = /^(.+):([1-9]\d{0,9})$/.exec(text) ?? [];
  return file === undefined ? undefined : { file, line: Number(line) };
}

/** Prints the explanation. Rejects where the file cannot be read as a whole or has no such line. */
export async function explainPlace(question: PlaceQuestion): Promise<void> {
  const { file, line } = question.place;
  const bytes = await readBoundedFile(file, defaultLimits.wholeBytes).catch((cause: unknown) => {
    throw new GuardError('input/unreadable', `couldn't read ${file}`, { cause });
  });
  if (bytes === undefined)
    throw new GuardError(
      'input/invalid',
      `${file} is larger than the ${defaultLimits.wholeBytes} bytes that are explained`,
    );
  const target = { kind: 'file', path: file } as const;
  const explained = await explainLine(target, bytes, line);
  if (explained === undefined) throw new GuardError('input/invalid', `${file} has no line ${line}`);
  const scanner = createScanner({ fingerprintKey: await localFingerprintKey() });
  const { findings } = await scanner.scan(target, bytes);
  const verdict = decide(
    compilePolicy(question.policy),
    localPush(question.repository, findings),
    new Date(),
  );
  const here = findings.flatMap((finding, at) =>
    finding.line <= line && finding.endLine >= line ? [{ finding, judged: judgementOf(verdict, at) }] : [],
  );
  const answer = { ...question.place, ...explained, findings: here };
  process.stdout.write(
    question.format === 'json'
      ? `${JSON.stringify({ policy: question.policyName, ...answer }, null, 2)}\n`
      : `${tell(question, explained, here).join('\n')}\n`,
  );
}

interface Judgement {
  /** Policy rules that blame the finding, with what they do. */
  readonly rules: readonly string[];
  /** What rules in monitor mode would do. */
  readonly monitored: readonly string[];
  readonly exception?: string | undefined;
}

function judgementOf(verdict: Verdict, finding: number): Judgement {
  const told = (reasons: Verdict['reasons']) =>
    reasons
      .filter(({ findings }) => findings.includes(finding))
      .map(({ rule, action, message }) => `${action} by rule ${rule}: ${message}`);
  return {
    rules: told(verdict.reasons),
    monitored: told(verdict.monitored),
    exception: verdict.excused.find((excused) => excused.finding === finding)?.exception,
  };
}

function tell(
  { place, policyName }: PlaceQuestion,
  explained: LineExplanation,
  here: readonly { readonly finding: Finding; readonly judged: Judgement }[],
): readonly string[] {
  const { encoding, binary, source, clinical, readers, words, suspicions } = explained;
  const kind = binary ? 'binary data' : source ? 'program source' : 'text that is no program source';
  return [
    `${printable(place.file)}:${place.line}`,
    `document    ${encoding}, ${kind}; ${clinical ? 'a patient record was recognised in it' : 'no patient record was recognised in it'}`,
    `formats     ${readers.length === 0 ? 'no reader of a format took part' : `read by ${readers.join(', ')}`}`,
    words.length === 0
      ? "words       none of any rule's words stands in the line, so no pattern ran on it"
      : `words       of rules in the line (0 is any digit): ${words.map((word) => JSON.stringify(word)).join(' ')}`,
    ...(suspicions.length === 0
      ? ['suspicions  none: no reader and no pattern took anything here for a value']
      : []),
    ...suspicions.map((each) => `suspicion   ${tellSuspicion(each)}`),
    ...here.flatMap(({ finding, judged }) => tellFinding(policyName, finding, judged)),
    ...(here.length === 0 ? ['finding     none'] : []),
  ];
}

function tellSuspicion({ rule, column, length, confidence, place, synthetic, outcome }: Suspicion): string {
  const from = place === undefined ? 'a pattern' : place;
  const known = synthetic === undefined ? '' : `, known synthetic (${synthetic})`;
  return `${rule} at byte ${column}, ${length} long, from ${from}, score ${confidence.toFixed(2)}${known}: ${tellOutcome(outcome)}`;
}

function tellOutcome(outcome: Suspicion['outcome']): string {
  switch (outcome.kind) {
    case 'reported':
      return 'reported';
    case 'outweighed':
      return `outweighed by ${outcome.by}, which knows more about this place`;
    case 'reads-like-words':
      return 'dropped, it reads like words';
  }
}

function tellFinding(policyName: string, finding: Finding, judged: Judgement): readonly string[] {
  const { rule, severity, confidence, fingerprint, message } = finding;
  const told = [
    ...(judged.exception === undefined ? [] : [`excused by the exception ${judged.exception}`]),
    ...judged.rules,
    ...judged.monitored.map((text) => `only recorded: ${text}`),
  ];
  return [
    `finding     ${rule}, ${severity}, ${Math.round(confidence * 100)} % sure, fingerprint ${fingerprint}`,
    `            ${message}`,
    ...(told.length === 0 ? ['no rule of it concerns this'] : told).map(
      (text) => `policy      ${policyName}: ${text}`,
    ),
  ];
}
