// A push that may be of the guard itself: it forwarded one at about that time whose list of refs is gone. It is put down to
// that one where GitHub says that the guard's App made it, or does not say who; and people are told once, for all of them,
// that they could not be compared. Anybody else's push is around the guard as ever.
import { type Hub, type HubServices, repositoryId } from '../hub.ts';
import type { ToldPush } from '../work.ts';
import { markTold, presume } from './unlisted-store.ts';

/** So long after the guard's push has ended GitHub may tell of it; what comes later is told as a push around the guard. */
const lateSeconds = 3_600;

/** True where it is put down to such a push. Rejects with `audit/unavailable`. */
export async function presumeUnlisted(
  { database, audit }: Pick<HubServices, 'database' | 'audit'>,
  hub: Hub,
  { repository, since }: { readonly repository: string; readonly since: Date },
  { by }: Pick<ToldPush, 'by'>,
): Promise<boolean> {
  if (by !== null && by.login !== `${await hub.api.slug()}[bot]`) return false;
  const named = repositoryId(hub, repository);
  return database.transaction(async (client) => {
    const unlisted = await presume(client, named, since, lateSeconds);
    if (unlisted === undefined) return false;
    const { request, missing, toldAt } = unlisted;
    if (toldAt !== null) return true;
    await audit.append({
      action: 'bypass.unlisted',
      request,
      actor: null,
      repository: named,
      details: { updates: missing },
    });
    await markTold(client, request);
    return true;
  });
}
