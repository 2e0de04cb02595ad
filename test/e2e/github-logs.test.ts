// Logs of workflow runs: a value in one is found, kept redacted, deleted and told, with the time for which it could be
// read; GitHub's times and marks neither hide nor make one; what goes wrong on the way is told and tried again.
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { AuditEntry } from '../../core/audit-entry.ts';
import { type LogStep, replayStepSchema } from '../../core/activity/replay.ts';
import { readCastEvent, readCastHeader } from '../../core/asciicast.ts';
import { sessionView } from '../../server/api/session-view.ts';
import { forgeguard } from '../cli/program.ts';
import { type Caller, createCaller } from '../support/api-caller.ts';
import { type GuardedGithub, startGuardedGithub } from '../support/github/guarded-github.ts';
import type { WorkflowJob, WorkflowRun } from '../support/github/workflow-state.ts';
import type { Repository } from '../support/github/world.ts';
import { type Receiver, startReceiver } from '../support/receiver.ts';
import { secretSample } from '../support/secrets.ts';
import { until } from '../support/until.ts';

let scene: GuardedGithub;
let hook: Receiver;
let repository: Repository;
let auditor: Caller;

const jobLogs = 'GET /repos/{owner}/{repo}/actions/jobs/{job_id}/logs';
const deletion = 'DELETE /repos/{owner}/{repo}/actions/runs/{run_id}/logs';
const { value: token, text: tokenLine } = secretSample('github-token', 77);

beforeAll(async () => {
  hook = await startReceiver();
  scene = await startGuardedGithub({
    app: {
      agents: [{ logins: ['robo-*'], onBehalfOf: ['human:ada@example.org'] }],
      workflows: { logs: 'delete', maxLogBytes: 200_000 },
    },
    config: {
      notifications: [
        { name: 'hook', kind: 'webhook', url: hook.url, secret: { env: 'HOOK_SECRET' }, on: ['exposure'] },
      ],
    },
  });
  repository = await scene.createRepository('built');
  auditor = await createCaller(scene.database.database, scene.guard.url, {
    name: 'auditor',
    scopes: [{ repository: '**', verbs: ['audit'] }],
  });
});
afterAll(async () => {
  await scene?.[Symbol.asyncDispose]();
  await hook?.[Symbol.asyncDispose]();
});

/** Entries about a job. */
async function entriesOf(job: WorkflowJob, action: string): Promise<readonly AuditEntry[]> {
  return (await scene.audit(action)).filter(({ details }) => details['job'] === job.id);
}

async function entryOf(job: WorkflowJob, action: string, ms = 20_000): Promise<AuditEntry> {
  const isThere = async (): Promise<boolean> => (await entriesOf(job, action)).length > 0;
  await until(`${action} of job ${job.id}`, isThere, ms).catch((thrown: unknown) => {
    throw new Error(`${String(thrown)}\n${scene.guard.logs().slice(-3_000)}`, { cause: thrown });
  });
  const [entry] = await entriesOf(job, action);
  return entry as AuditEntry;
}

const startedAt = new Date(Date.now() - 300_000);
const run = (by = 'robo-1'): Promise<WorkflowRun> => scene.github.workflows.startRun(repository, { by });

interface Alerted {
  readonly title: string;
  readonly alert: Readonly<Record<string, unknown>>;
}

const stageOf = ({ alert }: Alerted): string => z.string().parse(alert['stage']);

function alertsAbout(job: WorkflowJob): readonly Alerted[] {
  return hook.received.flatMap(({ body }) => {
    const read = z
      .looseObject({ title: z.string(), data: z.looseObject({ alert: z.looseObject({}) }) })
      .safeParse(JSON.parse(body)).data;
    return read?.data.alert['job'] === job.id ? [{ title: read.title, alert: read.data.alert }] : [];
  });
}

