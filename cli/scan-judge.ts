// Whether findings refuse a change: all of them do, or those that a policy would refuse in a push. A policy that the
// change itself could alter is read from the state before it: nothing excuses itself.
import { isAbsolute, relative, resolve, sep } from 'node:path';
import { compilePolicy, decide } from '../core/decide.ts';
import { defaultPolicy } from '../core/default-policy.ts';
import { GuardError } from '../core/errors.ts';
import { parsePolicy, type Policy } from '../core/policy.ts';
import type { Finding } from '../scanners/finding.ts';
import { readPolicyFile } from '../server/policy-file.ts';
import { localPush } from '../workcopy/local-push.ts';
import { tryGit, type WorkingCopy } from '../workcopy/working-copy.ts';

export interface Judged {
  /** What is told: exceptions of the policy take findings away. */
  readonly findings: readonly Finding[];
  readonly refused: boolean;
}

export type Judge = (findings: readonly Finding[]) => Judged;

/** Every finding counts. */
export function judgeAll(findings: readonly Finding[]): Judged {
  return { findings, refused: findings.length > 0 };
}

/** Judges as a guard with this policy would judge a push to `repository`. */
export async function judgeByPolicy(
  file: string,
  repository: string,
  before: { readonly copy: WorkingCopy; readonly commit: string } | undefined,
): Promise<Judge> {
  const policy = await findPolicy(file, before);
  const compiled = compilePolicy(policy);
  return (findings) => {
    const verdict = decide(compiled, localPush(repository, findings), new Date());
    const excused = new Set(verdict.excused.map(({ finding }) => finding));
    const refused = verdict.reasons.some(
      ({ action, findings: about }) => about.length > 0 && (action === 'deny' || action === 'hold'),
    );
    return { findings: findings.filter((_, at) => !excused.has(at)), refused };
  };
}

/** `default` is the policy of a guard that was given none; a file of that name is `./default`. */
async function findPolicy(
  file: string,
  before: { readonly copy: WorkingCopy; readonly commit: string } | undefined,
): Promise<Policy> {
  if (file === 'default') return defaultPolicy();
  return before === undefined ? readPolicyFile(file) : policyBefore(file, before);
}

async function policyBefore(
  file: string,
  { copy, commit }: { readonly copy: WorkingCopy; readonly commit: string },
): Promise<Policy> {
  const path = relative(copy.root, resolve(file));
  if (path === '..' || path.startsWith(`..${sep}`) || isAbsolute(path)) return readPolicyFile(file);
  const name = `${commit}:${path.split(sep).join('/')}`;
  const kept = await tryGit(copy, ['cat-file', 'blob', name]);
  if (kept.code === 0) return parsePolicy(Buffer.from(kept.stdout).toString('utf8'), name);
  throw new GuardError(
    'input/invalid',
    `the policy ${file} is part of the change that it would judge; commit it first or keep it elsewhere`,
  );
}
