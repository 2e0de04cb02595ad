// Whether a push is one that the guard itself has forwarded. One forward explains one push: whoever repeats an update that
// the guard let pass, after the ref was moved away, has pushed around it.
import { type Hub, type HubServices, repositoryId } from '../hub.ts';
import type { ToldPush } from '../work.ts';
import { claimForward, findForward, hasLeft } from './ledger-store.ts';
import { refKey } from './ref-key.ts';

/** The guard's own forward is given up as lost after this. */
const forwardMs = 15 * 60_000;
/** Several looks at once take forwards from one another. */
const mostTries = 20;

export type OwnForward =
  | { readonly kind: 'own' }
  | { readonly kind: 'no' }
  /** It is under way. */
  | { readonly kind: 'wait'; readonly seconds: number };

/** Says so, and has the forward explain this push from now on. `ageMs` is since the push was first heard of. */
export async function isOwnForward(
  { database }: Pick<HubServices, 'database'>,
  hub: Pick<Hub, 'forge'>,
  { repository, subject }: { readonly repository: string; readonly subject: string },
  push: Pick<ToldPush, 'ref' | 'before' | 'after'>,
  ageMs: number,
): Promise<OwnForward> {
  const key = refKey(push.ref);
  const move = { refKey: key, before: push.before, after: push.after };
  for (let tries = 0; tries < mostTries; tries += 1) {
    const forward = await findForward(database, repositoryId(hub, repository), move, subject);
    if (forward === undefined) return { kind: 'no' };
    if (forward.explains !== null && forward.explains !== subject) {
      // Told twice by two webhooks, unless the ref was moved away in between.
      const left = { refKey: key, at: push.after, since: forward.at };
      return (await hasLeft(database, hub.forge, repository, left)) ? { kind: 'no' } : { kind: 'own' };
    }
    if (forward.state === 'open' && ageMs <= forwardMs) return { kind: 'wait', seconds: 1 };
    // What the guard had decided to forward exactly so and never learned of is its own.
    if (await claimForward(database, forward, subject)) return { kind: 'own' };
  }
  return { kind: 'wait', seconds: 1 };
}
