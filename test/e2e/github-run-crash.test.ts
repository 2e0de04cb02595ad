// A guard that is killed while it looks at what workflows have left, at many points at once: after its next start each log
// and artifact is on record as looked at once and as deleted once, copies are whole, and nothing is told that is not so.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { AuditEntry } from '../../core/audit-entry.ts';
import { auditActions } from '../../core/audit-event.ts';
import { sessionView } from '../../server/api/session-view.ts';
import { type Caller, createCaller } from '../support/api-caller.ts';
import { zipOf } from '../support/archives.ts';
import { type GuardedGithub, startGuardedGithub } from '../support/github/guarded-github.ts';
import type { WorkflowArtifact, WorkflowJob, WorkflowRun } from '../support/github/workflow-state.ts';
import type { Repository } from '../support/github/world.ts';
import { phiSample } from '../support/phi.ts';
import { secretSample } from '../support/secrets.ts';
import { until } from '../support/until.ts';

let scene: GuardedGithub;
let repository: Repository;
let auditor: Caller;

const ofLogs = 'DELETE /repos/{owner}/{repo}/actions/runs/{run_id}/logs';
const ofArtifact = 'DELETE /repos/{owner}/{repo}/actions/artifacts/{artifact_id}';
const leak = `token: ${secretSample('github-token', 91).value}`;
const phi = phiSample('csv');
const startedAt = new Date(Date.now() - 300_000);

interface Left {
  readonly run: WorkflowRun;
  readonly job: WorkflowJob;
}

const startRun = (): Promise<WorkflowRun> => scene.github.workflows.startRun(repository, { by: 'robo-1' });

/** A job that has ended with a value in its log, in a run that goes on. */
async function leaky(name: string, more: readonly string[] = []): Promise<Left> {
  const run = await startRun();
  const job = scene.github.workflows.endJob(repository, run, name, [leak, ...more, 'the end'], startedAt);
  return { run, job };
}

const end = (run: WorkflowRun): void => scene.github.workflows.endRun(repository, run);

async function packed(
  name: string,
): Promise<{ readonly run: WorkflowRun; readonly artifact: WorkflowArtifact }> {
  const run = await startRun();
  const zip = zipOf({ [phi.path]: phi.text, [`${name}.txt`]: 'fine\n' });
  const artifact = scene.github.workflows.upload(run, name, zip);
  end(run);
  return { run, artifact };
}

/** Everything that is on record about a job or an artifact, in order. */
async function entriesOf({ id }: { readonly id: number }): Promise<readonly AuditEntry[]> {
  const all = await scene.audit(...auditActions);
  const own = all.find(({ details }) => details['job'] === id || details['artifact'] === id);
  return all.filter(({ request }) => own !== undefined && request === own.request);
}

const actionsOf = async (item: { readonly id: number }): Promise<readonly string[]> =>
  (await entriesOf(item)).map(({ action }) => action);

function reached(item: { readonly id: number }, action: string, ms?: number): Promise<void> {
  const isThere = async (): Promise<boolean> => (await actionsOf(item)).includes(action);
  return until(`${action} of ${item.id}`, isThere, ms).catch((thrown: unknown) => {
    throw new Error(`${String(thrown)}\n${scene.guard.logs().slice(-3_000)}`, { cause: thrown });
  });
}

/** Deletions that have arrived at GitHub, and are answered by nothing until the guard is dead. */
class Deadly {
  arrived = 0;
  readonly dead = Promise.withResolvers<void>();
  readonly fault = {
    kind: 'meanwhile',
    act: async (): Promise<void> => {
      this.arrived += 1;
      await this.dead.promise;
      throw new Error('it is not done: the connection is gone');
    },
  } as const;
}

const deadly = new Deadly();
const mayGo = Promise.withResolvers<void>();
let copying: Left;
let scannedOnly: Left;
let before: Left;
let after: Left;
let told: Left;
let neighbour: WorkflowJob;
let packedBefore: Awaited<ReturnType<typeof packed>>;
let packedAfter: Awaited<ReturnType<typeof packed>>;
let packedOnly: Awaited<ReturnType<typeof packed>>;
let downloading: Awaited<ReturnType<typeof packed>>;
let restartedAt: Date;

