// Looks at a run of a workflow as it is now: at each log and artifact once, however often and in whatever order webhooks
// come, and deletes, once the run has ended, what is to be deleted.
import { deleteItems, type Doomed, mostFailures, tellUndeleted } from './delete-item.ts';
import type { Hub, HubServices } from '../hub.ts';
import { isAbsent } from './read-log.ts';
import { identityOf, keyOf, type RunScene } from './run-scene.ts';
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
import { listItems, type WorkflowItem } from './workflow-store.ts';
import type { Postponed } from '../work-queue.ts';

/** Seconds until a run is looked at again whose logs are not there yet, or that has not ended. */
const soon = 2;
const atItsEnd = 120;

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
    // Whoever deletes a run deletes its logs.
    if (isAbsent(thrown)) return undefined;
    throw thrown;
  }
  const scene: RunScene = { services, hub, place, run, isLastTry };
  const { logs, artifacts } = hub.app.workflows;
  return sooner([
    logs === 'off' ? undefined : await lookAtLogs(scene),
    artifacts === 'off' ? undefined : await lookAtArtifacts(scene),
  ]);
}

/** Nobody looks at the run any more: what was to be deleted in it and is there still is told. */
export async function abandonRun(services: HubServices, hub: Hub, place: RunPlace): Promise<void> {
  const items = await listItems(services.database, hub.forge, place.repository, place.run);
  const left = items.filter(
    ({ state, deletedAt, failures }) => state === 'found' && deletedAt === null && failures < mostFailures,
  );
  await tellUndeleted({ services, hub, place }, left);
}

function sooner(times: readonly (Postponed | undefined)[]): Postponed | undefined {
  const seconds = times.flatMap((time) => (time === undefined ? [] : [time.againIn]));
  return seconds.length === 0 ? undefined : { againIn: Math.min(...seconds) };
}

const itemsOf = ({ services, hub, place }: RunScene): Promise<readonly WorkflowItem[]> =>
  listItems(services.database, hub.forge, place.repository, place.run);

async function lookAtLogs(scene: RunScene): Promise<Postponed | undefined> {
  const { hub, place, run } = scene;
  const ended = (await readJobs(hub, place)).filter(({ status }) => status === 'completed');
  const known = new Set((await itemsOf(scene)).flatMap(({ kind, id }) => (kind === 'log' ? [id] : [])));
  let waits = false;
  for (const job of ended) if (!known.has(job.id) && (await lookAtLog(scene, job)) === 'waits') waits = true;
  if (waits) return { againIn: soon };
  const logs = (await itemsOf(scene)).filter(({ kind, deletedAt }) => kind === 'log' && deletedAt === null);
  await copyMissing(
    scene,
    logs.filter(({ state }) => state === 'found'),
    ended,
  );
  if (hub.app.workflows.logs === 'scan') return undefined;
  const found = logs.filter(({ state, failures }) => state === 'found' && failures < mostFailures);
  if (found.length === 0) return undefined;
  return run.status === 'completed' ? deleteLogs(scene, ended, logs) : { againIn: atItsEnd };
}

async function lookAtArtifacts(scene: RunScene): Promise<Postponed | undefined> {
  const { hub, place } = scene;
  const artifacts = await readArtifacts(hub, place);
  const known = new Set((await itemsOf(scene)).flatMap(({ kind, id }) => (kind === 'artifact' ? [id] : [])));
  for (const artifact of artifacts) if (!known.has(artifact.id)) await lookAtArtifact(scene, artifact);
  if (hub.app.workflows.artifacts === 'scan') return undefined;
  const times: (Postponed | undefined)[] = [];
  for (const item of await itemsOf(scene)) {
    const artifact = artifacts.find(({ id }) => item.kind === 'artifact' && id === item.id);
    const isDoomed = item.state === 'found' && item.deletedAt === null && item.failures < mostFailures;
    if (artifact === undefined || !isDoomed) continue;
    const identity = await identityOf(scene, 'artifact', { ...artifact, attempt: item.attempt });
    const key = keyOf(scene, 'artifact', artifact.id);
    times.push(await deleteItems(scene, [{ key, item, identity }], []));
  }
  return sooner(times);
}

/** Keeps copies of those that have none. */
async function copyMissing(
  scene: RunScene,
  items: readonly WorkflowItem[],
  jobs: readonly WorkflowJob[],
): Promise<void> {
  for (const { id, keptAt, state } of items) {
    const job = jobs.find((one) => one.id === id);
    if (keptAt === null && state !== 'absent' && job !== undefined) await copyKnownLog(scene, job);
  }
}

/** GitHub deletes the logs of a run together, those of other jobs as well: all of them are copied before. */
async function deleteLogs(
  scene: RunScene,
  jobs: readonly WorkflowJob[],
  logs: readonly WorkflowItem[],
): Promise<Postponed | undefined> {
  await copyMissing(scene, logs, jobs);
  const doomed: Doomed[] = [];
  for (const item of logs) {
    const job = jobs.find(({ id }) => id === item.id);
    if (job === undefined || item.state === 'absent') continue;
    const identity = await identityOf(scene, 'log', { ...job, attempt: job.run_attempt });
    doomed.push({ key: keyOf(scene, 'log', job.id), item, identity });
  }
  const [found, others] = [
    doomed.filter(({ item }) => item.state === 'found'),
    doomed.filter(({ item }) => item.state !== 'found'),
  ];
  return deleteItems(scene, found, others);
}
