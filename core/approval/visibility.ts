// Who may see a request. Everybody else is told that there is none, so that ids cannot be tried.
import type { Approval } from '../approval.ts';
import type { Grant } from '../principal.ts';
import { covers, coversEverything } from '../scope.ts';
import { involvedIn } from './judge.ts';

type Seen = Pick<Approval, 'binding'>;

/** True for a person who may see the requests of all repositories. */
export function seesEverything(grant: Grant): boolean {
  return (
    isPerson(grant) &&
    (coversEverything(grant, 'approve') ||
      coversEverything(grant, 'break-glass') ||
      coversEverything(grant, 'audit'))
  );
}

/**
 * True where the grant is that of the actor itself, of a person for whom it acts or who answers for it, or of a person
 * who may decide in that repository or may read the whole audit log, which holds the same.
 */
export function maySee(grant: Grant, approval: Seen): boolean {
  const { actor, repository } = approval.binding;
  if (grant.principal.id === actor.id) return true;
  if (!isPerson(grant)) return false;
  return (
    covers(grant, repository, 'approve') ||
    covers(grant, repository, 'break-glass') ||
    coversEverything(grant, 'audit') ||
    involvedIn(approval).has(grant.principal.id.trim().toLowerCase())
  );
}

/** A human who acts for nobody else. */
export function isPerson({ principal }: Grant): boolean {
  return principal.kind === 'human' && principal.onBehalfOf.length === 0;
}
