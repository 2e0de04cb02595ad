// Looks at the log of a job that has ended: scans it, asks the policy, records both. What a rule acts on is copied,
// redacted, before anything is done to the log itself.
import { setTimeout as sleep } from 'node:timers/promises';
import { asGuardError, type ErrorCode, GuardError } from '../../core/errors.ts';
import type { Finding } from '../../scanners/finding.ts';
import { scannedState, unscannedState } from './item-record.ts';
import { keepLog } from './keep-log.ts';
import { appendOnce } from './known-items.ts';
import { LineTimes } from './line-times.ts';
import { logPath } from './log-copy.ts';
import { textOf } from './log-lines.ts';
import { isAbsent, readLog } from './read-log.ts';
import {
  identityOf,
  isTooLate,
  judgeItem,
  keyOf,
  patienceMs,
  type RunScene,
  waitedFor,
} from './run-scene.ts';
import { itemEvent, type ItemIdentity, scannedEvent } from './scanned-event.ts';
import type { WorkflowJob } from './workflow-run.ts';
import { insertItem, markKept } from './workflow-store.ts';

/** `waits`: the log is not there yet; seconds until it is worth to look again. */
export type Looked = { readonly kind: 'done' } | { readonly kind: 'waits'; readonly seconds: number };

const done: Looked = { kind: 'done' };

interface Scanned {
  readonly findings: readonly Finding[];
  readonly bytes: number;
  readonly isCut: boolean;
  readonly times: LineTimes;
}

/** Looks at a log that nobody has looked at. Rejects where it has to be tried again. */
export async function lookAtLog(scene: RunScene, job: WorkflowJob): Promise<Looked> {
  // Before the log is read: whoever deletes the run meanwhile does not hide what was found.
  const identity = await identityOf(scene, 'log', { ...job, attempt: job.run_attempt });
  let scanned: Scanned;
  try {
    scanned = await patientScan(scene, job);
  } catch (thrown) {
    const endedAt = job.completed_at ?? job.started_at;
    if (isAbsent(thrown)) {
      const ageMs = Math.max(0, scene.services.clock.now().getTime() - endedAt.getTime());
      if (thrown.status === 404 && ageMs < patienceMs && !hasNoLog(job))
        return { kind: 'waits', seconds: waitSeconds(ageMs) };
      await recordUnread(scene, job, identity, thrown.status === 410 ? 'gone' : 'absent');
      return done;
    }
    const { code } = asGuardError(thrown, 'internal', "couldn't read a log");
    if (!isTooLate(scene, endedAt) || waitedFor.has(code)) throw thrown;
    await recordUnread(scene, job, identity, code);
    return done;
  }
  await record(scene, job, identity, scanned);
  return done;
}

/** A log is usually there within seconds; the longer it is not, the more seldom it is asked for. */
const waitSeconds = (ageMs: number): number => Math.min(60, Math.max(2, Math.round(ageMs / 4_000)));

/** Whether none is to be expected: nothing of the job ever ran. */
function hasNoLog({ conclusion, runner_id: runner }: WorkflowJob): boolean {
  const hasRun = runner !== undefined && runner !== null && runner !== 0;
  return conclusion === 'skipped' || (conclusion === 'cancelled' && !hasRun);
}

const quickTries = 3;

/** A download that breaks off is begun anew at once, a few times. */
async function patientScan(scene: RunScene, job: WorkflowJob): Promise<Scanned> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await scanLog(scene, job);
    } catch (thrown) {
      const isBroken = thrown instanceof GuardError && thrown.code === 'upstream/unreachable';
      if (!isBroken || tries === quickTries) throw thrown;
      await sleep(500 * tries, undefined, { signal: scene.place.signal });
    }
  }
}

async function scanLog({ services, hub, place }: RunScene, job: WorkflowJob): Promise<Scanned> {
  const { pieces, progress } = readLog(hub, place, job.id);
  const times = new LineTimes();
  async function* text(): AsyncGenerator<Uint8Array> {
    for await (const batch of pieces) {
      for (const { at, endsLine } of batch) if (endsLine) times.add(at);
      yield textOf(batch);
    }
  }
  const target = { kind: 'file', path: logPath } as const;
  const { findings } = await services.scanner.scanStream(target, text(), place.signal);
  return { findings, times, bytes: progress.bytes, isCut: progress.isCut };
}

/** When the first of these could be read. */
function exposedSince(findings: readonly Finding[], times: LineTimes, job: WorkflowJob): Date {
  const written = findings.flatMap(({ line }) => times.at(line) ?? []).filter((at) => at > 0);
  return written.length === 0 ? job.started_at : new Date(Math.min(...written));
}

async function record(
  scene: RunScene,
  job: WorkflowJob,
  identity: ItemIdentity,
  scanned: Scanned,
): Promise<void> {
  const { services, hub, place } = scene;
  const { findings, isCut, bytes, times } = scanned;
  const verdict = judgeItem(services, 'log', { ...identity, bytes, findings });
  const blamed = verdict.reasons.flatMap((reason) =>
    reason.findings.flatMap((index) => findings[index] ?? []),
  );
  const isHit = verdict.kind !== 'allow';
  const since = isHit ? exposedSince(blamed, times, job) : null;
  await appendOnce(
    scene,
    job.id,
    scannedEvent(identity, {
      verdict,
      findings,
      bytes,
      isCut,
      exposedSince: since,
      fingerprintKey: services.scanner.fingerprintKey,
      catalogDigest: services.scanner.catalogDigest,
      more: {
        lines: times.lines,
        jobStartedAt: job.started_at.toISOString(),
        willDelete: isHit && hub.app.workflows.logs === 'delete',
      },
    }),
  );
  const key = keyOf(scene, 'log', job.id);
  await insertItem(services.database, {
    ...key,
    repository: place.repository,
    run: place.run,
    attempt: job.run_attempt,
    request: identity.request,
    state: scannedState(isHit, isCut),
    exposedSince: since,
  });
  if (!isHit && hub.app.workflows.keepLogs === 'found') return;
  await keepLog(scene, job, identity, scanned.findings, blamed);
  await markKept(services.database, key);
}

/** Keeps the copy of a log that was looked at before; false where the log is not there any more. */
export async function copyKnownLog(scene: RunScene, job: WorkflowJob): Promise<boolean> {
  const { services } = scene;
  try {
    const { findings, bytes } = await scanLog(scene, job);
    const identity = await identityOf(scene, 'log', { ...job, attempt: job.run_attempt });
    const { reasons } = judgeItem(services, 'log', { ...identity, bytes, findings });
    const blamed = reasons.flatMap((reason) => reason.findings.flatMap((index) => findings[index] ?? []));
    await keepLog(scene, job, identity, findings, blamed);
  } catch (thrown) {
    if (isAbsent(thrown)) return false;
    throw thrown;
  }
  await markKept(services.database, keyOf(scene, 'log', job.id));
  return true;
}

/** A log that could not be looked at; for a job that was skipped there is none. */
async function recordUnread(
  scene: RunScene,
  job: WorkflowJob,
  identity: ItemIdentity,
  why: ErrorCode | 'gone' | 'absent',
): Promise<void> {
  const { services, place } = scene;
  const isExpected = hasNoLog(job) && (why === 'gone' || why === 'absent');
  if (!isExpected) await appendOnce(scene, job.id, itemEvent(identity, 'unscanned', { code: why }));
  await insertItem(services.database, {
    ...keyOf(scene, 'log', job.id),
    repository: place.repository,
    run: place.run,
    attempt: job.run_attempt,
    request: identity.request,
    state: unscannedState(why),
    exposedSince: null,
  });
}
