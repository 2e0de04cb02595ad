// Whether scopes stay within others. Sound, not complete: what cannot be seen to be within is not.
import type { Scope } from './principal.ts';

/** True where each of the scopes, verb by verb, is within one of the others. */
export function scopesWithin(asked: readonly Scope[], allowed: readonly Scope[]): boolean {
  return asked.every(({ repository, verbs, refs }) =>
    verbs.every((verb) =>
      allowed.some(
        (outer) =>
          outer.verbs.includes(verb) &&
          isWithinGlob(repository, outer.repository) &&
          (outer.refs === undefined ||
            (refs !== undefined && refs.every((ref) => outer.refs?.some((glob) => isWithinGlob(ref, glob))))),
      ),
    ),
  );
}

/** The same glob, everything, or everything below a path that the inner glob begins with as plain text. */
function isWithinGlob(inner: string, outer: string): boolean {
  if (outer === '**' || outer === inner) return true;
  const below = /^(?<path>[A-Za-z0-9._/-]+\/)\*\*$/.exec(outer)?.groups?.['path'];
  return (
    below !== undefined && inner.startsWith(below) && inner.length > below.length && !inner.includes('..')
  );
}