beforeAll(async () => {
  scene = await startGuardedGithub({
    app: {
      agents: [{ logins: ['robo-*'] }],
      workflows: { logs: 'delete', artifacts: 'delete', keepLogs: 'all' },
    },
  });
  repository = await scene.createRepository('mortal');
  auditor = await createCaller(scene.database.database, scene.guard.url, {
    name: 'auditor',
    scopes: [{ repository: '**', verbs: ['audit'] }],
  });
  const { faults, storage } = scene.github;

  // Looked at and copied; what comes next comes when the run ends.
  [before, after, told] = [await leaky('before'), await leaky('after'), await leaky('told')];
  neighbour = scene.github.workflows.endJob(repository, told.run, 'neighbour', ['all is well'], startedAt);
  for (const { job } of [before, after, told]) await reached(job, 'evidence.kept');
  await reached(neighbour, 'evidence.kept');

  // A deletion arrives and is not done; another is done and its answer lost.
  faults.plan(ofLogs, deadly.fault);
  end(before.run);
  await until('a deletion', () => deadly.arrived === 1);
  faults.plan(ofLogs, { kind: 'lose' });
  faults.plan(ofLogs, deadly.fault);
  end(after.run);
  await until('the next deletion', () => deadly.arrived === 2);
  faults.plan(ofArtifact, deadly.fault);
  packedBefore = await packed('packed-before');
  await until('a deletion of an artifact', () => deadly.arrived === 3);
  faults.plan(ofArtifact, { kind: 'lose' });
  faults.plan(ofArtifact, deadly.fault);
  packedAfter = await packed('packed-after');
  await until('the next deletion of an artifact', () => deadly.arrived === 4);

  // Copies are read twice after the scan: the second time some of it comes, and then nothing.
  const long = Array.from(
    { length: 30_000 },
    (_, number) => `line ${number} of a build that takes its time ${'.'.repeat(60)}`,
  );
  let [reads, downloads] = [0, 0];
  storage.stall = (bytes) => {
    if (bytes === downloading?.artifact.zip) {
      downloads += 1;
      return deadly.dead.promise;
    }
    if (bytes !== copying?.job.log) return undefined;
    reads += 1;
    return reads === 3 ? deadly.dead.promise : undefined;
  };
  scene.github.deliveries.carriage = 'hold';
  copying = await leaky('copying', long);
  end(copying.run);
  downloading = await packed('downloading');
  scene.github.deliveries.carriage = 'send';
  await scene.github.deliveries.release((held) => held);
  await reached(copying.job, 'evidence.kept');
  await until('the download and the copy', () => downloads === 1 && reads === 3);

  // Nothing can be remembered any more, only recorded.
  const locked = Promise.withResolvers<void>();
  const lock = scene.database.database.transaction(async (client) => {
    await client.query('lock table github_workflow_item in exclusive mode');
    locked.resolve();
    await mayGo.promise;
  });
  await locked.promise;
  scannedOnly = await leaky('scanned');
  end(scannedOnly.run);
  end(told.run);
  packedOnly = await packed('packed-scanned');
  await reached(scannedOnly.job, 'log.scanned');
  await reached(told.job, 'log.deleted');
  await reached(packedOnly.artifact, 'evidence.kept');

  await scene.guard.kill();
  await scene.database.database.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  );
  mayGo.resolve();
  await lock;
  storage.stall = undefined;
  restartedAt = new Date();
  await scene.restart();
  deadly.dead.resolve();
});
afterAll(async () => {
  deadly.dead.resolve();
  mayGo.resolve();
  await scene?.[Symbol.asyncDispose]();
});

const spooled = (): Promise<readonly string[]> =>
  readdir(join(scene.guard.dataDir, 'downloads')).catch(() => []);

describe('a log is looked at once and deleted once, where the guard died', () => {
  test('when the look was on record and nothing else', async () => {
    const { job, run } = scannedOnly;
    await reached(job, 'log.deleted');
    const wanted = ['log.scanned', 'evidence.kept', 'log.deleting', 'log.deleted'];
    expect(await actionsOf(job)).toEqual(wanted);
    expect(run.logsDeletedAt).toBeDefined();
  });

  test('while its copy was written, which is whole now', async () => {
    const { job } = copying;
    await reached(job, 'log.deleted');
    const entries = await entriesOf(job);
    const count = (action: string): number => entries.filter((entry) => entry.action === action).length;
    expect(['log.scanned', 'log.deleting', 'log.deleted'].map(count)).toEqual([1, 1, 1]);
    const parts = entries.flatMap(({ action, details }) => (action === 'evidence.kept' ? [details] : []));
    const firsts = parts.flatMap(({ part }, at) => (part === 1 ? [at] : []));
    expect(firsts.length, 'it had begun before').toBeGreaterThan(1);
    const last = parts.slice(firsts.at(-1));
    expect(last.map(({ part }) => part)).toEqual(last.map((_, at) => at + 1));
    expect(last.map((part) => part['last'])).toEqual(last.map((_, at) => at + 1 === last.length));
    const cast = await castOf(entries[0]?.request ?? '');
    const lines = cast.trimEnd().split('\n').slice(1);
    expect(lines).toHaveLength(30_002);
    expect(lines.at(-1)).toContain('the end');
    expect(cast).not.toContain(leak.slice(7));
  });

  /** Each step of a log that was scanned, kept and deleted, once. */
  async function entriesOfDeletion(job: Parameters<typeof entriesOf>[0]) {
    await reached(job, 'log.deleted');
    const entries = await entriesOf(job);
    expect(entries.map(({ action }) => action)).toEqual([
      'log.scanned',
      'evidence.kept',
      'log.deleting',
      'log.deleted',
    ]);
    return entries;
  }

  test('before GitHub deleted it', async () => {
    const { job, run } = before;
    const entries = await entriesOfDeletion(job);
    expect(run.logsDeletedAt?.getTime()).toBeGreaterThanOrEqual(restartedAt.getTime());
    expectWindow(entries, run.logsDeletedAt);
  });

  test('after GitHub deleted it and before it was told', async () => {
    const { job, run } = after;
    const entries = await entriesOfDeletion(job);
    expect(run.logsDeletedAt?.getTime()).toBeLessThan(restartedAt.getTime());
    expect(scene.github.calls.filter(({ operation, path }) => isOf(run, operation, path))).toEqual([]);
    expectWindow(entries, run.logsDeletedAt);
    expect(entries.at(-1)?.details).toMatchObject({ found: true, settled: true });
  });

  test('after the deletion was told of one of its logs', async () => {
    for (const item of [told.job, neighbour]) {
      await reached(item, 'log.deleted');
      expect(await actionsOf(item)).toEqual(['log.scanned', 'evidence.kept', 'log.deleting', 'log.deleted']);
    }
  });
});

