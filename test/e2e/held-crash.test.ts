// A guard that is killed while it holds a push or lands an approved one: the request goes on after the next start, what
// was approved lands once, and every attempt has its outcome.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createGitClient, type GitClient, withCredentials, type WorkTree } from '../support/client.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { freePort } from '../support/free-port.ts';
import { type RunningGuard, startGuard } from '../support/guard.ts';
import { issueToken, readAudit, upstreamCredential, upstreamPassword } from '../support/guarded-forge.ts';
import { createReviewer, type Reviewer } from '../support/reviewers.ts';
import { type TemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import type { UpstreamRepository } from '../support/upstream-repository.ts';

let upstream: Upstream;
let repository: UpstreamRepository;
let client: GitClient;
let data: TemporaryDirectory;
let database: TestDatabase;
let stepFile: string;
let port: number;
let guard: RunningGuard;
let tree: WorkTree;
let ada: Reviewer;

beforeAll(async () => {
  upstream = await startUpstream({ credential: upstreamCredential });
  repository = await upstream.createRepo('team/app', { seed: { 'README.md': 'hello\n' } });
  client = await createGitClient();
  data = await temporaryDirectory('held-crash-data');
  database = await freshDatabase();
  stepFile = join(client.directory, 'deadly-step');
  port = await freePort();
  guard = await start();
  const { token } = await issueToken(database.database);
  tree = await client.clone(withCredentials(`${guard.url}/git/forge/team/app.git`, 'agent', token));
  ada = await createReviewer(database.database, guard.url, 'ada@example.org');
});
afterAll(async () => {
  await guard.stop();
  await upstream.stop();
  await client.remove();
  await data.remove();
  await database[Symbol.asyncDispose]();
});

async function start(): Promise<RunningGuard> {
  await writeFile(stepFile, '');
  const credential = { mode: 'basic', username: 'guard', password: { env: 'UPSTREAM_PASSWORD' } };
  return startGuard({
    config: { forges: [{ name: 'forge', url: upstream.url, credential }] },
    dataDir: join(data.path, 'data'),
    deadlyStepFile: stepFile,
    env: { UPSTREAM_PASSWORD: upstreamPassword, DATABASE_URL: database.url },
    port,
  });
}

let made = 0;
async function nextCommit(): Promise<{ readonly oid: string; readonly branch: string }> {
  made += 1;
  const oid = await tree.commit(`change ${made}`, { 'file.txt': `${made}\n` });
  return { oid, branch: `release/${made}` };
}

const landed = async (branch: string): Promise<string | undefined> =>
  (await repository.refs())[`refs/heads/${branch}`];

async function waitingRequest(): Promise<string> {
  const [request] = await ada.list('waiting');
  return request?.id ?? '';
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** After everything: one landing, no attempt open, a log that verifies. */
async function expectTruth(id: string, oid: string): Promise<void> {
  expect(await database.database.query('select * from audit_open_attempt')).toEqual([]);
  const entries = await readAudit(database.database);
  const applied = entries.filter(
    ({ action, details }) => action === 'approval.applied' && details['approval'] === id,
  );
  expect(applied).toHaveLength(1);
  const request = applied[0]?.request;
  const own = entries.filter((entry) => entry.request === request);
  expect(own.filter(({ action }) => action === 'push.forwarded')).toHaveLength(1);
  expect(JSON.stringify(own)).toContain(oid);
  expect(await guard.command(['audit', 'verify'])).toMatchObject({ code: 0 });
}

test('killed once the push is held: the request waits on and lands', async () => {
  const { oid, branch } = await nextCommit();
  await writeFile(stepFile, 'held');
  expect((await tree.push(`HEAD:refs/heads/${branch}`)).code).not.toBe(0);
  await guard.kill();
  guard = await start();
  const id = await waitingRequest();
  expect(await landed(branch)).toBeUndefined();
  await ada.decide(id, 'approve');
  await ada.until(id, 'applied');
  expect(await landed(branch)).toBe(oid);
  await expectTruth(id, oid);
});

test.each([
  { step: 'apply-decided', before: false },
  { step: 'apply-forwarded', before: true },
])('killed at $step: it lands once', async ({ step, before }) => {
  const { oid, branch } = await nextCommit();
  expect((await tree.push(`HEAD:refs/heads/${branch}`)).code).toBe(1);
  const id = await waitingRequest();
  await writeFile(stepFile, step);
  await ada.decide(id, 'approve').catch(() => undefined);
  await expect.poll(() => isAlive(guard.pid)).toBe(false);
  await guard.kill();
  expect((await landed(branch)) === oid).toBe(before);
  const pushesBefore = upstream.requests.filter(({ kind }) => kind === 'git-receive-pack').length;
  guard = await start();
  const started = performance.now();
  await ada.until(id, 'applied');
  expect(performance.now() - started, 'its own claim is not waited for').toBeLessThan(10_000);
  expect(await landed(branch)).toBe(oid);
  const pushesAfter = upstream.requests.filter(({ kind }) => kind === 'git-receive-pack').length;
  expect(pushesAfter - pushesBefore).toBe(before ? 0 : 1);
  await expectTruth(id, oid);
});

test.each([
  { signal: 'SIGTERM', when: 'before' },
  { signal: 'SIGTERM', when: 'after' },
  { signal: 'SIGKILL', when: 'before' },
  { signal: 'SIGKILL', when: 'after' },
] as const)('$signal while the upstream is at it, $when it takes effect: it lands once', async (fault) => {
  const { oid, branch } = await nextCommit();
  expect((await tree.push(`HEAD:refs/heads/${branch}`)).code).toBe(1);
  const id = await waitingRequest();
  const [arrived, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const wait = async (): Promise<void> => {
    arrived.resolve();
    await released.promise;
  };
  upstream.fault({ on: 'git-receive-pack', times: 1, effect: { kind: 'hold', when: fault.when, wait } });
  await ada.decide(id, 'approve');
  await arrived.promise;
  await guard.kill(fault.signal);
  expect(await ada.see(id).catch(() => 'nobody answers')).toBe('nobody answers');
  expect((await landed(branch)) === oid).toBe(fault.when === 'after');
  guard = await start();
  const started = performance.now();
  await ada.until(id, 'applied');
  expect(performance.now() - started, 'its own claim is not waited for').toBeLessThan(10_000);
  released.resolve();
  await expect.poll(() => landed(branch)).toBe(oid);
  await expectTruth(id, oid);
});

test('a guard that is stopped lets those go who wait, and their requests wait on', async () => {
  const { oid, branch } = await nextCommit();
  const pushed = tree.push(`HEAD:refs/heads/${branch}`, { options: ['forgeguard.wait=60'] });
  await expect.poll(waitingRequest).not.toBe('');
  await guard.stop();
  const told = await pushed;
  expect(told.code).toBe(1);
  expect(told.stderr).toContain('held for approval http');
  guard = await start();
  const id = await waitingRequest();
  await ada.decide(id, 'approve');
  await ada.until(id, 'applied');
  expect(await landed(branch)).toBe(oid);
});

test('the policy of the day decides: what it no longer lets through is stale', async () => {
  const { oid, branch } = await nextCommit();
  expect((await tree.push(`HEAD:refs/heads/${branch}`)).code).toBe(1);
  const id = await waitingRequest();
  await guard.stop();
  guard = await startGuard({
    config: {
      forges: [
        {
          name: 'forge',
          url: upstream.url,
          credential: { mode: 'basic', username: 'guard', password: { env: 'UPSTREAM_PASSWORD' } },
        },
      ],
      policyFile: 'policy.yaml',
    },
    policy: 'version: 1\nrules:\n  - { id: frozen, when: { operation: push }, then: deny }\n',
    dataDir: join(data.path, 'data'),
    env: { UPSTREAM_PASSWORD: upstreamPassword, DATABASE_URL: database.url },
    port,
  });
  await ada.decide(id, 'approve');
  const stale = await ada.until(id, 'stale');
  expect(stale.note).toContain('frozen');
  expect(await landed(branch)).not.toBe(oid);
});
