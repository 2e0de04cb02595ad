// Looks at a run of a workflow as it is now: at each log and artifact once, however often and in whatever order webhooks
// come and whenever a guard dies, and deletes, once the run has ended, what is to be deleted.
import { asGuardError } from '../../core/errors.ts';
import {
  closeGone,
  closeItems,
  deleteItems,
  type Doomed,
  isAnnounced,
  isDoomed,
  tellUndeleted,
} from './delete-item.ts';
import type { Hub, HubServices } from '../hub.ts';
import { type KnownItem, knownItems } from './known-items.ts';
import { isAbsent } from './read-log.ts';
import { keyOf, type RunScene, waitedFor } from './run-scene.ts';
import { lookAtArtifact } from './scan-artifact.ts';
import { copyKnownLog, lookAtLog } from './scan-log.ts';
import {
  readArtifacts,
  readJobs,
  readRun,
  type RunPlace,
  type WorkflowJob,
  type WorkflowRun,
} from './workflow-run.ts';
import type { ItemKind } from './workflow-store.ts';
import type { Postponed } from '../work-queue.ts';

/** Seconds until a run is looked at again that has not ended, or was started again. */
const atItsEnd = 120;
const soon = 2;

/** Looks, records, deletes. Says when to look again; rejects where it has to be tried again. */
export async function evaluateRun(
  services: HubServices,
  hub: Hub,
  place: RunPlace,
  isLastTry: boolean,
): Promise<Postponed | undefined> {
  let run: WorkflowRun;
  try {
    run = await readRun(hub, place);
  } catch (thrown) {
    if (!isAbsent(thrown)) throw thrown;
    await closeRun(services, hub, place);
    return undefined;
  }
  const scene: RunScene = { services, hub, place, run, isLastTry };
  const { logs, artifacts } = hub.app.workflows;
  const times: (Postponed | undefined)[] = [];
  await eachOf(
    [logs === 'off' ? [] : [lookAtLogs], artifacts === 'off' ? [] : [lookAtArtifacts]].flat(),
    (look) => look(scene).then((time) => void times.push(time)),
  );
  return sooner(times);
}

/** Does it for each, whatever becomes of the others; rejects then as the first that failed. */
async function eachOf<T>(all: readonly T[], act: (one: T) => Promise<void>): Promise<void> {
  let failed: { readonly thrown: unknown } | undefined;
  for (const one of all) {
    try {
      await act(one);
    } catch (thrown) {
      // What is down for one is down for the others.
      if (waitedFor.has(asGuardError(thrown, 'internal', "couldn't look at a run").code)) throw thrown;
      failed ??= { thrown };
    }
  }
  if (failed !== undefined) throw failed.thrown;
}

function sooner(times: readonly (Postponed | undefined)[]): Postponed | undefined {
  const seconds = times.flatMap((time) => (time === undefined ? [] : [time.againIn]));
  return seconds.length === 0 ? undefined : { againIn: Math.min(...seconds) };
}

/** Nobody looks at the run any more: what was to be deleted in it and is there still is told. */
export async function abandonRun(services: HubServices, hub: Hub, place: RunPlace): Promise<void> {
  for (const kind of deletedKinds(hub)) {
    const left = (await knownItems({ services, hub, place }, kind, [])).filter(isDoomed);
    await tellUndeleted({ services, hub, place }, left);
  }
}

/** The run is deleted, and with it whatever lay in it. */
async function closeRun(services: HubServices, hub: Hub, place: RunPlace): Promise<void> {
  const scene = { services, hub, place };
  for (const kind of deletedKinds(hub)) {
    const gone = (await knownItems(scene, kind, [])).filter((item) => isDoomed(item) || isAnnounced(item));
    await closeItems(
      scene,
      gone.flatMap((item) => doomedOf(scene, kind, item) ?? []),
    );
  }
}

function deletedKinds({ app: { workflows } }: Hub): readonly ItemKind[] {
  return [
    ...(workflows.logs === 'delete' ? (['log'] as const) : []),
    ...(workflows.artifacts === 'delete' ? (['artifact'] as const) : []),
  ];
}

