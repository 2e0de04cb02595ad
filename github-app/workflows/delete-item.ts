// Deletes logs and artifacts at GitHub in which values were found. That it will be done is in the audit log before, what
// became of it after; what fails is told and tried again, a few times. Where a guard died in between, what is on record is
// not said again: it is asked whether the thing is there still, and the deletion goes on or is told as done.
import { z } from 'zod';
import { asGuardError } from '../../core/errors.ts';
import { GithubRefusal } from '../api.ts';
import { repositoryId } from '../hub.ts';
import { ownCodes } from './item-record.ts';
import type { KnownItem } from './known-items.ts';
import { isAbsent } from './read-log.ts';
import { type RunScene, waitedFor } from './run-scene.ts';
import { itemEvent, type ItemIdentity } from './scanned-event.ts';
import { locateArtifact, locateLog, readRun } from './workflow-run.ts';
import { countFailure, type ItemKey, markDeleted } from './workflow-store.ts';
import type { Postponed } from '../work-queue.ts';

export interface Doomed {
  readonly key: ItemKey;
  readonly item: KnownItem;
  readonly identity: ItemIdentity;
}

type Place = Pick<RunScene, 'services' | 'hub' | 'place'>;

/** Failures after which nobody tries any more. */
const mostFailures = 6;
const againSeconds = { first: 2, most: 600 } as const;
/** Until it is looked at again whether a run that was started again has ended. */
const restartedSeconds = 120;

const routes = {
  log: 'DELETE /repos/{owner}/{repo}/actions/runs/{run_id}/logs',
  artifact: 'DELETE /repos/{owner}/{repo}/actions/artifacts/{artifact_id}',
} as const;

/** True for what is to be deleted and was not tried too often. */
export function isDoomed({ state, deletedAt, failures }: KnownItem): boolean {
  return state === 'found' && deletedAt === null && failures < mostFailures;
}

/** True where its deletion was announced and nothing more is on record. */
export function isAnnounced({ record, deletedAt }: KnownItem): boolean {
  return record?.announcedAt !== undefined && deletedAt === null;
}

/**
 * Deletes what all of these lie in: the logs of a run together, or one artifact. Those without values go with the others.
 * Says when to try again.
 */
export async function deleteItems(
  scene: RunScene,
  doomed: readonly Doomed[],
): Promise<Postponed | undefined> {
  const [first] = doomed.toSorted(
    (left, right) => Number(isDoomed(right.item)) - Number(isDoomed(left.item)),
  );
  if (first === undefined) return undefined;
  const { services } = scene;
  const tries =
    1 + Math.max(0, ...doomed.filter(({ item }) => isDoomed(item)).map(({ item }) => item.failures));
  const announcedAt = services.clock.now();
  for (const { identity, item } of doomed)
    if (!isAnnounced(item)) await services.audit.append(itemEvent(identity, 'deleting', { tries }));
  const sent = await sendDeletion(scene, first.key);
  if (sent.kind === 'refused') return recordFailure(scene, doomed, tries, sent);
  const deletedAt = services.clock.now();
  for (const one of doomed) {
    // An earlier request whose answer was lost may have done it: by whom and when is not known to the second.
    const isSettled = sent.kind === 'gone' || isAnnounced(one.item);
    const since = one.item.record?.announcedAt ?? announcedAt;
    await close(scene, one, deletedAt, isSettled ? settledAfter(since) : {});
  }
  return undefined;
}

/** Tells of those that are not there any more, and gives the others. Only what may be gone is asked for. */
export async function closeGone(scene: RunScene, doomed: readonly Doomed[]): Promise<readonly Doomed[]> {
  const left: Doomed[] = [];
  for (const one of doomed) {
    const mayBeGone = isAnnounced(one.item) || (one.item.state === 'found' && one.item.keptAt === null);
    if (mayBeGone && (await isGone(scene, one.key))) await closeItems(scene, [one]);
    else left.push(one);
  }
  return left;
}

/** Tells of what is gone: by the deletion that was announced, or by somebody else's doing. */
export async function closeItems(scene: Place, gone: readonly Doomed[]): Promise<void> {
  const now = scene.services.clock.now();
  for (const one of gone) {
    const { record } = one.item;
    const announcedAt = record?.announcedAt;
    await close(scene, one, now, {
      ...settledAfter(announcedAt ?? record?.seenAt),
      ...(announcedAt === undefined ? { byOthers: true } : {}),
    });
  }
}

