// Who may see what somebody did: whoever may audit all repositories; the people for whom it was done and who answer for
// the credential; and, repository by repository, whoever may audit those. Everybody else is told that there is nothing.
import { isPerson } from '../approval/visibility.ts';
import type { Grant } from '../principal.ts';
import { covers, coversEverything } from '../scope.ts';

/** Those whose doing it is. */
export interface Involved {
  readonly actor: string;
  readonly people: readonly string[];
}

/** Says of a repository whether what was done there may be seen; of null, whether what was done in none may. */
export type Sight = (repository: string | null) => boolean;

function sameName(left: string, right: string): boolean {
  return left.trim().toLowerCase() === right.trim().toLowerCase();
}

/** True where everything that those involved did may be seen. */
export function seesAllOf(grant: Grant, { actor, people }: Involved): boolean {
  if (coversEverything(grant, 'audit')) return true;
  return isPerson(grant) && [actor, ...people].some((name) => sameName(name, grant.principal.id));
}

/** What of it may be seen. */
export function sightOf(grant: Grant, involved: Involved): Sight {
  if (seesAllOf(grant, involved)) return () => true;
  return (repository) => repository !== null && covers(grant, repository, 'audit');
}