describe('a secret in a log', () => {
  let ran: WorkflowRun;
  let leaky: WorkflowJob;
  let clean: WorkflowJob;

  beforeAll(async () => {
    ran = await run();
    leaky = scene.github.workflows.endJob(
      repository,
      ran,
      'build',
      ['##[group]Run make', 'compiling', `##[error]${tokenLine.trim()}`, `again ${token} done`, 'end'],
      startedAt,
    );
    clean = scene.github.workflows.endJob(repository, ran, 'lint', ['all good'], startedAt);
    scene.github.workflows.endRun(repository, ran);
    await entryOf(leaky, 'log.deleted');
  });

  test('is found on its line and deleted, which is on record before and after', async () => {
    expect(ran.logsDeletedAt).toBeDefined();
    const scanned = await entryOf(leaky, 'log.scanned');
    expect(scanned).toMatchObject({
      actor: { id: 'agent:hub/robo-1', onBehalfOf: ['human:ada@example.org'] },
      repository: 'hub/acme/built',
      details: {
        run: ran.id,
        verdict: 'redact',
        reasons: [{ rule: 'log-values', action: 'redact' }],
        exposedSince: new Date(startedAt.getTime() + 2_000).toISOString(),
      },
    });
    const places = z.array(z.looseObject({ line: z.int() })).parse(scanned.details['findings']);
    expect([...new Set(places.map(({ line }) => line))]).toEqual([3, 4]);
    const [deleting, deleted] = [await entryOf(leaky, 'log.deleting'), await entryOf(leaky, 'log.deleted')];
    expect(deleting.index).toBeLessThan(deleted.index);
    const kept = (await scene.audit('evidence.kept')).filter(({ request }) => request === scanned.request);
    expect(kept).toHaveLength(1);
    expect(kept[0]!.index).toBeLessThan(deleting.index);
  });

  test('has its window told, in the entry and in the alert', async () => {
    const { details } = await entryOf(leaky, 'log.deleted');
    const since = startedAt.getTime() + 2_000;
    const untilTime = Date.parse(z.string().parse(details['exposedUntil']));
    expect(untilTime).toBeGreaterThanOrEqual((ran.logsDeletedAt?.getTime() ?? 0) - 1_000);
    expect(details).toMatchObject({
      exposedSince: new Date(since).toISOString(),
      exposedSeconds: Math.round((untilTime - since) / 1_000),
    });
    await until('both alerts', () => alertsAbout(leaky).length === 2);
    const [closed, open] = alertsAbout(leaky).toSorted((a, b) => (stageOf(a) < stageOf(b) ? -1 : 1));
    expect([open?.alert, closed?.alert]).toMatchObject([
      { kind: 'exposure', stage: 'open', rules: ['log-values'], willDelete: true, exposedUntil: null },
      { kind: 'exposure', stage: 'closed', exposedSince: new Date(since).toISOString() },
    ]);
    expect(closed?.title).toContain('deleted now');
    expect(JSON.stringify(hook.received)).not.toContain(token);
  });

  test('leaves a copy of the other log of the run, which went with it', async () => {
    const { request, details } = await entryOf(clean, 'log.deleted');
    expect(details).toMatchObject({ found: false });
    const kept = (await scene.audit('evidence.kept')).filter((entry) => entry.request === request);
    expect(kept).toHaveLength(1);
    expect(alertsAbout(clean)).toEqual([]);
  });

  test('is replayed as a recording with the times of the log, without the value', async () => {
    const { session, step } = await replayOf(leaky);
    expect(step).toMatchObject({ deletion: 'done', recording: { isWhole: true }, title: 'build' });
    const cast = await castOf(session, step.request);
    expect(cast).not.toContain(token);
    const [header = '', ...events] = cast.trimEnd().split('\n');
    expect(readCastHeader(header)?.startedAt).toEqual(
      new Date(Math.floor(startedAt.getTime() / 1000) * 1000),
    );
    const shown = events.map((line) => readCastEvent(line));
    expect(shown.map((event) => (typeof event === 'object' ? event.at : event))).toEqual([0, 1, 2, 3, 4]);
    const texts = shown.map((event) => (typeof event === 'object' ? event.text : ''));
    expect(texts[0]).toBe('##[group]Run make\r\n');
    expect(texts[3]).toMatch(/^again \*+ done\r\n$/);
    const directory = await mkdtemp(join(tmpdir(), 'cast-'));
    await writeFile(join(directory, 'log.cast'), cast);
    const played = await forgeguard(directory, ['session', 'replay', 'log.cast']);
    expect([played.code, played.stdout]).toEqual([0, expect.stringContaining('compiling')]);
  });

  test('is nowhere in the database', async () => {
    const tables = await scene.database.database.query<{ name: string }>(
      `select quote_ident(tablename) as name from pg_tables where schemaname = 'public'`,
    );
    for (const { name } of tables) {
      const found = await scene.database.database.query(
        `select from ${name} as line where line::text like $1 or line::text like $2 limit 1`,
        [`%${token}%`, `%${Buffer.from(token).toString('hex')}%`],
      );
      expect(found, name).toEqual([]);
    }
    expect(scene.guard.logs()).not.toContain(token);
  });
});

