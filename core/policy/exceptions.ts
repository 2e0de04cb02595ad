// Which findings the exceptions of a policy excuse, and which they would if they had not expired.
import type { Finding } from '../../scanners/finding.ts';
import { compileGlobs, compileRepositoryGlobs } from '../glob.ts';
import type { Operation } from '../operation.ts';
import type { PolicyException } from '../policy.ts';

export interface Excuses {
  /** Id of the exception in force that excuses each finding; by index. */
  readonly inForce: ReadonlyMap<number, string>;
  /** Exceptions that would excuse a finding but have expired; by index. */
  readonly expired: ReadonlyMap<number, readonly PolicyException[]>;
}

export type ExceptionMatcher = (operation: Operation, now: Date) => Excuses;

interface CompiledException {
  readonly exception: PolicyException;
  readonly covers: (finding: Finding, repository: string) => boolean;
}

/** Compiles the patterns of all exceptions; of several that excuse a finding, the first by id is named. */
export function compileExceptions(exceptions: readonly PolicyException[]): ExceptionMatcher {
  const compiled = exceptions.map((exception) => ({ exception, covers: compileException(exception) }));
  const byFingerprint = indexByFingerprint(compiled);
  const others = compiled.filter(({ exception }) => exception.fingerprint === undefined);
  return (operation, now) => {
    const inForce = new Map<number, string>();
    const expired = new Map<number, readonly PolicyException[]>();
    for (const [index, finding] of operation.findings.entries()) {
      const covering = [...(byFingerprint.get(finding.fingerprint) ?? []), ...others]
        .filter(({ covers }) => covers(finding, operation.repository))
        .map(({ exception }) => exception)
        .toSorted((a, b) => (a.id < b.id ? -1 : 1));
      const valid = covering.find(({ expires }) => now < expires);
      if (valid !== undefined) inForce.set(index, valid.id);
      else if (covering.length > 0) expired.set(index, covering);
    }
    return { inForce, expired };
  };
}

/** Baselines list thousands of fingerprints; a finding meets only those of its own. */
function indexByFingerprint(
  compiled: readonly CompiledException[],
): ReadonlyMap<string, readonly CompiledException[]> {
  const index = new Map<string, CompiledException[]>();
  for (const each of compiled) {
    for (const fingerprint of new Set(each.exception.fingerprint)) {
      const known = index.get(fingerprint);
      if (known === undefined) index.set(fingerprint, [each]);
      else known.push(each);
    }
  }
  return index;
}

/** All but the fingerprint, by which exceptions are found. */
function compileException(exception: PolicyException): (finding: Finding, repository: string) => boolean {
  const path = exception.path && compileGlobs(exception.path);
  const rule = exception.rule && compileGlobs(exception.rule);
  const repository = exception.repository && compileRepositoryGlobs(exception.repository);
  return (finding, name) =>
    // Unscannable content and the like are never excused in passing.
    (finding.category !== 'policy' || rule !== undefined) &&
    (rule === undefined || rule(finding.rule)) &&
    (path === undefined || path(finding.path)) &&
    (repository === undefined || repository(name));
}
