// One App on several accounts, its work on a Redis, and pull requests of forks: each repository is asked with its own
// installation's tokens, and nothing of a fork is asked for.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeCommits } from '../support/github/commits.ts';
import { type GuardedGithub, startGuardedGithub } from '../support/github/guarded-github.ts';
import type { PullRequest } from '../support/github/pull-state.ts';
import type { Repository } from '../support/github/world.ts';
import { testRedis, type TestRedis } from '../support/redis.ts';
import { secretSample } from '../support/secrets.ts';
import { until } from '../support/until.ts';

let redis: TestRedis;
let scene: GuardedGithub;
let repository: Repository;
let other: Repository;
const token = secretSample('github-token', 61);

beforeAll(async () => {
  redis = await testRedis();
  scene = await startGuardedGithub({
    config: { redis: { url: { env: 'REDIS' } } },
    env: { REDIS: redis.url },
  });
  repository = await scene.createRepository('first');
  other = await scene.github.createRepository('umbrella', 'second');
  scene.github.install(scene.app, 'umbrella');
});
afterAll(async () => {
  await scene[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
});

describe('several installations', () => {
  test('are each asked with a token of their own', async () => {
    const pulls = await Promise.all([
      scene.openPull(repository, { 'a.txt': 'a\n' }),
      scene.openPull(other, { 'b.sh': token.text }),
    ]);
    const runs = await Promise.all([scene.check(repository, pulls[0]), scene.check(other, pulls[1])]);
    expect(runs.map(({ conclusion }) => conclusion)).toEqual(['success', 'failure']);
    const accounts = [...scene.github.world.tokens.values()].map(
      ({ installation }) => installation.account.login,
    );
    expect(new Set(accounts)).toEqual(new Set(['acme', 'umbrella']));
    expect(scene.github.calls.filter(({ status }) => status >= 400)).toEqual([]);
  });

  test('go on where one of them is suspended', async () => {
    const installation = [...scene.github.world.installations.values()].find(
      ({ account }) => account.login === 'umbrella',
    );
    if (installation === undefined) throw new Error('it is installed');
    installation.suspended = true;
    const closed = await scene.openPull(other, { 'c.txt': 'c\n' });
    const open = await scene.openPull(repository, { 'c.txt': 'c\n' });
    expect((await scene.check(repository, open)).conclusion).toBe('success');
    expect([...other.checkRuns.values()].filter(({ headSha }) => headSha === closed.headSha)).toEqual([]);
    installation.suspended = false;
    scene.github.actions.edit(other, closed, { title: 'Again' });
    expect((await scene.check(other, closed)).conclusion).toBe('success');
  });
});

describe('work on Redis', () => {
  test('is there, and is found again where Redis has lost it', async () => {
    const keys = await redis.send('keys', '*forgeguard-github*');
    expect(keys).not.toEqual([]);
    const delay = { kind: 'delay', milliseconds: 1_000 } as const;
    scene.github.faults.plan('GET /repos/{owner}/{repo}/pulls/{pull_number}', delay);
    const pull = await scene.openPull(repository, { 'lost.txt': 'x\n' });
    await scene.github.deliveries.arrived();
    await redis.send('flushall');
    expect((await scene.check(repository, pull)).conclusion).toBe('success');
  });

  test('is done when Redis is back', async () => {
    await redis.stop();
    const pull = await scene.openPull(repository, { 'down.txt': 'x\n' });
    await scene.github.deliveries.arrived();
    expect(scene.github.deliveries.sent.at(-1)?.statusCode).toBe(202);
    await redis.start();
    expect((await scene.check(repository, pull)).conclusion).toBe('success');
  });
});

describe('a pull request of a fork', () => {
  let fork: Repository;
  let pull: PullRequest;
  const asked = (): readonly string[] =>
    scene.github.calls.flatMap(({ path }) => (path.includes('/stranger/') ? [path] : []));

  beforeAll(async () => {
    // Nobody has installed the App there.
    fork = await scene.github.createRepository('stranger', 'first');
    const { git } = fork.git;
    await git('fetch', '--quiet', repository.git.directory, '+refs/heads/main:refs/heads/main');
    const push = (files: Readonly<Record<string, string>>) =>
      makeCommits(scene.github.world, fork, [{ branch: 'patch', files, by: 'stranger' }]);
    await push({ 'fork.sh': `echo\n${token.text}` });
    const { actions } = scene.github;
    pull = await actions.openPull(repository, { by: 'stranger', head: 'patch', fork });
  });

  test('is read from where GitHub keeps it for the repository, and with no right to the fork', async () => {
    const run = await scene.check(repository, pull);
    expect(run.conclusion).toBe('failure');
    expect(run.annotations).toContainEqual(expect.objectContaining({ path: 'fork.sh', start_line: 2 }));
    expect(asked()).toEqual([]);
    const owners = [...scene.github.world.tokens.values()].map(
      ({ installation }) => installation.account.login,
    );
    expect(owners).not.toContain('stranger');
  });

  test('follows what is pushed to the fork', async () => {
    await makeCommits(scene.github.world, fork, [
      { branch: 'clean', from: 'main', files: { 'fork.txt': 'x\n' }, by: 'stranger' },
    ]);
    await fork.git.git('update-ref', 'refs/heads/patch', 'refs/heads/clean');
    await scene.github.actions.synchronize(repository, 'patch', { fork });
    expect((await scene.check(repository, pull)).conclusion).toBe('success');
  });

  test('is looked at when its fork is gone', async () => {
    scene.github.actions.deleteFork(fork);
    scene.github.actions.edit(repository, pull, { title: `Use ${token.value}` });
    await scene.check(repository, pull, ({ conclusion }) => conclusion === 'failure');
    scene.github.actions.close(repository, pull);
    await until('the work is done', async () => {
      return (await scene.database.database.query('select id from github_work')).length === 0;
    });
    expect(asked()).toEqual([]);
  });
});

test('nothing was asked or answered that GitHub does not describe', () => {
  // GitHub's description does not say that the repository of a fork is null once it is gone.
  const isOfFork = (text: string): boolean => text.endsWith('/head/repo: must be object');
  expect(scene.github.violations.filter((text) => !isOfFork(text))).toEqual([]);
});