async function replayOf(job: WorkflowJob): Promise<{ readonly session: string; readonly step: LogStep }> {
  const { request } = await entryOf(job, 'log.scanned');
  const listed = await auditor.get('/sessions?agent=agent:hub/robo-1');
  const { sessions } = z.looseObject({ sessions: z.array(sessionView) }).parse(listed.body);
  for (const { id } of sessions) {
    const { body } = await auditor.get(`/sessions/${id}/replay?limit=50`);
    const { steps } = z.looseObject({ steps: z.array(replayStepSchema) }).parse(body);
    const step = steps.find((one) => one.request === request);
    if (step?.kind === 'log') return { session: id, step };
  }
  throw new Error('no session has it');
}

async function castOf(session: string, request: string): Promise<string> {
  const response = await fetch(`${scene.guard.url}/api/v1/sessions/${session}/recordings/${request}`, {
    headers: { authorization: `Bearer ${auditor.token}` },
  });
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/x-asciicast']);
  return response.text();
}

test('what GitHub has masked, and its own times and marks, are no findings', async () => {
  const ran = await run();
  const job = scene.github.workflows.endJob(repository, ran, 'masked', [
    '##[group]Run deploy',
    'password=***',
    'Authorization: Bearer ***',
    '##[endgroup]',
  ]);
  expect((await entryOf(job, 'log.scanned')).details).toMatchObject({ verdict: 'allow', findingCount: 0 });
  scene.github.workflows.endRun(repository, ran);
});

test('a value that times and colours run through is found', async () => {
  const ran = await run();
  const { value } = secretSample('private-key');
  const job = scene.github.workflows.endJob(repository, ran, 'key', [
    ...value.trim().split('\n'),
    `GITHUB_TOKEN=${token.slice(0, 6)}\u001b[31m${token.slice(6)}`,
  ]);
  const { details } = await entryOf(job, 'log.scanned');
  const rules = z.array(z.looseObject({ rule: z.string() })).parse(details['findings']);
  expect(rules.map(({ rule }) => rule)).toEqual(
    expect.arrayContaining([expect.stringContaining('private-key'), expect.stringContaining('github')]),
  );
  scene.github.workflows.endRun(repository, ran);
  await entryOf(job, 'log.deleted');
});

test('doubled and late webhooks change nothing', async () => {
  const ran = await run();
  scene.github.deliveries.carriage = 'double';
  const job = scene.github.workflows.endJob(repository, ran, 'once', [`x=${token}`]);
  scene.github.workflows.endRun(repository, ran);
  scene.github.deliveries.carriage = 'send';
  await entryOf(job, 'log.deleted');
  scene.github.workflows.tellJob(repository, ran, job);
  await scene.github.deliveries.arrived();
  const later = scene.github.workflows.endJob(repository, await run(), 'after', ['fine']);
  await entryOf(later, 'log.scanned');
  const counts = ['log.scanned', 'log.deleting', 'log.deleted'].map((action) => entriesOf(job, action));
  expect((await Promise.all(counts)).map(({ length }) => length)).toEqual([1, 1, 1]);
});

