// What happens to runs of workflows while the guard looks at them: they are started again, deleted, cancelled; GitHub has
// deleted before the guard did; one log or file cannot be read.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuditEntry } from '../../core/audit-entry.ts';
import { auditActions } from '../../core/audit-event.ts';
import { zipOf } from '../support/archives.ts';
import { type GuardedGithub, startGuardedGithub } from '../support/github/guarded-github.ts';
import { type WorkflowJob, type WorkflowRun, workflowsOf } from '../support/github/workflow-state.ts';
import type { Repository } from '../support/github/world.ts';
import { phiSample } from '../support/phi.ts';
import { secretSample } from '../support/secrets.ts';
import { until } from '../support/until.ts';

let scene: GuardedGithub;
let repository: Repository;

const jobLogs = 'GET /repos/{owner}/{repo}/actions/jobs/{job_id}/logs';
const ofLogs = 'DELETE /repos/{owner}/{repo}/actions/runs/{run_id}/logs';
const leak = `token: ${secretSample('github-token', 92).value}`;
const phi = phiSample('csv');

beforeAll(async () => {
  scene = await startGuardedGithub({
    app: { agents: [{ logins: ['robo-*'] }], workflows: { logs: 'delete', artifacts: 'delete' } },
  });
  repository = await scene.createRepository('eventful');
});
afterAll(() => scene?.[Symbol.asyncDispose]());

const startRun = (): Promise<WorkflowRun> => scene.github.workflows.startRun(repository, { by: 'robo-1' });
const endJob = (run: WorkflowRun, name: string, line = leak): WorkflowJob =>
  scene.github.workflows.endJob(repository, run, name, [line]);
const end = (run: WorkflowRun): void => scene.github.workflows.endRun(repository, run);

async function entriesOf({ id }: { readonly id: number }): Promise<readonly AuditEntry[]> {
  const all = await scene.audit(...auditActions);
  const own = all.find(({ details }) => details['job'] === id || details['artifact'] === id);
  return all.filter(({ request }) => own !== undefined && request === own.request);
}

async function entryOf(item: { readonly id: number }, action: string): Promise<AuditEntry> {
  const find = async (): Promise<AuditEntry | undefined> =>
    (await entriesOf(item)).findLast((entry) => entry.action === action);
  await until(`${action} of ${item.id}`, async () => (await find()) !== undefined).catch(
    (thrown: unknown) => {
      throw new Error(`${String(thrown)}\n${scene.guard.logs().slice(-3_000)}`, { cause: thrown });
    },
  );
  return (await find()) as AuditEntry;
}

const actionsOf = async (item: { readonly id: number }): Promise<readonly string[]> =>
  (await entriesOf(item)).map(({ action }) => action);

describe('what is gone before the guard deletes it is told as gone:', () => {
  test.each([404, 410])('GitHub answers %i', async (status) => {
    scene.github.faults.plan(ofLogs, { kind: 'answer', status, body: { message: 'it is gone' } });
    const run = await startRun();
    const job = endJob(run, 'gone');
    end(run);
    expect((await entryOf(job, 'log.deleted')).details).toMatchObject({ found: true, settled: true });
    expect(await actionsOf(job)).not.toContain('log.deletion-failed');
  });

  test('somebody deletes the run', async () => {
    const run = await startRun();
    const job = endJob(run, 'removed');
    const artifact = scene.github.workflows.upload(run, 'clean', zipOf({ 'a.txt': 'fine\n' }));
    await entryOf(job, 'evidence.kept');
    workflowsOf(repository).runs.delete(run.id);
    end(run);
    const { details, actor, sealed } = await entryOf(job, 'log.deleted');
    expect(details).toMatchObject({ found: true, settled: true, byOthers: true, run: run.id });
    // The name of the job, as the first entry has it.
    expect([details['title'], sealed !== undefined]).toEqual([{ sealed: 0 }, true]);
    expect(actor?.id).toBe('agent:hub/robo-1');
    expect(await actionsOf(job)).not.toContain('log.deleting');
    expect(await actionsOf(artifact)).not.toContain('artifact.deleted');
  });

  test('somebody deletes the artifact', async () => {
    const run = await startRun();
    const refused = { kind: 'answer', status: 403, body: { message: 'no' } } as const;
    scene.github.faults.plan('DELETE /repos/{owner}/{repo}/actions/artifacts/{artifact_id}', refused);
    const artifact = scene.github.workflows.upload(run, 'taken', zipOf({ [phi.path]: phi.text }));
    end(run);
    await entryOf(artifact, 'artifact.deletion-failed');
    run.artifacts.splice(0);
    end(run);
    expect((await entryOf(artifact, 'artifact.deleted')).details).toMatchObject({ byOthers: true });
  });
});