async function close(
  { services }: Place,
  { key, item, identity }: Doomed,
  until: Date,
  more: Readonly<Record<string, string | boolean>>,
): Promise<void> {
  await services.audit.append(itemEvent(identity, 'deleted', { ...windowOf(item, until), ...more }));
  await markDeleted(services.database, key);
}

/** It was there at that time, and was not any more when the guard asked. */
function settledAfter(at: Date | undefined): Readonly<Record<string, string | boolean>> {
  return { settled: true, ...(at === undefined ? {} : { deletedAfter: at.toISOString() }) };
}

async function isGone({ hub, place }: RunScene, { kind, id }: ItemKey): Promise<boolean> {
  try {
    await (kind === 'log' ? locateLog : locateArtifact)(hub.api, place, id);
    return false;
  } catch (thrown) {
    if (isAbsent(thrown)) return true;
    throw thrown;
  }
}

type Sent =
  | { readonly kind: 'deleted' }
  /** It is not there any more, whoever it was. */
  | { readonly kind: 'gone' }
  /** It is there still. `isEarly`: only because the run goes on again. */
  | { readonly kind: 'refused'; readonly code: string; readonly isEarly: boolean };

async function sendDeletion(scene: RunScene, key: ItemKey): Promise<Sent> {
  const { hub, place } = scene;
  const { repository, run, signal } = place;
  try {
    await hub.api.ask({
      repository,
      signal,
      route: routes[key.kind],
      parameters: key.kind === 'log' ? { run_id: run } : { artifact_id: key.id },
      permissions: { actions: 'write' },
      answer: z.unknown(),
    });
    return { kind: 'deleted' };
  } catch (thrown) {
    if (isAbsent(thrown)) return { kind: 'gone' };
    if (thrown instanceof GithubRefusal) {
      const isEarly = key.kind === 'log' && (await readRun(hub, place)).status !== 'completed';
      return { kind: 'refused', code: isEarly ? ownCodes.restarted : `github/${thrown.status}`, isEarly };
    }
    const { code } = asGuardError(thrown, 'internal', "couldn't delete what values were found in");
    if (waitedFor.has(code)) throw thrown;
    // Without an answer GitHub may have done it all the same: nothing is told before it is known.
    return (await isGone(scene, key)) ? { kind: 'gone' } : { kind: 'refused', code, isEarly: false };
  }
}

async function recordFailure(
  { services }: RunScene,
  doomed: readonly Doomed[],
  tries: number,
  { code, isEarly }: Extract<Sent, { readonly kind: 'refused' }>,
): Promise<Postponed | undefined> {
  const isFinal = !isEarly && tries >= mostFailures;
  for (const { key, identity, item } of doomed) {
    await services.audit.append(
      itemEvent(identity, 'deletion-failed', {
        code,
        found: item.state === 'found',
        tries,
        final: isFinal,
        ...(item.exposedSince === null ? {} : { exposedSince: item.exposedSince.toISOString() }),
      }),
    );
    if (!isEarly) await countFailure(services.database, key);
  }
  if (isEarly) return { againIn: restartedSeconds };
  return isFinal
    ? undefined
    : { againIn: Math.min(againSeconds.first * 3 ** (tries - 1), againSeconds.most) };
}

/** From when a value could be read until now. */
function windowOf({ exposedSince, state }: KnownItem, until: Date) {
  if (exposedSince === null) return { found: state === 'found' };
  return {
    found: true,
    exposedSince: exposedSince.toISOString(),
    exposedUntil: until.toISOString(),
    exposedSeconds: Math.max(0, Math.round((until.getTime() - exposedSince.getTime()) / 1_000)),
  };
}

/** Tells, once, of what was to be deleted in a run that is not looked at any more. */
export async function tellUndeleted(
  { services, hub, place }: Place,
  items: readonly KnownItem[],
): Promise<void> {
  for (const { kind, id, request, attempt, exposedSince, record } of items) {
    if (record?.isGivenUp === true) continue;
    const where = { run: place.run, attempt, [kind === 'log' ? 'job' : 'artifact']: id };
    await services.audit.append({
      action: `${kind}.deletion-failed`,
      request,
      actor: record?.identity.actor ?? null,
      repository: repositoryId(hub, place.repository),
      details: {
        ...(record?.identity.where ?? where),
        code: ownCodes.givenUp,
        found: true,
        tries: mostFailures,
        final: true,
        ...(exposedSince === null ? {} : { exposedSince: exposedSince.toISOString() }),
      },
    });
  }
}
