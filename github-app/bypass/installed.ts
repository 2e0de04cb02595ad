// Which repositories installations of the App reach: these are the ones whose refs are compared.
import { z } from 'zod';
import type { Hub, HubServices } from '../hub.ts';
import { insertFirstComparisons, replaceRepositories } from './round-store.ts';

const installationAnswer = z.object({ id: z.int(), app_id: z.int(), suspended_at: z.string().nullish() });
const mostPages = 50;
const pageSize = 100;

/** Reads the list again. Rejects with an `upstream/…` error; the old list stays then. */
export async function refreshInstalled(
  { database, wakeUp }: HubServices,
  { api, forge }: Hub,
  signal: AbortSignal,
): Promise<void> {
  const names: string[] = [];
  for (let page = 1; page <= mostPages; page += 1) {
    const { answer } = await api.askAsApp({
      route: 'GET /app/installations',
      parameters: { per_page: pageSize, page },
      answer: z.array(installationAnswer),
    });
    for (const { id, suspended_at: suspended } of answer)
      if (suspended === null || suspended === undefined)
        names.push(...(await api.repositoriesOf(id, signal)));
    if (answer.length < pageSize) break;
  }
  const first = await database.transaction(async (client) => {
    await replaceRepositories(client, forge, names);
    return insertFirstComparisons(client, forge);
  });
  // Until its refs are taken down, nobody can tell what was there before.
  wakeUp(first);
}