function doomedOf(scene: Pick<RunScene, 'hub'>, kind: ItemKind, item: KnownItem): Doomed | undefined {
  const { record } = item;
  return record === undefined
    ? undefined
    : { key: keyOf(scene, kind, item.id), item, identity: record.identity };
}

async function lookAtLogs(scene: RunScene): Promise<Postponed | undefined> {
  const { hub, place } = scene;
  const ended = (await readJobs(hub, place)).filter(({ status }) => status === 'completed');
  const ids = ended.map(({ id }) => id);
  const known = new Set((await knownItems(scene, 'log', ids)).map(({ id }) => id));
  const waits: Postponed[] = [];
  await eachOf(
    ended.filter(({ id }) => !known.has(id)),
    async (job) => {
      const looked = await lookAtLog(scene, job);
      if (looked.kind === 'waits') waits.push({ againIn: looked.seconds });
    },
  );
  if (waits.length > 0) return sooner(waits);
  const logs = (await knownItems(scene, 'log', ids)).filter(
    ({ state, deletedAt }) => state !== 'absent' && deletedAt === null,
  );
  const keepsAll = hub.app.workflows.keepLogs === 'all';
  await copyMissing(
    scene,
    logs.filter(({ state }) => state === 'found' || keepsAll),
    ended,
  );
  return hub.app.workflows.logs === 'delete' ? deleteLogs(scene, ended) : undefined;
}

/** GitHub deletes the logs of a run together, those of other jobs as well: all of them are copied before. */
async function deleteLogs(scene: RunScene, jobs: readonly WorkflowJob[]): Promise<Postponed | undefined> {
  const { hub, place, run } = scene;
  const logs = await leftOf(scene);
  const left = await closeGone(
    scene,
    logs.flatMap((item) => doomedOf(scene, 'log', item) ?? []),
  );
  if (!left.some(({ item }) => isDoomed(item))) return undefined;
  if (run.status !== 'completed') return { againIn: atItsEnd };
  await copyMissing(scene, logs, jobs);
  // Looking takes its time: whoever starts the run again meanwhile adds logs that nobody has looked at.
  const now = await readRun(hub, place);
  if (now.status !== 'completed') return { againIn: atItsEnd };
  return now.run_attempt === run.run_attempt ? deleteItems(scene, left) : { againIn: soon };
}

/** The logs of the run that are there still, where values were found in some of them. */
async function leftOf(scene: RunScene): Promise<readonly KnownItem[]> {
  const logs = (await knownItems(scene, 'log', [])).filter(
    ({ state, deletedAt }) => state !== 'absent' && deletedAt === null,
  );
  return logs.some((log) => isDoomed(log) || isAnnounced(log)) ? logs : [];
}

async function lookAtArtifacts(scene: RunScene): Promise<Postponed | undefined> {
  const { hub, place } = scene;
  const artifacts = await readArtifacts(hub, place);
  const ids = artifacts.map(({ id }) => id);
  const known = new Set((await knownItems(scene, 'artifact', ids)).map(({ id }) => id));
  await eachOf(
    artifacts.filter(({ id }) => !known.has(id)),
    (artifact) => lookAtArtifact(scene, artifact),
  );
  if (hub.app.workflows.artifacts === 'scan') return undefined;
  const items = await knownItems(scene, 'artifact', ids);
  const times: (Postponed | undefined)[] = [];
  await eachOf(
    items.filter((item) => isDoomed(item) || isAnnounced(item)),
    async (item) => {
      const artifact = artifacts.find(({ id, expired }) => id === item.id && !expired);
      const doomed = doomedOf(scene, 'artifact', item);
      if (doomed === undefined) return;
      if (artifact === undefined) await closeItems(scene, [doomed]);
      else times.push(await deleteItems(scene, [doomed]));
    },
  );
  return sooner(times);
}

/** Keeps copies of those that have none. */
async function copyMissing(
  scene: RunScene,
  items: readonly KnownItem[],
  jobs: readonly WorkflowJob[],
): Promise<void> {
  for (const { id, keptAt } of items) {
    const job = jobs.find((one) => one.id === id);
    if (keptAt === null && job !== undefined) await copyKnownLog(scene, job);
  }
}
