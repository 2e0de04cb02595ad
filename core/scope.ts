// What a credential may be used for. Scopes come from the guard's own store or a trusted issuer; the repository is
// attacker-controlled text.
import { compileRepositoryGlobs, GlobError } from './glob.ts';
import type { Grant, Scope, Verb } from './principal.ts';

/** True where one of the grant's scopes covers the repository and the verb. A scope that cannot be read covers nothing. */
export function covers(grant: Grant, repository: string, verb: Verb): boolean {
  return grant.scopes.some((scope) => scope.verbs.includes(verb) && matchesRepository(scope, repository));
}

/** True where one of the grant's scopes covers every repository with the verb: it is written `**`. */
export function coversEverything(grant: Grant, verb: Verb): boolean {
  return grant.scopes.some((scope) => scope.repository === '**' && scope.verbs.includes(verb));
}

function matchesRepository(scope: Scope, repository: string): boolean {
  try {
    return compileRepositoryGlobs([scope.repository])(repository);
  } catch (error) {
    if (error instanceof GlobError) return false;
    throw error;
  }
}
