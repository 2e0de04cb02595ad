// Which repositories installations of the App reach: these are the ones whose refs are compared.
import { z } from 'zod';
import type { Hub, HubServices } from '../hub.ts';
import { followMoved, recordMoved } from './moved.ts';
import type { NamedRepository } from './names-store.ts';
import { insertFirstComparisons, replaceRepositories } from './round-store.ts';

const installationAnswer = z.object({ id: z.int(), app_id: z.int(), suspended_at: z.string().nullish() });
const mostPages = 50;
const pageSize = 100;

/** Reads the list again. Rejects with an `upstream/…` error; the old list stays then. */
export async function refreshInstalled(services: HubServices, hub: Hub, signal: AbortSignal): Promise<void> {
  const { database, wakeUp } = services;
  const { api, forge } = hub;
  const found: NamedRepository[] = [];
  for (let page = 1; page <= mostPages; page += 1) {
    const { answer } = await api.askAsApp({
      route: 'GET /app/installations',
      parameters: { per_page: pageSize, page },
      answer: z.array(installationAnswer),
    });
    for (const { id, suspended_at: suspended } of answer)
      if (suspended === null || suspended === undefined)
        found.push(...(await api.repositoriesOf(id, signal)));
    if (answer.length < pageSize) break;
  }
  const moved = await recordMoved(services, hub, found);
  const first = await database.transaction(async (client) => {
    await followMoved(client, forge, moved);
    await replaceRepositories(client, forge, found);
    return insertFirstComparisons(client, forge);
  });
  // Until its refs are taken down, nobody can tell what was there before.
  wakeUp(first);
}
