// Whether a scope that is asked for is no more than what was granted.
import { globIncluded } from './glob-inclusion.ts';
import { GlobError } from './glob.ts';
import type { Scope, Verb } from './principal.ts';

/** True where everything that `asked` covers is covered by `granted`. Where that cannot be told it is false. */
export function scopeIncluded(asked: Scope, granted: readonly Scope[]): boolean {
  try {
    return asked.verbs.every((verb) => verbIncluded(asked, verb, granted));
  } catch (error) {
    if (error instanceof GlobError) return false;
    throw error;
  }
}

/** True where each of the scopes is no more than what was granted. */
export function scopesIncluded(asked: readonly Scope[], granted: readonly Scope[]): boolean {
  return asked.every((scope) => scopeIncluded(scope, granted));
}

/** The granted scopes for the verbs that lie within `limit`; what is narrower on either side is kept. */
export function commonScopes(granted: readonly Scope[], limit: readonly Scope[]): readonly Scope[] {
  const within = [
    ...granted.flatMap((scope) => parts(scope).filter((part) => scopeIncluded(part, limit))),
    ...limit.flatMap((scope) => parts(scope).filter((part) => scopeIncluded(part, granted))),
  ];
  const seen = new Set<string>();
  return joined(
    within.filter((part) => {
      const text = JSON.stringify([part.repository, part.verbs, part.refs]);
      return !seen.has(text) && seen.add(text);
    }),
  );
}

function verbIncluded(asked: Scope, verb: Verb, granted: readonly Scope[]): boolean {
  const able = granted.filter(
    (scope) =>
      scope.verbs.includes(verb) &&
      globIncluded(asked.repository.toLowerCase(), [scope.repository.toLowerCase()]),
  );
  // A fetch is not limited by refs.
  if (verb === 'fetch' || able.some(({ refs }) => refs === undefined)) return able.length > 0;
  if (asked.refs === undefined) return false;
  const allowed = able.flatMap(({ refs }) => refs ?? []);
  return asked.refs.every((ref) => globIncluded(ref, allowed));
}

/** One scope for each verb. */
function parts(scope: Scope): readonly Scope[] {
  return scope.verbs.map((verb) => ({ ...scope, verbs: [verb] }));
}

/** Scopes of the same repositories and refs become one again. */
function joined(scopes: readonly Scope[]): readonly Scope[] {
  const groups = Map.groupBy(scopes, ({ repository, refs }) => JSON.stringify([repository, refs]));
  return [...groups.values()].flatMap(([first, ...others]) =>
    first === undefined ? [] : [{ ...first, verbs: [first, ...others].flatMap(({ verbs }) => verbs) }],
  );
}
