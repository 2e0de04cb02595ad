// What a credential may be used for. Scopes come from the guard's own store or a trusted issuer; repository and refs
// are attacker-controlled text. A scope that cannot be read covers nothing.
import { compileGlobs, compileRepositoryGlobs, GlobError, type Matcher } from './glob.ts';
import type { Grant, Scope, Verb } from './principal.ts';

/**
 * True where the grant's scopes cover the repository and the verb: with `refs` (full names), for each of these refs;
 * without, for some ref at least.
 */
export function covers(grant: Grant, repository: string, verb: Verb, refs?: readonly string[]): boolean {
  return refs === undefined || refs.length === 0
    ? scopesFor(grant, repository, verb).length > 0
    : uncoveredRefs(grant, repository, verb, refs).length === 0;
}

/** Those of the refs for which no scope covers the repository with the verb, in their order. */
export function uncoveredRefs(
  grant: Grant,
  repository: string,
  verb: Verb,
  refs: readonly string[],
): readonly string[] {
  const matchers = scopesFor(grant, repository, verb).map((scope) => refMatcher(scope));
  return refs.filter((ref) => !matchers.some((matches) => matches(ref)));
}

/** The ref globs that limit the verb in the repository; undefined where some scope covers all refs. */
export function refLimits(grant: Grant, repository: string, verb: Verb): readonly string[] | undefined {
  const scopes = scopesFor(grant, repository, verb);
  if (scopes.length === 0 || scopes.some((scope) => scope.refs === undefined)) return undefined;
  return [...new Set(scopes.flatMap((scope) => scope.refs ?? []))];
}

/** True where one of the grant's scopes covers every repository and ref with the verb: it is written `**`. */
export function coversEverything(grant: Grant, verb: Verb): boolean {
  return grant.scopes.some(
    (scope) => scope.repository === '**' && scope.refs === undefined && scope.verbs.includes(verb),
  );
}

function scopesFor(grant: Grant, repository: string, verb: Verb): readonly Scope[] {
  return grant.scopes.filter(
    (scope) =>
      scope.verbs.includes(verb) && matcherOf(() => compileRepositoryGlobs([scope.repository]))(repository),
  );
}

function refMatcher({ refs }: Scope): Matcher {
  return refs === undefined ? () => true : matcherOf(() => compileGlobs(refs));
}

function matcherOf(compile: () => Matcher): Matcher {
  try {
    return compile();
  } catch (error) {
    if (error instanceof GlobError) return () => false;
    throw error;
  }
}
