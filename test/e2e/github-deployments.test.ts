// A deployment asks the guard as its protection rule: what the policy holds waits for the right people, exactly that commit
// to that environment goes on once they agree, and nothing else does.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type ReplayStep, replayStepSchema } from '../../core/activity/replay.ts';
import type { AuditEntry } from '../../core/audit-entry.ts';
import { sessionView } from '../../server/api/session-view.ts';
import { createCaller } from '../support/api-caller.ts';
import { type GuardedGithub, startGuardedGithub } from '../support/github/guarded-github.ts';
import type { Deployment, WorkflowRun } from '../support/github/workflow-state.ts';
import { accountOf, type Repository } from '../support/github/world.ts';
import { createReviewer, type Reviewer } from '../support/reviewers.ts';
import { until } from '../support/until.ts';

let scene: GuardedGithub;
let repository: Repository;
let carol: Reviewer;
let ada: Reviewer;
let mallory: Reviewer;

const policy = `version: 1
rules:
  - id: production
    when: { operation: deploy, actor: { kind: agent }, environment: 'prod*', mergeApproved: false }
    then: { hold: { approvers: group:reviewers, count: 1, expires: 24h } }
  - id: soon
    when: { operation: deploy, environment: 'prod-soon' }
    then: { hold: { approvers: group:reviewers, count: 1, expires: 1m } }
  - id: never
    when: { operation: deploy, environment: forbidden }
    then: deny
  - id: ci
    when: { operation: merge, actor: { kind: agent }, paths: 'ci/**' }
    then: { hold: { approvers: group:reviewers, count: 1, expires: 24h } }
`;

const answer = 'POST /repos/{owner}/{repo}/actions/runs/{run_id}/deployment_protection_rule';

beforeAll(async () => {
  scene = await startGuardedGithub({
    app: {
      merge: 'guard',
      mergeMethod: 'merge',
      agents: [{ logins: ['robo-*'], onBehalfOf: ['human:ada@example.org'] }],
      people: { carol: 'human:carol@example.org' },
      groups: { reviewers: ['team:acme/reviewers'] },
    },
    policy,
  });
  const { world } = scene.github;
  repository = await scene.createRepository('shipped');
  world.teams.push({ organization: 'acme', slug: 'reviewers', members: new Set(['carol']) });
  for (const login of ['carol', 'robo-1']) {
    accountOf(world, login);
    repository.collaborators.set(login, 'write');
  }
  const { database } = scene.database;
  [carol, ada, mallory] = await Promise.all([
    createReviewer(database, scene.guard.url, 'carol@example.org'),
    createReviewer(database, scene.guard.url, 'ada@example.org'),
    createReviewer(database, scene.guard.url, 'mallory@example.org', { groups: [] }),
  ]);
});
afterAll(() => scene?.[Symbol.asyncDispose]());

async function ask(
  environment: string,
  by = 'robo-1',
  sha?: string,
): Promise<readonly [Deployment, WorkflowRun]> {
  const run = await scene.github.workflows.startRun(repository, {
    by,
    ...(sha === undefined ? {} : { sha }),
  });
  return [scene.github.workflows.requestDeployment(repository, run, environment), run];
}

async function answered(deployment: Deployment, state: Deployment['state'], ms = 20_000): Promise<void> {
  await until(`${deployment.environment} ${state}`, () => deployment.state === state, ms).catch(
    (thrown: unknown) => {
      throw new Error(`${String(thrown)}\n${scene.guard.logs().slice(-3_000)}`, { cause: thrown });
    },
  );
}

/** The request that it waits for, whose address GitHub was told. */
async function waits(deployment: Deployment): Promise<string> {
  await until('a comment', () => deployment.told.length > 0);
  const [first] = deployment.told;
  expect(first?.state).toBeUndefined();
  const id = /\/ui\/approvals\/(ap_[\w-]+)/.exec(first?.comment ?? '')?.[1];
  if (id === undefined) throw new Error(first?.comment);
  return id;
}

