// Deletes logs and artifacts at GitHub in which values were found. That it will be done is in the audit log before, what
// became of it after; what fails is told and tried again, a few times.
import { z } from 'zod';
import { asGuardError } from '../../core/errors.ts';
import { GithubRefusal } from '../api.ts';
import { repositoryId } from '../hub.ts';
import { type RunScene, waitedFor } from './run-scene.ts';
import { itemEvent, type ItemIdentity } from './scanned-event.ts';
import { countFailure, type ItemKey, markDeleted, type WorkflowItem } from './workflow-store.ts';
import type { Postponed } from '../work-queue.ts';

export interface Doomed {
  readonly key: ItemKey;
  readonly item: WorkflowItem;
  readonly identity: ItemIdentity;
}

/** Failures after which nobody tries any more. */
export const mostFailures = 6;
const againSeconds = { first: 2, most: 600 } as const;

const routes = {
  log: 'DELETE /repos/{owner}/{repo}/actions/runs/{run_id}/logs',
  artifact: 'DELETE /repos/{owner}/{repo}/actions/artifacts/{artifact_id}',
} as const;

/**
 * Deletes what all of these lie in: the logs of a run together, or one artifact. `others` go with them and have nothing
 * in them. Says when to try again.
 */
export async function deleteItems(
  scene: RunScene,
  found: readonly Doomed[],
  others: readonly Doomed[],
): Promise<Postponed | undefined> {
  const [first] = found;
  if (first === undefined) return undefined;
  const { services } = scene;
  const failures = Math.max(...found.map(({ item }) => item.failures));
  for (const { identity } of [...found, ...others])
    await services.audit.append(itemEvent(identity, 'deleting', { tries: failures + 1 }));
  const refused = await sendDeletion(scene, first.key);
  if (refused === undefined) {
    const deletedAt = services.clock.now();
    for (const doomed of [...found, ...others]) {
      await services.audit.append(itemEvent(doomed.identity, 'deleted', windowOf(doomed, deletedAt)));
      await markDeleted(services.database, doomed.key);
    }
    return undefined;
  }
  const isFinal = failures + 1 >= mostFailures;
  for (const { key, identity, item } of found) {
    await services.audit.append(
      itemEvent(identity, 'deletion-failed', {
        code: refused,
        tries: failures + 1,
        final: isFinal,
        ...(item.exposedSince === null ? {} : { exposedSince: item.exposedSince.toISOString() }),
      }),
    );
    await countFailure(services.database, key);
  }
  return isFinal ? undefined : { againIn: Math.min(againSeconds.first * 3 ** failures, againSeconds.most) };
}

/** Undefined where it is gone, by whoever; otherwise why not. */
async function sendDeletion({ hub, place }: RunScene, { kind, id }: ItemKey): Promise<string | undefined> {
  const { repository, run, signal } = place;
  try {
    await hub.api.ask({
      repository,
      signal,
      route: routes[kind],
      parameters: kind === 'log' ? { run_id: run } : { artifact_id: id },
      permissions: { actions: 'write' },
      answer: z.unknown(),
    });
    return undefined;
  } catch (thrown) {
    if (thrown instanceof GithubRefusal)
      return thrown.status === 404 || thrown.status === 410 ? undefined : `github/${thrown.status}`;
    const { code } = asGuardError(thrown, 'internal', "couldn't delete what values were found in");
    if (waitedFor.has(code)) throw thrown;
    return code;
  }
}

/** From when a value could be read until now. */
function windowOf({ item }: Doomed, deletedAt: Date) {
  const { exposedSince, state } = item;
  if (exposedSince === null) return { found: state === 'found' };
  return {
    found: true,
    exposedSince: exposedSince.toISOString(),
    exposedUntil: deletedAt.toISOString(),
    exposedSeconds: Math.max(0, Math.round((deletedAt.getTime() - exposedSince.getTime()) / 1_000)),
  };
}

/** Tells of what was to be deleted in a run that is not looked at any more. */
export async function tellUndeleted(
  { services, hub, place }: Pick<RunScene, 'services' | 'hub' | 'place'>,
  items: readonly WorkflowItem[],
): Promise<void> {
  for (const { kind, id, request, attempt, exposedSince } of items) {
    if (hub.app.workflows[kind === 'log' ? 'logs' : 'artifacts'] !== 'delete') continue;
    await services.audit.append({
      action: `${kind}.deletion-failed`,
      request,
      actor: null,
      repository: repositoryId(hub, place.repository),
      details: {
        run: place.run,
        attempt,
        [kind === 'log' ? 'job' : 'artifact']: id,
        code: 'given-up',
        tries: mostFailures,
        final: true,
        ...(exposedSince === null ? {} : { exposedSince: exposedSince.toISOString() }),
      },
    });
  }
}
