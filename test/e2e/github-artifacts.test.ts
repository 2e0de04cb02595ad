// Artifacts of workflow runs: a value in a file of one is found and the artifact deleted, the list of its files is kept and
// replayed; archives that cannot be read are told.
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type ArtifactStep, replayStepSchema } from '../../core/activity/replay.ts';
import type { AuditEntry } from '../../core/audit-entry.ts';
import { sessionView } from '../../server/api/session-view.ts';
import { zipOf } from '../support/archives.ts';
import { type Caller, createCaller } from '../support/api-caller.ts';
import { type GuardedGithub, startGuardedGithub } from '../support/github/guarded-github.ts';
import type { WorkflowArtifact, WorkflowRun } from '../support/github/workflow-state.ts';
import type { Repository } from '../support/github/world.ts';
import { phiSample } from '../support/phi.ts';
import { until } from '../support/until.ts';

let scene: GuardedGithub;
let repository: Repository;
let auditor: Caller;

const deletion = 'DELETE /repos/{owner}/{repo}/actions/artifacts/{artifact_id}';
const phi = phiSample('csv');

beforeAll(async () => {
  scene = await startGuardedGithub({
    app: {
      agents: [{ logins: ['robo-*'] }],
      workflows: { artifacts: 'delete', maxArtifactBytes: '2MiB' },
    },
  });
  repository = await scene.createRepository('packed');
  auditor = await createCaller(scene.database.database, scene.guard.url, {
    name: 'auditor',
    scopes: [{ repository: '**', verbs: ['audit'] }],
  });
});
afterAll(() => scene?.[Symbol.asyncDispose]());

async function entryOf(artifact: WorkflowArtifact, action: string): Promise<AuditEntry> {
  const find = async (): Promise<AuditEntry | undefined> =>
    (await scene.audit(action)).find(({ details }) => details['artifact'] === artifact.id);
  await until(`${action} of artifact ${artifact.id}`, async () => (await find()) !== undefined).catch(
    (thrown: unknown) => {
      throw new Error(`${String(thrown)}\n${scene.guard.logs().slice(-3_000)}`, { cause: thrown });
    },
  );
  return (await find()) as AuditEntry;
}

/** A run that has left this. */
async function left(zip: Uint8Array): Promise<readonly [WorkflowArtifact, WorkflowRun]> {
  const run = await scene.github.workflows.startRun(repository, { by: 'robo-1' });
  const artifact = scene.github.workflows.upload(run, 'result', zip);
  scene.github.workflows.endRun(repository, run);
  return [artifact, run];
}

describe('an artifact with a value in it', () => {
  const harmless = 'nothing of interest\n';
  let artifact: WorkflowArtifact;
  let run: WorkflowRun;

  beforeAll(async () => {
    [artifact, run] = await left(zipOf({ 'README.md': harmless, [phi.path]: phi.text, 'empty.txt': '' }));
    await entryOf(artifact, 'artifact.deleted');
  });

  test('is found by its file and deleted', async () => {
    expect(run.artifacts).toEqual([]);
    const scanned = await entryOf(artifact, 'artifact.scanned');
    expect(scanned).toMatchObject({
      actor: { id: 'agent:hub/robo-1' },
      repository: 'hub/acme/packed',
      details: { run: run.id, verdict: 'deny', files: 3, reasons: [{ rule: 'phi', action: 'deny' }] },
    });
    const order = await Promise.all(
      (['artifact.scanned', 'artifact.deleting', 'artifact.deleted'] as const).map(
        async (action) => (await entryOf(artifact, action)).index,
      ),
    );
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    const { details } = await entryOf(artifact, 'artifact.deleted');
    expect(Number(details['exposedSeconds'])).toBeLessThan(60);
    expect(details['exposedSince']).toBe(scanned.details['exposedSince']);
  });

  test('is replayed as the list of its files, without a digest that would give the value away', async () => {
    const step = await stepOf(artifact);
    expect(step).toMatchObject({ deletion: 'done', title: 'result', run: run.id });
    const { files } = step;
    if (files.kind !== 'kept') throw new Error(files.kind);
    const byPath = new Map(files.files.map((file) => [file.path, file]));
    expect(byPath.get('README.md')).toEqual({
      path: 'README.md',
      size: harmless.length,
      sha256: createHash('sha256').update(harmless).digest('hex'),
      findings: 0,
      rules: [],
    });
    expect(byPath.get(phi.path)).toMatchObject({ size: Buffer.byteLength(phi.text), sha256: null });
    expect(byPath.get(phi.path)?.findings).toBeGreaterThan(0);
    const text = JSON.stringify(step);
    for (const { text: value } of phi.values) expect(text).not.toContain(value);
  });

  test('counts in the report about who is behind it', async () => {
    const { body } = await auditor.get(
      `/agents/${encodeURIComponent('agent:hub/robo-1')}/report?format=json`,
    );
    const report = z
      .looseObject({
        summary: z.looseObject({ removed: z.int(), findings: z.int(), criticalFindings: z.int() }),
      })
      .parse(body);
    expect(report.summary.removed).toBeGreaterThan(0);
    expect(report.summary.findings).toBeGreaterThan(0);
  });
});