async function entriesOf({ id }: Deployment, action: string): Promise<readonly AuditEntry[]> {
  const [decided] = (await scene.audit('deploy.decided')).filter(
    ({ details }) => details['deployment'] === id,
  );
  return (await scene.audit(action)).filter(({ request }) => request === decided?.request);
}

/** The same once there is one: GitHub is told before. */
async function entriesCome(deployment: Deployment, action: string): Promise<readonly AuditEntry[]> {
  let entries: readonly AuditEntry[] = [];
  await until(`an entry: ${action}`, async () => {
    entries = await entriesOf(deployment, action);
    return entries.length > 0;
  });
  return entries;
}

/** The request as a replay of the agent's session tells it. */
async function stepOf(request: string): Promise<ReplayStep | undefined> {
  const auditor = await createCaller(scene.database.database, scene.guard.url, {
    name: 'auditor',
    scopes: [{ repository: '**', verbs: ['audit'] }],
  });
  const listed = await auditor.get('/sessions?agent=agent:hub/robo-1');
  for (const { id } of z.looseObject({ sessions: z.array(sessionView) }).parse(listed.body).sessions) {
    const { body } = await auditor.get(`/sessions/${id}/replay?limit=50`);
    const { steps } = z.looseObject({ steps: z.array(replayStepSchema) }).parse(body);
    const step = steps.find((one) => one.request === request);
    if (step !== undefined) return step;
  }
  return undefined;
}

describe('what no rule holds', () => {
  test.each([
    ['another environment', 'staging', 'robo-1'],
    ['a person behind it', 'production', 'carol'],
  ])('goes on at once: %s', async (_what, environment, by) => {
    const [deployment] = await ask(environment, by);
    await answered(deployment, 'approved');
    expect(deployment.told).toHaveLength(1);
    await until('the entry', async () => (await entriesOf(deployment, 'deploy.forwarded')).length === 1);
  });
});

test('what the policy denies is rejected, with the rule', async () => {
  const [deployment] = await ask('forbidden', 'carol');
  await answered(deployment, 'rejected');
  expect(deployment.told[0]?.comment).toContain('`never`');
  await until('the entry', async () => (await entriesOf(deployment, 'deploy.refused')).length === 1);
});

