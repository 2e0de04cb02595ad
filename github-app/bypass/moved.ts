// Repositories that were renamed or transferred: GitHub says so by a webhook, which may be lost, and by the number of a
// repository in the list of those that the App reaches. It is recorded and told, and what is known goes on under the new
// name; the configuration, scopes and remotes are for people to change.
import { createHash } from 'node:crypto';
import type { Queryable } from '../../server/db.ts';
import { type Hub, type HubServices, repositoryId } from '../hub.ts';
import {
  findMoved,
  forgetName,
  insertMoved,
  type MovedRepository,
  type NamedRepository,
  renameKnown,
} from './names-store.ts';

/** Records those that have another name now. Rejects with `audit/unavailable`: they are found again then. */
export async function recordMoved(
  { database, audit }: Pick<HubServices, 'database' | 'audit'>,
  hub: Pick<Hub, 'forge'>,
  now: readonly NamedRepository[],
): Promise<readonly MovedRepository[]> {
  const moved = await findMoved(database, hub.forge, now);
  for (const one of moved) {
    const [from, to] = [repositoryId(hub, one.from), repositoryId(hub, one.to)];
    const ownerOf = (name: string): string => name.slice(0, name.indexOf('/')).toLowerCase();
    await audit.append({
      action: 'repository.moved',
      request: requestOf(hub.forge, one),
      actor: null,
      repository: to,
      details: {
        change: ownerOf(one.from) === ownerOf(one.to) ? 'renamed' : 'transferred',
        from,
        to,
        id: one.id,
      },
    });
  }
  return moved;
}

/** Has what is known go on under the new names, which two repositories may have exchanged. */
export async function followMoved(
  client: Queryable,
  forge: string,
  moved: readonly MovedRepository[],
): Promise<void> {
  for (const one of moved) await insertMoved(client, forge, requestOf(forge, one), one);
  // No name of a repository has this form.
  const between = ({ id }: MovedRepository): string => `#${id}`;
  for (const one of moved) await renameKnown(client, forge, one.from.toLowerCase(), between(one));
  for (const one of moved) {
    await forgetName(client, forge, one.to.toLowerCase());
    await renameKnown(client, forge, between(one), one.to.toLowerCase());
  }
}

/** The same for the same change, so that what is done twice after a crash is told once. */
function requestOf(forge: string, { id, from, to, seenAt }: MovedRepository): string {
  const named = JSON.stringify([forge, id, from, to, seenAt]);
  return createHash('sha256').update(named).digest('hex').slice(0, 16);
}