describe('an artifact is looked at once and deleted once, where the guard died', () => {
  const whole = ['artifact.scanned', 'evidence.kept', 'artifact.deleting', 'artifact.deleted'];

  test('while it was downloaded', async () => {
    await reached(downloading.artifact, 'artifact.deleted');
    expect(await actionsOf(downloading.artifact)).toEqual(whole);
  });

  test('when the look was on record and nothing else', async () => {
    await reached(packedOnly.artifact, 'artifact.deleted');
    expect(await actionsOf(packedOnly.artifact)).toEqual(whole);
  });

  test('before GitHub deleted it', async () => {
    await reached(packedBefore.artifact, 'artifact.deleted');
    expect(await actionsOf(packedBefore.artifact)).toEqual(whole);
  });

  test('after GitHub deleted it and before it was told', async () => {
    await reached(packedAfter.artifact, 'artifact.deleted');
    const entries = await entriesOf(packedAfter.artifact);
    expect(entries.map(({ action }) => action)).toEqual(whole);
    const { details } = entries.at(-1) as AuditEntry;
    expect(details).toMatchObject({ found: true, settled: true });
    expect(Date.parse(z.string().parse(details['deletedAfter']))).toBeLessThan(restartedAt.getTime());
  });
});

/** Deletions of the logs of the run that were answered. */
function isOf(run: WorkflowRun, operation: string, path: string): boolean {
  return operation === ofLogs && path.includes(`/runs/${run.id}/`);
}

/** The end of the window is never before the deletion, and its earliest is never after. */
function expectWindow(entries: readonly AuditEntry[], deletedAt: Date | undefined): void {
  const { details } = entries.at(-1) as AuditEntry;
  const at = (name: string): number => Date.parse(z.string().parse(details[name]));
  expect(deletedAt).toBeDefined();
  expect(at('exposedSince')).toBe(startedAt.getTime());
  expect(at('exposedUntil')).toBeGreaterThanOrEqual(deletedAt?.getTime() ?? 0);
  expect(at('deletedAfter')).toBeLessThanOrEqual(deletedAt?.getTime() ?? 0);
  expect(details['exposedSeconds']).toBe(Math.round((at('exposedUntil') - at('exposedSince')) / 1_000));
}

async function castOf(request: string): Promise<string> {
  const listed = await auditor.get('/sessions?agent=agent:hub/robo-1');
  const { sessions } = z.looseObject({ sessions: z.array(sessionView) }).parse(listed.body);
  for (const { id } of sessions) {
    const response = await fetch(`${scene.guard.url}/api/v1/sessions/${id}/recordings/${request}`, {
      headers: { authorization: `Bearer ${auditor.token}` },
    });
    if (response.status === 200) return response.text();
  }
  throw new Error('no session has it');
}

test('nothing is told as failed, nothing half is left, and the log verifies', async () => {
  expect(await scene.audit('log.deletion-failed', 'artifact.deletion-failed', 'log.unscanned')).toEqual([]);
  expect(await spooled()).toEqual([]);
  const kept = new Set((await scene.audit('evidence.kept')).map(({ details }) => details['digest']));
  const stored = await scene.database.database.query<{ digest: string }>('select digest from evidence');
  expect(stored.filter(({ digest }) => !kept.has(digest))).toEqual([]);
  expect(scene.github.violations).toEqual([]);
  expect(await scene.guard.command(['audit', 'verify'])).toMatchObject({ code: 0 });
});
