// Who is behind a run of a workflow: the agent whose push through the guard brought the commit, in the session of that
// push; and what is kept and done where the configuration only asks to look.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import type { AuditEntry } from '../../core/audit-entry.ts';
import { replayStepSchema } from '../../core/activity/replay.ts';
import { sessionView } from '../../server/api/session-view.ts';
import { type Caller, createCaller } from '../support/api-caller.ts';
import { createGitClient, type GitClient, ok, withCredentials } from '../support/client.ts';
import { issueToken } from '../support/guarded-forge.ts';
import { type GuardedGithub, startGuardedGithub } from '../support/github/guarded-github.ts';
import type { WorkflowJob } from '../support/github/workflow-state.ts';
import type { Repository } from '../support/github/world.ts';
import { secretSample } from '../support/secrets.ts';
import { until } from '../support/until.ts';

const resources = new AsyncDisposableStack();
let scene: GuardedGithub;
let client: GitClient;
let repository: Repository;
let auditor: Caller;

beforeAll(async () => {
  client = resources.use(await createGitClient());
  scene = resources.use(await startGuardedGithub({ app: { workflows: { keepLogs: 'all' } } }));
  repository = await scene.createRepository('traced');
  auditor = await createCaller(scene.database.database, scene.guard.url, {
    name: 'auditor',
    scopes: [{ repository: '**', verbs: ['audit'] }],
  });
});
afterAll(() => resources.disposeAsync());

async function scanned(job: WorkflowJob): Promise<AuditEntry> {
  const find = async (): Promise<AuditEntry | undefined> =>
    (await scene.audit('log.scanned')).find(({ details }) => details['job'] === job.id);
  await until('the scan', async () => (await find()) !== undefined);
  return (await find()) as AuditEntry;
}

test('a run that a push through the guard starts is in the session of that push', async () => {
  const { token } = await issueToken(scene.database.database);
  const url = withCredentials(`${scene.guard.url}/git/hub/acme/traced.git`, 'agent', token);
  const tree = await client.clone(url);
  const sha = await tree.commit('Change', { 'change.txt': '1\n' });
  ok(await tree.push('HEAD:refs/heads/agent/change'));
  const { workflows } = scene.github;
  const run = await workflows.startRun(repository, { by: `${scene.app.slug}[bot]`, sha });
  const job = workflows.endJob(repository, run, 'build', ['all is well']);
  const { actor, request } = await scanned(job);
  const [pushed] = await scene.audit('push.received');
  expect(actor).toEqual(pushed?.actor);
  const listed = await auditor.get(`/sessions?agent=${actor?.id ?? ''}`);
  const { sessions } = z.looseObject({ sessions: z.array(sessionView) }).parse(listed.body);
  expect(sessions).toHaveLength(1);
  const { id } = sessions[0]!;
  const { body } = await auditor.get(`/sessions/${id}/replay`);
  const { steps } = z.looseObject({ steps: z.array(replayStepSchema) }).parse(body);
  expect(steps.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['push', 'log']));
  // Also a log with nothing in it is kept, where all are.
  await until('the copy', async () => {
    const kept = await scene.audit('evidence.kept');
    return kept.some((entry) => entry.request === request);
  });
  const { status, text } = await auditor.get(`/sessions/${id}/recordings/${request}`);
  expect([status, text.includes('all is well')]).toEqual([200, true]);
  expect((await auditor.get(`/sessions/${id}/recordings/0123456789abcdef`)).status).toBe(404);
});

test('somebody who starts the same commit again is behind that attempt', async () => {
  const { workflows } = scene.github;
  const sha = (await repository.git.git('rev-parse', 'refs/heads/agent/change')).trim();
  const run = await workflows.startRun(repository, { by: `${scene.app.slug}[bot]`, sha });
  workflows.rerun(run, 'grace');
  const { actor } = await scanned(workflows.endJob(repository, run, 'again', ['fine']));
  expect(actor?.id).toBe('human:hub/grace');
});

test('where the configuration only asks to look, nothing is deleted', async () => {
  const { workflows } = scene.github;
  const run = await workflows.startRun(repository, { by: 'coder' });
  const job = workflows.endJob(repository, run, 'leak', [secretSample('github-token', 8).text.trim()]);
  workflows.endRun(repository, run);
  expect((await scanned(job)).details).toMatchObject({ verdict: 'redact', willDelete: false });
  await scene.github.deliveries.arrived();
  const later = workflows.endJob(repository, await workflows.startRun(repository, { by: 'coder' }), 'x', [
    'y',
  ]);
  await scanned(later);
  expect([run.logsDeletedAt, await scene.audit('log.deleting')]).toEqual([undefined, []]);
});

test('nothing was asked or answered that GitHub does not describe', () => {
  expect(scene.github.violations).toEqual([]);
});
