// What the upstream's refs say of a push that was held: nothing of it is there, all of it is, or they have moved on.
import { isZero } from '../../core/oid.ts';
import type { HeldPush } from './held-store.ts';
import { plainText } from './plain-text.ts';
import type { PushServices } from './push-stage.ts';
import type { RefCommand } from './receive-pack-request.ts';
import type { Repository } from './repository.ts';
import { compareRefs } from './settle.ts';

export type Landed =
  | { readonly kind: 'untouched' }
  | { readonly kind: 'landed' }
  | { readonly kind: 'moved'; readonly refs: readonly string[] };

type LandedServices = Pick<PushServices, 'facts' | 'gateway' | 'history'>;

/** Asks the upstream. A ref that was moved on from the new value has had it. Rejects with `upstream/…`. */
export async function whatLanded(
  services: LandedServices,
  repository: Repository,
  { commands, objectFormat }: HeldPush,
  signal: AbortSignal,
): Promise<Landed> {
  const advertised = await services.facts.refs(repository, undefined, 'now', signal);
  const expected = commands.map(({ ref, oldOid, newOid }) => ({ ref, old: oldOid, new: newOid }));
  const shows = compareRefs(expected, { refs: advertised });
  if (shows !== 'mixed') return { kind: shows };
  const now = new Map(advertised.map(({ name, oid }) => [name, oid]));
  const moved = commands.filter(({ ref, newOid }) => (now.get(ref) ?? '') !== (isZero(newOid) ? '' : newOid));
  await using history = await services.history.lease({ repository: repository.id, objectFormat });
  const remote = services.gateway.remoteFor(repository, undefined);
  const hasHad = async ({ ref, newOid }: RefCommand): Promise<boolean> => {
    const tip = now.get(ref);
    if (tip === undefined || isZero(newOid)) return false;
    return history.isAncestor(remote, newOid, [tip], signal).catch(() => false);
  };
  for (const command of moved) {
    if (!(await hasHad(command))) return { kind: 'moved', refs: moved.map(({ ref }) => ref) };
  }
  return { kind: 'landed' };
}

/** A sentence for the agent and the reviewers. */
export function describeMove({ refs }: Extract<Landed, { readonly kind: 'moved' }>): string {
  const [first = '', ...others] = refs;
  const more = others.length === 0 ? '' : ` and ${others.length} more`;
  return `The upstream has moved ${plainText(first, 200)}${more} since it was pushed: fetch, rebase and push again.`;
}
