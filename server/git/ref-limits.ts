// A credential may be limited to some refs: a push to any other is refused before its pack is looked at.
import { GuardError } from '../../core/errors.ts';
import type { Grant } from '../../core/principal.ts';
import { refLimits, uncoveredRefs } from '../../core/scope.ts';
import type { ReceivePackRequest } from './receive-pack-request.ts';

const mostShown = 10;

/**
 * Throws `identity/forbidden` where the grant does not cover all refs of the push. The message names the refs that may be
 * pushed to, which are the operator's words, and not those that were tried.
 */
export function checkRefs(grant: Grant, repository: string, { commands }: ReceivePackRequest): void {
  const refs = commands.map(({ ref }) => ref);
  const outside = uncoveredRefs(grant, repository, 'push', refs);
  if (outside.length === 0) return;
  const allowed = refLimits(grant, repository, 'push') ?? [];
  const shown = allowed.slice(0, mostShown).join(', ') + (allowed.length > mostShown ? ', …' : '');
  const count = outside.length === refs.length ? 'none' : `${refs.length - outside.length}`;
  throw new GuardError(
    'identity/forbidden',
    `this token may push only to ${shown}; ${count} of the ${refs.length} refs of this push match`,
  );
}
