// Which repositories installations of the App reach: these are the ones whose refs are compared.
import { z } from 'zod';
import type { Queryable } from '../../server/db.ts';
import { type ListedRepository, mostRepositories } from '../api.ts';
import type { Hub, HubServices } from '../hub.ts';
import { followMoved, recordMoved } from './moved.ts';
import { insertFirstComparisons, readClock, writeRepositories } from './round-store.ts';
import { accountSchema, type SightNote } from './sight-note.ts';
import { insertNote, type KnownRepository, markUnseen, readKnown } from './sight-store.ts';
import { tellSight } from './sight.ts';

const installationAnswer = z.object({
  id: z.int(),
  account: z
    .object({ login: z.string().max(200).optional() })
    .nullish()
    .catch(null),
  suspended_at: z.string().nullish(),
  suspended_by: accountSchema.nullish().catch(null),
});
const mostPages = 50;
const pageSize = 100;

interface Listing {
  readonly repositories: readonly ListedRepository[];
  /** What it says of repositories that are not in it, by what it is about. */
  readonly notes: ReadonlyMap<string, SightNote>;
  /** False where there is more than was read. */
  readonly isWhole: boolean;
}

/** Reads the list again, and tells what is out of sight or back. Rejects with an `upstream/…` error; the old list stays then. */
export async function refreshInstalled(services: HubServices, hub: Hub, signal: AbortSignal): Promise<void> {
  const { database, wakeUp } = services;
  const { forge } = hub;
  const readAt = await readClock(database);
  const known = await readKnown(database, forge);
  const first = await readListing(hub, signal);
  // What moves from one page to another while they are read is in the second reading.
  const isMissing = first.isWhole && missingIn(first, known);
  const listing = isMissing ? both(first, await readListing(hub, signal)) : first;
  const found = watchable(listing, known);
  const moved = await recordMoved(services, hub, found);
  const compared = await database.transaction(async (client: Queryable) => {
    await followMoved(client, forge, moved);
    await writeRepositories(client, forge, found, readAt);
    for (const [source, note] of listing.notes) await insertNote(client, forge, source, note);
    if (listing.isWhole)
      await markUnseen(
        client,
        forge,
        found.map(({ name }) => name.toLowerCase()),
      );
    return insertFirstComparisons(client, forge);
  });
  // Until its refs are taken down, nobody can tell what was there before.
  wakeUp(compared);
  await tellSight(services, hub);
}

async function readListing({ api }: Hub, signal: AbortSignal): Promise<Listing> {
  const repositories: ListedRepository[] = [];
  const notes = new Map<string, SightNote>();
  let [isEnd, isWhole] = [false, true];
  for (let page = 1; page <= mostPages && !isEnd; page += 1) {
    const { answer } = await api.askAsApp({
      route: 'GET /app/installations',
      parameters: { per_page: pageSize, page },
      answer: z.array(installationAnswer),
    });
    for (const { id, account, suspended_at: suspended, suspended_by: by } of answer)
      if (suspended === null || suspended === undefined) {
        const own = await api.repositoriesOf(id, signal);
        repositories.push(...own);
        isWhole &&= own.length < mostRepositories;
      } else
        notes.set(`suspended ${id} ${suspended}`, {
          reason: 'suspended',
          ids: [],
          account: account?.login ?? null,
          by: by ?? null,
        });
    isEnd = answer.length < pageSize;
  }
  for (const { id, state } of repositories)
    if (state === 'disabled')
      notes.set(`disabled ${id}`, { reason: 'disabled', ids: [id], account: null, by: null });
  return { repositories, notes, isWhole: isWhole && isEnd };
}

function missingIn({ repositories }: Listing, known: readonly KnownRepository[]): boolean {
  const ids = new Set(repositories.map(({ id }) => id));
  return known.some(({ id, isSeen }) => isSeen && (id === null || !ids.has(id)));
}

function both(first: Listing, second: Listing): Listing {
  const ids = new Set(second.repositories.map(({ id }) => id));
  const more = first.repositories.filter(({ id }) => !ids.has(id));
  return { ...second, repositories: [...second.repositories, ...more] };
}

/**
 * Nothing can be pushed to what is archived: it is only watched where it was before, because it may be opened, changed and
 * archived again in between. Of what GitHub has disabled nothing can be read.
 */
function watchable(
  { repositories }: Listing,
  known: readonly KnownRepository[],
): readonly ListedRepository[] {
  const ids = new Set(known.map(({ id }) => id));
  return repositories.filter(({ id, state }) => state === 'open' || (state === 'archived' && ids.has(id)));
}
