// Everybody whose revocation ends what a principal may do.
import type { Principal } from '../../core/principal.ts';

/** Lower-case ids of the principal, of all on whose behalf it acts, and of the owner of its credential. */
export function involvedIn(
  principal: Pick<Principal, 'id' | 'onBehalfOf'>,
  owner: string | null,
): readonly string[] {
  const ids = [principal.id, ...principal.onBehalfOf, ...(owner === null ? [] : [owner])];
  return [...new Set(ids.map((id) => id.toLowerCase()))];
}