async function stepOf(artifact: WorkflowArtifact): Promise<ArtifactStep> {
  const { request } = await entryOf(artifact, 'artifact.scanned');
  const listed = await auditor.get('/sessions?agent=agent:hub/robo-1');
  for (const { id } of z.looseObject({ sessions: z.array(sessionView) }).parse(listed.body).sessions) {
    const { body } = await auditor.get(`/sessions/${id}/replay?limit=50`);
    const { steps } = z.looseObject({ steps: z.array(replayStepSchema) }).parse(body);
    const step = steps.find((one) => one.request === request);
    if (step?.kind === 'artifact') return step;
  }
  throw new Error('no session has it');
}

test('a clean one stays', async () => {
  const [artifact, run] = await left(zipOf({ 'a.txt': 'fine\n', 'b.bin': new Uint8Array([0, 1, 2]) }));
  expect((await entryOf(artifact, 'artifact.scanned')).details).toMatchObject({ verdict: 'allow' });
  expect(run.artifacts).toEqual([artifact]);
});

test('a value in the name of a file is found, and the name is not told', async () => {
  const ssn = phi.values.find(({ identifier }) => identifier === 'ssn')?.text ?? '';
  expect(ssn).not.toBe('');
  const [artifact] = await left(zipOf({ [`ssn ${ssn}.txt`]: 'x\n' }));
  const { details } = await entryOf(artifact, 'artifact.scanned');
  expect(Number(details['findingCount'])).toBeGreaterThan(0);
  expect(JSON.stringify([details, await stepOf(artifact)])).not.toContain(ssn);
});

describe('what cannot be read is told, and stays:', () => {
  test.each([
    ['no archive', Buffer.from('this is no zip archive at all'), 'input/invalid'],
    [
      'an archive that is too large',
      zipOf({ a: new Uint8Array(3 * 2 ** 20).map(() => Math.random() * 256) }),
      'git/limit',
    ],
  ])('%s', async (_what, zip, code) => {
    const [artifact, run] = await left(zip);
    expect((await entryOf(artifact, 'artifact.unscanned')).details).toMatchObject({ code });
    expect(run.artifacts).toEqual([artifact]);
  });

  test.each([
    ['an encrypted file', zipOf({ 'a.txt': 'x' }, true)],
    ['a file that unpacks to far too much', zipOf({ 'bomb.bin': new Uint8Array(400 * 2 ** 20) })],
  ])('%s', async (_what, zip) => {
    expect(zip.length).toBeLessThan(2 * 2 ** 20);
    const [artifact] = await left(zip);
    expect((await entryOf(artifact, 'artifact.scanned')).details).toMatchObject({
      cut: true,
      unreadFiles: 1,
    });
  });

  test('one that has expired is nothing to look at', async () => {
    const run = await scene.github.workflows.startRun(repository, { by: 'robo-1' });
    scene.github.workflows.upload(run, 'old', zipOf({ a: 'b' })).expired = true;
    const fresh = scene.github.workflows.upload(run, 'new', zipOf({ a: 'b' }));
    scene.github.workflows.endRun(repository, run);
    await entryOf(fresh, 'artifact.scanned');
    expect((await scene.audit('artifact.unscanned')).length).toBe(2);
  });
});

test('one that cannot be deleted is told and tried again', async () => {
  scene.github.faults.plan(deletion, { kind: 'answer', status: 403, body: { message: 'no' } });
  const [artifact] = await left(zipOf({ [phi.path]: phi.text }));
  expect((await entryOf(artifact, 'artifact.deletion-failed')).details).toMatchObject({ final: false });
  await entryOf(artifact, 'artifact.deleted');
});

test('nothing was asked or answered that GitHub does not describe', () => {
  expect(scene.github.violations).toEqual([]);
});
