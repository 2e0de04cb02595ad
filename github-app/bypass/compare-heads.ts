// Compares where the refs of a repository stand with where they were known to stand. What no known push explains, twice
// in a row, is a push whose webhook was lost; GitHub's list of activities says who it was, where it can be had.
import { z } from 'zod';
import { compileGlobs } from '../../core/glob.ts';
import type { RemoteRefList } from '../../core/services.ts';
import { asGuardError } from '../../core/errors.ts';
import { GithubRefusal } from '../api.ts';
import type { Hub, HubServices } from '../hub.ts';
import { upsertWork } from '../store.ts';
import type { ToldPush } from '../work.ts';
import type { Postponed } from '../work-queue.ts';
import { gapOf, type Move } from './gap.ts';
import { markCompared, readMoves } from './ledger-store.ts';
import { isNone, isOfGithub } from './explain-push.ts';
import { refKey, shownRefs } from './ref-key.ts';
import {
  clearSuspicions,
  deleteHeads,
  hasOpenPushes,
  type HeadWrite,
  type KnownHead,
  markWatched,
  readHeads,
  readRepository,
  writeHeads,
} from './round-store.ts';
import { settlingSeconds } from './watch-push.ts';

/** So many pushes are found in one look; the next one finds more. */
const mostFound = 200;

interface Standing {
  readonly key: string;
  /** Undefined for a ref that was not there before. */
  readonly head: KnownHead | undefined;
  /** Empty for one that is not there any more. */
  readonly ref: string;
  readonly known: string;
  readonly actual: string;
}

/** Compares once. Says when to look again where something is not explained yet. */
export async function compareHeads(
  services: HubServices,
  hub: Hub,
  repository: string,
  signal: AbortSignal,
): Promise<Postponed | undefined> {
  const { database, ledger, clock, scanner } = services;
  const { forge } = hub;
  const place = await readRepository(database, forge, repository);
  if (place === undefined) return undefined;
  if (await hasOpenPushes(database, forge, repository)) return { againIn: 1 };
  const readAt = clock.now();
  const refs = watchedRefs(hub, await services.refs.refsOf(`${forge}/${place.name}`, signal));
  // After the refs: whatever the guard has brought there was in its log before.
  await ledger.catchUp();
  const heads = await readHeads(database, forge, repository);
  const changed = changesBetween(heads, refs);
  const shown = await shownRefs(
    scanner,
    changed.map(({ ref }) => ref),
    signal,
  );
  const isFirst = place.watchedSince === null;
  const writes: HeadWrite[] = [];
  let found = 0;
  const keys = changed.map(({ key }) => key);
  const moves = isFirst ? undefined : readMoves(database, forge, repository, keys);
  for (const [index, standing] of changed.entries()) {
    const { key, known, actual, head } = standing;
    const moved = await moves?.next();
    const name = head?.shown ?? shown[index]?.text ?? '';
    const gap = moved?.done === false ? gapOf(known, actual, moved.value) : undefined;
    const isSure =
      head?.suspect === actual && (head.suspectSeconds ?? 0) >= settlingSeconds(hub) && found < mostFound;
    const isOpen = gap !== undefined && !isSure;
    writes.push({
      refKey: key,
      shown: name,
      oid: isOpen ? known : actual,
      suspect: isOpen ? actual : null,
    });
    if (gap === undefined || isOpen) continue;
    found += 1;
    const ref = standing.ref === '' ? name : standing.ref;
    await putPushes(services, hub, place.name, ref, gap, readAt, signal);
  }
  const suspects = writes.filter(({ suspect }) => suspect !== null).map((write) => write.refKey);
  const gone = writes.filter(({ oid, suspect }) => suspect === null && isNone(oid));
  await database.transaction(async (client) => {
    await writeHeads(client, forge, repository, writes);
    await deleteHeads(
      client,
      forge,
      repository,
      gone.map((write) => write.refKey),
    );
    await clearSuspicions(client, forge, repository, keys);
    await markCompared(client, forge, repository, readAt, suspects);
    if (isFirst) await markWatched(client, forge, repository);
  });
  return suspects.length === 0 ? undefined : { againIn: settlingSeconds(hub) };
}

type Refs = ReadonlyMap<string, { readonly ref: string; readonly oid: string }>;

function watchedRefs(hub: Hub, { refs }: RemoteRefList): Refs {
  const isWatched = compileGlobs(hub.app.bypass.refs);
  return new Map(
    refs
      .filter(({ name }) => isWatched(name) && !isOfGithub(name))
      .map(({ name, oid }) => [refKey(name), { ref: name, oid }]),
  );
}

function changesBetween(heads: ReadonlyMap<string, KnownHead>, refs: Refs): readonly Standing[] {
  const changed: Standing[] = [];
  for (const [key, { ref, oid }] of refs) {
    const head = heads.get(key);
    if (head?.oid !== oid) changed.push({ key, head, ref, known: head?.oid ?? noneLike(oid), actual: oid });
  }
  for (const [key, head] of heads)
    if (!refs.has(key)) changed.push({ key, head, ref: '', known: head.oid, actual: noneLike(head.oid) });
  return changed;
}

const noneLike = (oid: string): string => '0'.repeat(oid.length);

const activityAnswer = z.object({
  before: z.string(),
  after: z.string(),
  activity_type: z.string(),
  actor: z.object({ login: z.string().max(200), id: z.int(), type: z.string().max(100) }).nullable(),
});

/** Puts the pushes in that make up a gap: as GitHub tells them, or where it does not, as one. */
async function putPushes(
  { database, wakeUp }: HubServices,
  hub: Hub,
  repository: string,
  ref: string,
  gap: Move,
  at: Date,
  signal: AbortSignal,
): Promise<void> {
  const activities = await activitiesOf(hub, repository, ref, signal);
  const chain = chainOf(gap, activities);
  const pushes = chain.length > 0 ? chain : [{ ...gap, activity_type: '', actor: null }];
  for (const { before, after, activity_type: type, actor } of pushes) {
    const data: ToldPush = {
      ref,
      before,
      after,
      isForced: type === 'force_push',
      commits: null,
      by: actor,
      pusher: null,
      delivery: null,
    };
    const subject = `${refKey(ref).slice(0, 16)} ${before} ${after} ${at.getTime()}`;
    const work = await upsertWork(database, { forge: hub.forge, repository, kind: 'push', subject, data });
    wakeUp([work]);
  }
}

type Activity = z.output<typeof activityAnswer>;

/** The activities that lead over a gap, oldest first; none where some are missing. */
function chainOf({ before, after }: Move, activities: readonly Activity[]): readonly Activity[] {
  const chain: Activity[] = [];
  // Newest first: each is the one before in time.
  for (const activity of activities) {
    if (activity.after !== (chain.at(-1)?.before ?? after)) continue;
    chain.push(activity);
    if (activity.before === before) return chain.toReversed();
  }
  return [];
}

async function activitiesOf(
  { api }: Hub,
  repository: string,
  ref: string,
  signal: AbortSignal,
): Promise<readonly Activity[]> {
  try {
    return await api.ask({
      repository,
      signal,
      route: 'GET /repos/{owner}/{repo}/activity',
      parameters: { ref, per_page: 100 },
      permissions: { contents: 'read' },
      answer: z.array(activityAnswer),
    });
  } catch (thrown) {
    // An older server has no such list.
    if (thrown instanceof GithubRefusal) return [];
    throw asGuardError(thrown, 'internal', "couldn't read the activities of a repository");
  }
}