test('each attempt of a run is looked at, with who started it', async () => {
  const ran = await run('robo-1');
  const first = scene.github.workflows.endJob(repository, ran, 'build', ['one']);
  await entryOf(first, 'log.scanned');
  scene.github.workflows.rerun(ran, 'grace');
  const second = scene.github.workflows.endJob(repository, ran, 'build', ['two']);
  const scanned = [await entryOf(first, 'log.scanned'), await entryOf(second, 'log.scanned')];
  expect(scanned.map(({ actor, details }) => [actor?.id, details['attempt']])).toEqual([
    ['agent:hub/robo-1', 1],
    ['human:hub/grace', 2],
  ]);
});

describe('a log', () => {
  test('that is not written yet, or whose storage fails, is read later', async () => {
    const ran = await run();
    scene.github.storage.faults.push('gone', 'bad-gateway', 'cut');
    const job = scene.github.workflows.endJob(repository, ran, 'slow', [`y=${token}`], new Date());
    expect((await entryOf(job, 'log.scanned', 40_000)).details).toMatchObject({ verdict: 'redact' });
    expect(await entriesOf(job, 'log.unscanned')).toEqual([]);
  }, 60_000);

  test('that is gone is told', async () => {
    const ran = await run();
    ran.logsDeletedAt = new Date();
    const job = scene.github.workflows.endJob(repository, ran, 'gone', ['x']);
    expect((await entryOf(job, 'log.unscanned')).details).toMatchObject({ code: 'gone' });
    await until('the alert', () => alertsAbout(job).some(({ alert }) => alert['stage'] === 'unread'));
  });

  test('that is too large is looked at as far as it goes, and that is told', async () => {
    const ran = await run();
    const lines = Array.from({ length: 6_000 }, (_, number) => `line ${number} of a long build`);
    const job = scene.github.workflows.endJob(repository, ran, 'long', lines);
    expect((await entryOf(job, 'log.scanned')).details).toMatchObject({ cut: true, bytes: 200_000 });
    await until('the alert', () => alertsAbout(job).some(({ alert }) => alert['stage'] === 'unread'));
  });

  test('that cannot be deleted is told, tried again, and deleted', async () => {
    const ran = await run();
    const refusal = { status: 403, body: { message: 'Resource not accessible by integration' } } as const;
    scene.github.faults.plan(deletion, { kind: 'answer', ...refusal });
    const job = scene.github.workflows.endJob(repository, ran, 'kept', [`z=${token}`]);
    scene.github.workflows.endRun(repository, ran);
    expect((await entryOf(job, 'log.deletion-failed')).details).toMatchObject({
      code: 'github/403',
      tries: 1,
      final: false,
    });
    await entryOf(job, 'log.deleted', 40_000);
    await until('the alerts', () => alertsAbout(job).length === 3);
    expect(alertsAbout(job).map(stageOf).toSorted()).toEqual(['closed', 'open', 'stuck']);
  }, 60_000);

  test('is not read from an address that is none of a storage', async () => {
    const ran = await run();
    scene.github.storage.base = 'ftp://127.0.0.1:1';
    const asked = scene.github.calls.filter(({ operation }) => operation === jobLogs).length;
    const job = scene.github.workflows.endJob(repository, ran, 'elsewhere', ['x']);
    await until(
      'a look',
      () => scene.github.calls.filter(({ operation }) => operation === jobLogs).length > asked,
    );
    scene.github.storage.base = undefined;
    expect(await entriesOf(job, 'log.scanned')).toEqual([]);
  });
});

test('nothing was asked or answered that GitHub does not describe', () => {
  expect(scene.github.violations).toEqual([]);
});
