// Five hundred pull requests within a minute: each webhook is answered at once, each pull request gets its check, once.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeCommits } from '../support/github/commits.ts';
import { type GuardedGithub, startGuardedGithub } from '../support/github/guarded-github.ts';
import type { Repository } from '../support/github/world.ts';
import { until } from '../support/until.ts';

const count = 500;
let scene: GuardedGithub;
let repository: Repository;

beforeAll(async () => {
  scene = await startGuardedGithub();
  scene.github.setHourlyLimit(100_000);
  repository = await scene.createRepository('busy');
});
afterAll(() => scene[Symbol.asyncDispose]());

test('are all answered once', { timeout: 300_000 }, async () => {
  const branches = Array.from({ length: count }, (_, number) => `change-${number}`);
  const heads = await makeCommits(
    scene.github.world,
    repository,
    branches.map((branch) => ({ branch, files: { [`files/${branch}.txt`]: `${branch}\n` } })),
  );
  const { actions, deliveries } = scene.github;
  for (const head of branches) await actions.openPull(repository, { by: 'coder', head });
  await deliveries.arrived();
  expect(deliveries.sent.filter(({ statusCode }) => statusCode !== 202)).toEqual([]);
  const slowest = Math.max(...deliveries.sent.map(({ milliseconds }) => milliseconds));
  expect(slowest).toBeLessThan(10_000);
  const answered = (): number =>
    new Set([...repository.checkRuns.values()].map(({ headSha }) => headSha)).size;
  await until('all answers', () => answered() === count, 280_000);
  await until(
    'the end of the work',
    async () => (await scene.database.database.query('select id from github_work')).length === 0,
    60_000,
  );
  expect(repository.checkRuns.size).toBe(count);
  expect(new Set(heads).size).toBe(count);
  expect([...repository.checkRuns.values()].every(({ conclusion }) => conclusion === 'success')).toBe(true);
  expect(scene.github.violations).toEqual([]);
});
