// A guard that is killed at any step of a push: no upstream effect without a record, and after the next start every
// attempt has exactly one outcome, which is what the upstream's refs show.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AuditEntry } from '../../core/audit-entry.ts';
import { openDatabase } from '../../server/db.ts';
import { reachEmbeddedPostgres } from '../../server/embedded-postgres.ts';
import { createGitClient, type GitClient, withCredentials, type WorkTree } from '../support/client.ts';
import { freePort } from '../support/free-port.ts';
import { type RunningGuard, startGuard } from '../support/guard.ts';
import {
  issueToken,
  quarantinedFiles,
  readAudit,
  upstreamCredential,
  upstreamPassword,
} from '../support/guarded-forge.ts';
import { type TemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import type { UpstreamRepository } from '../support/upstream-repository.ts';

let upstream: Upstream;
let repository: UpstreamRepository;
let client: GitClient;
let data: TemporaryDirectory;
let stepFile: string;
let port: number;
let guard: RunningGuard;
let tree: WorkTree;

beforeAll(async () => {
  upstream = await startUpstream({ credential: upstreamCredential });
  repository = await upstream.createRepo('team/app', { seed: { 'README.md': 'hello\n' } });
  client = await createGitClient();
  data = await temporaryDirectory('crash-data');
  stepFile = join(client.directory, 'deadly-step');
  port = await freePort();
  guard = await start();
  const { token } = await withDatabase((database) => issueToken(database));
  tree = await client.clone(withCredentials(`${guard.url}/git/forge/team/app.git`, 'agent', token));
});
afterAll(async () => {
  await guard.stop();
  await upstream.stop();
  await client.remove();
  await data.remove();
});

async function start(): Promise<RunningGuard> {
  await writeFile(stepFile, '');
  const credential = { mode: 'basic', username: 'guard', password: { env: 'UPSTREAM_PASSWORD' } };
  return startGuard({
    config: { forges: [{ name: 'forge', url: upstream.url, credential }] },
    dataDir: join(data.path, 'data'),
    deadlyStepFile: stepFile,
    env: { UPSTREAM_PASSWORD: upstreamPassword },
    port,
  });
}

async function withDatabase<T>(work: (database: Awaited<ReturnType<typeof openDatabase>>) => Promise<T>) {
  await using embedded = await reachEmbeddedPostgres(join(data.path, 'data'));
  await using database = await openDatabase(embedded.url, { migrate: false, maxConnections: 1 });
  return await work(database);
}

let pushes = 0;
async function nextCommit(): Promise<{ readonly oid: string; readonly branch: string }> {
  pushes += 1;
  const oid = await tree.commit(`push ${pushes}`, { 'file.txt': `${pushes}\n` });
  return { oid, branch: `agent/push-${pushes}` };
}

const closings: readonly string[] = ['push.forwarded', 'push.refused', 'push.held', 'push.unknown'];

/** What must hold after a guard died in the push of `oid` and was started again. */
async function expectTruth(oid: string, branch: string): Promise<AuditEntry | undefined> {
  const landed = (await repository.refs())[`refs/heads/${branch}`] === oid;
  const { entries, open } = await withDatabase(async (database) => ({
    entries: await readAudit(database),
    open: await database.query('select * from audit_open_attempt'),
  }));
  expect(open).toEqual([]);
  const received = entries.find(
    (entry) => entry.action === 'push.received' && JSON.stringify(entry.details).includes(oid),
  );
  const attempt = entries.filter((entry) => entry.request === received?.request && received !== undefined);
  const outcomes = attempt.filter((entry) => closings.includes(entry.action));
  const decided = attempt.find((entry) => entry.action === 'push.decided');
  expect(outcomes).toHaveLength(received === undefined ? 0 : 1);
  if (landed) {
    expect(decided?.details).toMatchObject({ verdict: 'allow' });
    expect(outcomes[0]?.action).toBe('push.forwarded');
  } else if (received !== undefined) {
    expect(outcomes[0]?.action).toBe('push.refused');
  }
  await expect.poll(() => quarantinedFiles(guard.dataDir)).toEqual([]);
  return outcomes[0];
}

async function expectToWork(): Promise<void> {
  const { oid, branch } = await nextCommit();
  expect(await tree.push(`HEAD:refs/heads/${branch}`)).toMatchObject({ code: 0 });
  expect(await repository.refs()).toMatchObject({ [`refs/heads/${branch}`]: oid });
  const verified = await guard.command(['audit', 'verify']);
  expect(verified).toMatchObject({ code: 0 });
  expect(verified.stdout).toMatch(/\nok\n$/);
}

const steps = [
  { step: 'commands', lands: false },
  { step: 'quarantine', lands: false },
  { step: 'received', lands: false },
  { step: 'objects', lands: false },
  { step: 'findings', lands: false },
  { step: 'verdict', lands: false },
  { step: 'decided', lands: false },
  { step: 'forward', lands: false },
  { step: 'forwarded', lands: true },
  { step: 'outcome', lands: true },
];

test.each(steps)('killed at $step', async ({ step, lands }) => {
  const { oid, branch } = await nextCommit();
  await writeFile(stepFile, step);
  const run = await tree.push(`HEAD:refs/heads/${branch}`);
  expect(run.code).not.toBe(0);
  await guard.kill();
  expect((await repository.refs())[`refs/heads/${branch}`] === oid).toBe(lands);
  guard = await start();
  await expectTruth(oid, branch);
  await expectToWork();
});

test('killed while the upstream has the push and has not applied it', async () => {
  const { oid, branch } = await nextCommit();
  const hold = await repository.holdIn('pre-receive');
  const running = tree.push(`HEAD:refs/heads/${branch}`);
  await hold.reached;
  await guard.kill();
  expect((await running).code).not.toBe(0);
  expect(await repository.refs()).not.toHaveProperty(`refs/heads/${branch}`);
  hold.release();
  await repository.hook('pre-receive', 'exit 0');
  // The upstream finishes what it has; the guard learns of it when it is back.
  await expect.poll(() => repository.refs()).toHaveProperty(`refs/heads/${branch}`);
  guard = await start();
  expect(await expectTruth(oid, branch)).toMatchObject({
    action: 'push.forwarded',
    details: { settled: true },
  });
  await expectToWork();
});

test('killed after the upstream applied the push and before it answered', async () => {
  const { oid, branch } = await nextCommit();
  const hold = upstream.hold('after', 'git-receive-pack');
  const running = tree.push(`HEAD:refs/heads/${branch}`);
  await hold.reached;
  expect(await repository.refs()).toMatchObject({ [`refs/heads/${branch}`]: oid });
  await guard.kill();
  hold.release();
  expect((await running).code).not.toBe(0);
  guard = await start();
  expect(await expectTruth(oid, branch)).toMatchObject({
    action: 'push.forwarded',
    details: { settled: true },
  });
  await expectToWork();
});

test('started while the upstream is down, it claims nothing of a push that may have landed', async () => {
  const { oid, branch } = await nextCommit();
  const hold = upstream.hold('after', 'git-receive-pack');
  const running = tree.push(`HEAD:refs/heads/${branch}`);
  await hold.reached;
  await guard.kill();
  hold.release();
  await running;
  await upstream.down();
  guard = await start();
  await upstream.up();
  const entries = await withDatabase((database) => readAudit(database));
  const received = entries.find((entry) => JSON.stringify(entry.details).includes(oid));
  const last = entries.findLast((entry) => entry.request === received?.request);
  expect(last?.action).toBe('push.unknown');
  await expectToWork();
});
