// The posture of guarded repositories: read through the queue, kept, and read anew where it is old and somebody looks.
import type { PostureService } from '../../core/posture.ts';
import type { Hub, HubServices } from '../hub.ts';
import { upsertWork } from '../store.ts';
import { readFormerName } from '../bypass/names-store.ts';
import { isUnseen } from '../bypass/sight-store.ts';
import { judgePosture } from './judge-posture.ts';
import { namePoint } from './name-point.ts';
import { inSight, outOfSight } from './sight-point.ts';
import { listPostures, writePosture } from './posture-store.ts';
import { readSettings } from './read-settings.ts';

const oldSeconds = 900;
/** So long it is to do that a name has changed. */
const formerDays = 30;

/** Reads the posture of a repository; nothing can be read of one that is out of sight. Rejects as `readSettings` does. */
export async function readPosture(
  { database }: Pick<HubServices, 'database'>,
  hub: Hub,
  repository: string,
  signal: AbortSignal,
): Promise<void> {
  if (await isUnseen(database, hub.forge, repository)) return;
  const settings = await readSettings(hub, repository, signal);
  const url = settings.repository.html_url;
  const former = await readFormerName(database, hub.forge, repository, formerDays);
  const points = [...judgePosture(settings, hub.url), namePoint(hub.forge, former, url), inSight];
  await writePosture(database, hub.forge, repository, url, points);
}

/** The port. Forges that are no GitHub with an App have no posture. */
export function createPosture(
  { database, wakeUp }: Pick<HubServices, 'database' | 'wakeUp'>,
  forges: readonly string[],
): PostureService {
  const known = new Set(forges);

  async function refresh(repositories: readonly string[]): Promise<void> {
    for (const named of repositories) {
      const at = named.indexOf('/');
      const [forge, repository] = [named.slice(0, at), named.slice(at + 1)];
      if (!known.has(forge)) continue;
      const work = { forge, repository, kind: 'posture', subject: 'settings', data: {} } as const;
      wakeUp([await upsertWork(database, work)]);
    }
  }

  return {
    refresh,
    list: async (after, limit) => {
      const rows = await listPostures(database, forges, after, limit, oldSeconds);
      await refresh(rows.filter(({ isOld }) => isOld).map(({ repository }) => repository));
      return rows.map(({ repository, url, readAt, points, unseen }) => {
        // What was read before it went out of sight says nothing any more.
        if (unseen !== null)
          return { repository, url, readAt: unseen.since, points: [outOfSight(unseen, url)] };
        return { repository, url, readAt: points === null ? null : readAt, points: points ?? [] };
      });
    },
  };
}
