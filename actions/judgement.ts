// Which findings fail the step. Policy and baseline are read from the trusted state of the repository, never from what
// is judged; a change of either is told.
import { compilePolicy, decide } from '../core/decide.ts';
import { defaultPolicy } from '../core/default-policy.ts';
import { GuardError } from '../core/errors.ts';
import { parsePolicy, type Policy, type PolicyException } from '../core/policy.ts';
import { severities, type Finding } from '../scanners/finding.ts';
import { localPush } from '../workcopy/local-push.ts';
import type { WorkingCopy } from '../workcopy/working-copy.ts';
import { parseBaseline } from './baseline.ts';
import { readAt } from './checkout.ts';
import { isNamed, type FailOn } from './fail-on.ts';

/** How a finding is told: `error` fails the step. */
export type Level = 'error' | 'warning' | 'notice';

export interface JudgedFinding {
  readonly finding: Finding;
  readonly level: Level;
}

export interface Judgement {
  /** The worst first. */
  readonly findings: readonly JudgedFinding[];
  /** How many findings an exception of the policy or the baseline takes away. */
  readonly excused: number;
  /** What the policy says about those that it refuses; written by its author. */
  readonly reasons: readonly { readonly rule: string; readonly message: string }[];
}

export interface Rules {
  readonly policy: Policy;
  readonly exceptions: readonly PolicyException[];
  readonly failOn: FailOn;
  readonly repository: string;
}

/** The policy of the name `default`, or the file's in the trusted commit. Rejects where the file is not there. */
export async function findPolicy(
  copy: WorkingCopy,
  name: string,
  trusted: string | undefined,
): Promise<Policy> {
  // Where nothing came before the change there is nobody but its author to say what holds.
  if (name === 'default' || trusted === undefined) return defaultPolicy();
  const text = await readAt(copy, trusted, name);
  if (text === undefined) throw notThere('policy', name);
  return parsePolicy(text, name);
}

/** The exceptions of a baseline file in the trusted commit. Rejects where the file is not there. */
export async function findBaseline(
  copy: WorkingCopy,
  name: string,
  trusted: string | undefined,
): Promise<readonly PolicyException[]> {
  if (trusted === undefined) return [];
  const text = await readAt(copy, trusted, name);
  if (text === undefined) throw notThere('baseline', name);
  return parseBaseline(text, name);
}

function notThere(input: string, path: string): GuardError {
  return new GuardError(
    'input/invalid',
    `${input}: the file ${path} is not in the state before the change, where alone it is read; merge it first`,
  );
}

/** Judges findings at the time `now`. */
export function judge(found: readonly Finding[], rules: Rules, now: Date): Judgement {
  const { policy, failOn } = rules;
  const compiled = compilePolicy({ ...policy, exceptions: [...policy.exceptions, ...rules.exceptions] });
  const verdict = decide(compiled, localPush(rules.repository, found), now);
  const excused = new Set(verdict.excused.map(({ finding }) => finding));
  const refusing = verdict.reasons.filter(({ action }) => action === 'deny' || action === 'hold');
  const refused = new Set(refusing.flatMap(({ findings }) => findings));
  const watched = new Set(verdict.monitored.flatMap(({ findings }) => findings));
  const findings = found.flatMap((finding, index): readonly JudgedFinding[] => {
    if (excused.has(index)) return [];
    const fails = isNamed(failOn, finding) || (failOn.policy && refused.has(index));
    if (fails) return [{ finding, level: 'error' }];
    return [{ finding, level: refused.has(index) || watched.has(index) ? 'warning' : 'notice' }];
  });
  return {
    findings: findings.toSorted(worstFirst),
    excused: excused.size,
    reasons: failOn.policy
      ? refusing
          .filter(({ findings: about }) => about.length > 0)
          .map(({ rule, message }) => ({ rule, message }))
      : [],
  };
}

const levels: readonly Level[] = ['error', 'warning', 'notice'];

function worstFirst(left: JudgedFinding, right: JudgedFinding): number {
  const [a, b] = [left.finding, right.finding];
  return (
    levels.indexOf(left.level) - levels.indexOf(right.level) ||
    severities.indexOf(b.severity) - severities.indexOf(a.severity) ||
    b.confidence - a.confidence ||
    (a.path < b.path ? -1 : a.path > b.path ? 1 : a.line - b.line)
  );
}