describe('a run that is started again', () => {
  test('while its first attempt is looked at is not deleted before the second is', async () => {
    const run = await startRun();
    run.status = 'completed';
    const act = async (): Promise<void> => scene.github.workflows.rerun(run, 'grace');
    scene.github.faults.plan(jobLogs, { kind: 'meanwhile', act });
    const first = endJob(run, 'build');
    await entryOf(first, 'evidence.kept');
    expect(run.attempt).toBe(2);
    const second = endJob(run, 'build again', 'fine');
    end(run);
    const [scanned, deleting] = [await entryOf(second, 'log.scanned'), await entryOf(first, 'log.deleting')];
    expect(scanned.index).toBeLessThan(deleting.index);
    expect(scanned.actor?.id).toBe('human:hub/grace');
    await entryOf(second, 'log.deleted');
    expect(await actionsOf(first)).toEqual(['log.scanned', 'evidence.kept', 'log.deleting', 'log.deleted']);
  });

  test('as its logs are deleted has them deleted at its end, and that is no failure', async () => {
    const run = await startRun();
    const first = endJob(run, 'build');
    await entryOf(first, 'evidence.kept');
    const act = async (): Promise<void> => scene.github.workflows.rerun(run, 'grace');
    scene.github.faults.plan(ofLogs, { kind: 'meanwhile', act });
    end(run);
    expect((await entryOf(first, 'log.deletion-failed')).details).toMatchObject({
      code: 'run-restarted',
      final: false,
    });
    const second = endJob(run, 'build again', 'fine');
    end(run);
    await entryOf(second, 'log.deleted');
    expect((await entryOf(first, 'log.deleting')).details).toMatchObject({ tries: 1 });
    await entryOf(first, 'log.deleted');
  });

  test('leaves artifacts to the attempt that made them', async () => {
    const run = await startRun();
    const zip = zipOf({ 'a.txt': 'fine\n' });
    const earlier = scene.github.workflows.upload(run, 'earlier', zip, new Date(Date.now() - 60_000));
    scene.github.workflows.rerun(run, 'grace');
    const later = scene.github.workflows.upload(run, 'later', zip);
    end(run);
    const told = [await entryOf(earlier, 'artifact.scanned'), await entryOf(later, 'artifact.scanned')];
    expect(told.map(({ actor, details }) => [actor?.id, details['attempt']])).toEqual([
      ['agent:hub/robo-1', 1],
      ['human:hub/grace', 2],
    ]);
  });
});

describe('what cannot be read', () => {
  test('holds nothing else of its run up', async () => {
    const run = await startRun();
    scene.github.deliveries.carriage = 'lose';
    const broken = endJob(run, 'broken', 'a line of a log that breaks off');
    scene.github.deliveries.carriage = 'send';
    scene.github.storage.stall = (bytes) => (bytes === broken.log ? Promise.resolve() : undefined);
    const artifact = scene.github.workflows.upload(run, 'whole', zipOf({ 'a.txt': 'fine\n' }));
    const whole = endJob(run, 'whole', 'fine');
    await entryOf(whole, 'log.scanned');
    await entryOf(artifact, 'artifact.scanned');
    expect(await actionsOf(broken)).toEqual([]);
    scene.github.storage.stall = undefined;
    end(run);
    await entryOf(broken, 'log.scanned');
  });

  test('in an archive hides nothing of its other files', async () => {
    const run = await startRun();
    const zip = Buffer.from(
      zipOf({ 'broken.txt': 'some text that is packed\n'.repeat(20), [phi.path]: phi.text }),
    );
    zip.fill(0xff, 40, 48);
    const artifact = scene.github.workflows.upload(run, 'damaged', zip);
    end(run);
    expect((await entryOf(artifact, 'artifact.scanned')).details).toMatchObject({
      verdict: 'deny',
      files: 2,
      unreadFiles: 1,
      cut: true,
    });
    await entryOf(artifact, 'artifact.deleted');
  });

  test('because it never ran is nothing to tell', async () => {
    const run = await startRun();
    const cancelled = scene.github.workflows.cancelJob(repository, run, 'cancelled');
    const ran = endJob(run, 'ran', 'fine');
    await entryOf(ran, 'log.scanned');
    end(run);
    const later = endJob(await startRun(), 'later', 'fine');
    await entryOf(later, 'log.scanned');
    expect(await actionsOf(cancelled)).toEqual([]);
    expect(await scene.audit('log.unscanned')).toEqual([]);
  });
});

test('nothing was asked or answered that GitHub does not describe', () => {
  expect(scene.github.violations).toEqual([]);
});
