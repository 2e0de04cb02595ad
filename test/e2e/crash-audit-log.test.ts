// A guard whose database stops: without a record nothing is forwarded, within a deadline, and it recovers by itself.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { openDatabase } from '../../server/db.ts';
import { reachEmbeddedPostgres } from '../../server/embedded-postgres.ts';
import { createGitClient, type GitClient, withCredentials, type WorkTree } from '../support/client.ts';
import { type RunningGuard, startGuard } from '../support/guard.ts';
import {
  issueToken,
  quarantinedFiles,
  upstreamCredential,
  upstreamPassword,
} from '../support/guarded-forge.ts';
import { descendantsOf } from '../support/process-memory.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import type { UpstreamRepository } from '../support/upstream-repository.ts';

let upstream: Upstream;
let repository: UpstreamRepository;
let client: GitClient;
let guard: RunningGuard;
let tree: WorkTree;
let commits = 0;

beforeAll(async () => {
  upstream = await startUpstream({ credential: upstreamCredential });
  repository = await upstream.createRepo('team/app', { seed: { 'README.md': 'hello\n' } });
  client = await createGitClient();
  const credential = { mode: 'basic', username: 'guard', password: { env: 'UPSTREAM_PASSWORD' } };
  guard = await startGuard({
    config: { forges: [{ name: 'forge', url: upstream.url, credential }] },
    env: { UPSTREAM_PASSWORD: upstreamPassword },
  });
  const { token } = await withDatabase((database) => issueToken(database));
  tree = await client.clone(withCredentials(`${guard.url}/git/forge/team/app.git`, 'agent', token));
});
afterAll(async () => {
  await signalPostgres('SIGCONT');
  await guard.stop();
  await upstream.stop();
  await client.remove();
});

async function withDatabase<T>(work: (database: Awaited<ReturnType<typeof openDatabase>>) => Promise<T>) {
  await using embedded = await reachEmbeddedPostgres(guard.dataDir);
  await using database = await openDatabase(embedded.url, { migrate: false, maxConnections: 1 });
  return await work(database);
}

async function signalPostgres(signal: NodeJS.Signals): Promise<number> {
  const servers = (await descendantsOf(guard.pid)).filter(({ name }) => name === 'postgres');
  for (const { pid } of servers) process.kill(pid, signal);
  return servers.length;
}

const readiness = async (): Promise<number> =>
  (await fetch(`${guard.url}/readyz`, { signal: AbortSignal.timeout(60_000) })).status;

async function commit(): Promise<string> {
  commits += 1;
  return tree.commit(`commit ${commits}`, { 'file.txt': `${commits}\n` });
}

// A test that fails leaves the next one a database that works.
afterEach(() => signalPostgres('SIGCONT'));

// Where the client was slow, the guard cannot even tell who it is any more; git shows no more than the status then.
const unavailable = /(database|audit)\/unavailable|audit log cannot be written|HTTP 503/;

test('a database that hangs before the push: refused in time, and the next push lands', async () => {
  await commit();
  expect(await readiness()).toBe(200);
  expect(await signalPostgres('SIGSTOP')).toBeGreaterThan(1);
  const run = await tree.push('HEAD:refs/heads/agent/hanging');
  expect(await readiness()).toBe(503);
  expect(run.code).not.toBe(0);
  expect(run.seconds).toBeLessThan(45);
  expect(run.stderr).toMatch(unavailable);
  expect(await repository.refs()).not.toHaveProperty('refs/heads/agent/hanging');
  await signalPostgres('SIGCONT');
  await expect.poll(readiness).toBe(200);
  await expect
    .poll(async () => (await tree.push('HEAD:refs/heads/agent/after')).code, {
      timeout: 30_000,
      interval: 500,
    })
    .toBe(0);
}, 120_000);

test('a database that hangs in the middle of the push: nothing lands', async () => {
  const oid = await commit();
  // The upstream's answer about its refs keeps the push waiting while the database stops.
  const hold = upstream.hold('after', 'advertise-receive-pack');
  const running = tree.push('HEAD:refs/heads/agent/middle');
  await hold.reached;
  await signalPostgres('SIGSTOP');
  hold.release();
  const run = await running;
  expect(run.code).not.toBe(0);
  expect(run.stderr).toMatch(unavailable);
  expect(run.seconds).toBeLessThan(45);
  expect(await repository.refs()).not.toHaveProperty('refs/heads/agent/middle');
  expect(upstream.requests.filter(({ kind }) => kind === 'git-receive-pack').length).toBe(1);
  await signalPostgres('SIGCONT');
  await expect.poll(readiness).toBe(200);
  await sleep(1_000);
  await expect
    .poll(async () => (await tree.push('HEAD:refs/heads/agent/middle')).code, {
      timeout: 30_000,
      interval: 500,
    })
    .toBe(0);
  expect(await repository.refs()).toMatchObject({ 'refs/heads/agent/middle': oid });
  await expect.poll(() => quarantinedFiles(guard.dataDir)).toEqual([]);
  expect(await guard.command(['audit', 'verify'])).toMatchObject({ code: 0 });
}, 120_000);

test('a database that is gone: refused, unready, and the guard says so', async () => {
  await commit();
  await signalPostgres('SIGKILL');
  await expect.poll(readiness).toBe(503);
  const run = await tree.push('HEAD:refs/heads/agent/gone');
  expect(run.code).not.toBe(0);
  expect(run.stderr).toMatch(/(database|audit)\/unavailable/);
  expect(run.seconds).toBeLessThan(45);
  expect(await repository.refs()).not.toHaveProperty('refs/heads/agent/gone');
  expect((await fetch(`${guard.url}/healthz`)).status).toBe(200);
}, 120_000);