describe('what an agent deploys to production', () => {
  test('goes on once the right person approves it, in the log before and after', async () => {
    const [deployment, run] = await ask('production');
    const id = await waits(deployment);
    const request = await carol.see(id);
    expect(request).toMatchObject({
      operation: 'deploy',
      details: { environment: 'production', commit: run.headSha, mergeApproved: false },
    });
    expect((await carol.decide(id, 'approve', { reason: 'tested' })).status).toBe(200);
    await answered(deployment, 'approved');
    expect(deployment.told.at(-1)?.comment).toContain('`human:carol@example.org`');
    await carol.until(id, 'applied');
    const order = [
      ...(await entriesOf(deployment, 'deploy.decided')),
      ...(await entriesOf(deployment, 'deploy.held')),
      ...(await entriesOf(deployment, 'deploy.forwarded')),
    ].map(({ action, index, details }) => ({ action, index, approval: details['approval'] }));
    expect(order.toSorted((a, b) => a.index - b.index)).toMatchObject([
      { action: 'deploy.decided', approval: undefined },
      { action: 'deploy.held', approval: id },
      { action: 'deploy.decided', approval: id },
      { action: 'deploy.forwarded' },
    ]);
    const [entry] = await entriesOf(deployment, 'deploy.decided');
    expect(await stepOf(entry?.request ?? '')).toMatchObject({
      kind: 'deploy',
      environment: 'production',
      commit: run.headSha,
      decisions: [{ verdict: 'hold' }, { verdict: 'hold', approval: id }],
      outcome: 'forwarded',
    });
  });

  test('is not let through by the person for whom it acts, nor by somebody whom nobody named', async () => {
    const [deployment] = await ask('production');
    const id = await waits(deployment);
    for (const [person, why] of [
      [ada, 'approval/involved'],
      [mallory, 'approval/not-approver'],
    ] as const) {
      const { status, body } = await person.decide(id, 'approve', { reason: 'please' });
      expect(status).toBeGreaterThanOrEqual(403);
      expect(z.looseObject({ error: z.looseObject({ code: z.string() }) }).parse(body).error.code).toBe(why);
    }
    expect(deployment.state).toBe('waiting');
    expect((await carol.decide(id, 'deny', { reason: 'not today' })).status).toBe(200);
    await answered(deployment, 'rejected');
    expect(deployment.told.at(-1)?.comment).toMatch(/denied.*`human:carol@example.org`.*`not today`/);
    const [refused] = await entriesCome(deployment, 'deploy.refused');
    expect(refused?.details).toMatchObject({ by: 'people', code: 'approval/denied' });
  });

  test('is rejected where nobody approves it in time', async () => {
    const [deployment] = await ask('prod-soon');
    const id = await waits(deployment);
    // Nobody waits for a minute here.
    await scene.database.database.query(
      `update approval set created_at = created_at - interval '1 day',
         expires_at = clock_timestamp() - interval '1 second' where id = $1`,
      [id],
    );
    expect((await carol.see(id)).state).toBe('expired');
    await answered(deployment, 'rejected');
    expect(deployment.told.at(-1)?.comment).toContain('in time');
  });

  test('needs an approval of its own for each commit and environment', async () => {
    const [first] = await ask('production');
    const [second] = await ask('prod-eu');
    const ids = [await waits(first), await waits(second)];
    expect(new Set(ids).size).toBe(2);
    await carol.decide(ids[0] ?? '', 'approve', { reason: 'this one' });
    await answered(first, 'approved');
    expect(second.state).toBe('waiting');
    expect((await carol.see(ids[1] ?? '')).state).toBe('waiting');
  });

  test('goes on without another approval where the merge of exactly this commit was approved', async () => {
    const pull = await scene.openPull(repository, { 'ci/step.yml': 'step: 1\n' }, { by: 'robo-1' });
    const run = await scene.check(repository, pull, ({ conclusion }) => conclusion === 'action_required');
    const [before] = await ask('production', 'robo-1', pull.headSha);
    await waits(before);
    scene.github.actions.press(repository, run, 'approve', 'carol');
    await until('the merge', () => pull.merged !== undefined);
    await until('its record', async () => (await scene.audit('approval.applied')).length > 1);
    for (const sha of [pull.headSha, pull.merged?.sha ?? '']) {
      const [deployment] = await ask('production', 'robo-1', sha);
      await answered(deployment, 'approved');
      const [decided] = await entriesOf(deployment, 'deploy.decided');
      expect(decided?.details).toMatchObject({ verdict: 'allow', mergeApproved: true });
    }
  });
});

describe('an answer', () => {
  test('that is lost is looked up, and given once for doubled webhooks', async () => {
    scene.github.faults.plan(answer, { kind: 'lose' });
    scene.github.deliveries.carriage = 'double';
    const [deployment] = await ask('staging');
    scene.github.deliveries.carriage = 'send';
    await answered(deployment, 'approved');
    await until('the entry', async () => (await entriesOf(deployment, 'deploy.forwarded')).length === 1);
    expect(deployment.told).toHaveLength(1);
  });

  test('to a run that was cancelled meanwhile ends the request', async () => {
    const [deployment, run] = await ask('prod-soon');
    const id = await waits(deployment);
    run.status = 'completed';
    run.conclusion = 'cancelled';
    await carol.decide(id, 'approve', { reason: 'too late' });
    await carol.until(id, 'failed');
    expect(deployment.state).toBe('waiting');
    expect((await entriesOf(deployment, 'deploy.refused'))[0]?.details).toMatchObject({ by: 'upstream' });
  });
});

test('nothing was asked or answered that GitHub does not describe', () => {
  expect(scene.github.violations).toEqual([]);
});
