// What is done about pushes around the guard, by the kind of work.
import type { Hub, HubServices } from '../hub.ts';
import type { Work } from '../work.ts';
import type { Postponed } from '../work-queue.ts';
import { compareHeads } from './compare-heads.ts';
import { redeliverLost } from './deliveries.ts';
import { refreshInstalled } from './installed.ts';
import { watchPush } from './watch-push.ts';

export type BypassWork = Extract<Work, { readonly kind: 'push' | 'compare' | 'installed' | 'deliveries' }>;

/** Does it; says when to come back where it is not done. */
export async function watchBypass(
  services: HubServices,
  hub: Hub,
  work: BypassWork,
  signal: AbortSignal,
): Promise<Postponed | undefined> {
  switch (work.kind) {
    case 'push': {
      const { repository, subject, createdAt: since } = work;
      return watchPush(services, hub, { repository, subject, since, signal }, work.data);
    }
    case 'compare':
      return compareHeads(services, hub, work.repository, signal);
    case 'installed':
      await refreshInstalled(services, hub, signal);
      return undefined;
    case 'deliveries':
      await redeliverLost(services, hub);
      return undefined;
  }
}
