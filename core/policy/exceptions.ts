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

/** Compiles the patterns of all exceptions; of several that excuse a finding, the first by id is named. */
export function compileExceptions(exceptions: readonly PolicyException[]): ExceptionMatcher {
  const compiled = exceptions
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    .map((exception) => ({ exception, covers: compileException(exception) }));
  return (operation, now) => {
    const inForce = new Map<number, string>();
    const expired = new Map<number, readonly PolicyException[]>();
    for (const [index, finding] of operation.findings.entries()) {
      const covering = compiled.filter(({ covers }) => covers(finding, operation.repository));
      const valid = covering.find(({ exception }) => now < exception.expires);
      if (valid !== undefined) inForce.set(index, valid.exception.id);
      else if (covering.length > 0) {
        expired.set(
          index,
          covering.map(({ exception }) => exception),
        );
      }
    }
    return { inForce, expired };
  };
}

function compileException(exception: PolicyException): (finding: Finding, repository: string) => boolean {
  const fingerprints = exception.fingerprint && new Set(exception.fingerprint);
  const path = exception.path && compileGlobs(exception.path);
  const rule = exception.rule && compileGlobs(exception.rule);
  const repository = exception.repository && compileRepositoryGlobs(exception.repository);
  return (finding, name) =>
    // Unscannable content and the like are never excused in passing.
    (finding.category !== 'policy' || rule !== undefined) &&
    (fingerprints === undefined || fingerprints.has(finding.fingerprint)) &&
    (rule === undefined || rule(finding.rule)) &&
    (path === undefined || path(finding.path)) &&
    (repository === undefined || repository(name));
}
