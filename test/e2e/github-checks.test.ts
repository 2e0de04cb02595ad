// The check while the guard works: seen at once, finished once, with every annotation once, whatever GitHub answers in
// between and whoever finishes it.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { badGateway, secondaryLimit } from '../support/github/api-faults.ts';
import type { CheckRun } from '../support/github/check-state.ts';
import { type GuardedGithub, startGuardedGithub } from '../support/github/guarded-github.ts';
import type { PullRequest } from '../support/github/pull-state.ts';
import type { Repository } from '../support/github/world.ts';
import { secretSample } from '../support/secrets.ts';
import { until } from '../support/until.ts';

const post = 'POST /repos/{owner}/{repo}/check-runs';
const patch = 'PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}';
const reviews = 'GET /repos/{owner}/{repo}/pulls/{pull_number}/reviews';

let scene: GuardedGithub;
let repository: Repository;

beforeAll(async () => {
  scene = await startGuardedGithub();
  repository = await scene.createRepository('checks');
});
afterAll(() => scene[Symbol.asyncDispose]());

const runsOf = (pull: PullRequest): readonly CheckRun[] =>
  [...repository.checkRuns.values()].filter(({ headSha }) => headSha === pull.headSha);

let made = 0;
/** A file with this many values, each on its line. */
function values(count: number): Readonly<Record<string, string>> {
  made += count;
  const lines = Array.from(
    { length: count },
    (_, at) => secretSample('github-token', 5_000 + made + at).text,
  );
  return { [`many-${made}.sh`]: lines.join('') };
}

/** Expects one run with one annotation for each of so many lines. */
async function expectWhole(pull: PullRequest, count: number): Promise<void> {
  const run = await scene.check(repository, pull);
  expect([run.conclusion, run.title]).toEqual(['failure', `${count} findings must be removed`]);
  expect(run.annotations).toHaveLength(count);
  expect(new Set(run.annotations.map(({ start_line: line }) => line)).size).toBe(count);
  expect(runsOf(pull)).toHaveLength(1);
}

test('is seen while the guard looks, and finished as the same', async () => {
  scene.github.faults.plan(reviews, { kind: 'delay', milliseconds: 1_500 });
  const pull = await scene.openPull(repository, { 'a.txt': 'a\n' });
  await until('a check that is open', () => runsOf(pull)[0]?.status === 'in_progress');
  const [open] = runsOf(pull);
  expect([open?.title, open?.conclusion, open?.actions]).toEqual(['Looking at the change', null, []]);
  const run = await scene.check(repository, pull);
  expect([run.id, run.conclusion, runsOf(pull).length]).toEqual([open?.id, 'success', 1]);
});

test('of a pull request that is closed meanwhile is finished', async () => {
  scene.github.faults.plan(reviews, { kind: 'answer', status: 404, body: { message: 'Not Found' } });
  const pull = await scene.openPull(repository, { 'closed.txt': 'a\n' });
  await until('a check that is open', () => runsOf(pull)[0]?.status === 'in_progress');
  scene.github.actions.close(repository, pull);
  const run = await scene.check(repository, pull);
  expect([run.conclusion, run.title]).toEqual(['failure', 'Closed before it was looked at']);
});

describe('every annotation is there once', () => {
  test('where batches are lost before and after they are taken', async () => {
    scene.github.faults.plan(patch, badGateway);
    scene.github.faults.plan(patch, { kind: 'lose' });
    scene.github.faults.plan(patch, secondaryLimit(1));
    scene.github.faults.plan(patch, { kind: 'lose' });
    await expectWhole(await scene.openPull(repository, values(170)), 170);
  });

  test('where the last batch, with the end of the check, loses its answer', async () => {
    scene.github.faults.plan(patch, { kind: 'delay', milliseconds: 1 }, 2);
    scene.github.faults.plan(patch, { kind: 'lose' });
    await expectWhole(await scene.openPull(repository, values(120)), 120);
  });

  test('where GitHub asks to wait for long in the middle', async () => {
    scene.github.faults.plan(patch, { kind: 'delay', milliseconds: 1 });
    scene.github.faults.plan(patch, secondaryLimit(11));
    const started = Date.now();
    const pull = await scene.openPull(repository, values(110));
    await until('all of them', () => runsOf(pull)[0]?.annotations.length === 110, 40_000);
    expect(Date.now() - started).toBeGreaterThan(10_000);
    await expectWhole(pull, 110);
  });
});

test('is made once where the answer is lost', async () => {
  scene.github.faults.plan(post, { kind: 'lose' });
  const pull = await scene.openPull(repository, values(3));
  await expectWhole(pull, 3);
});

describe('a guard that dies', () => {
  test('while it looks leaves a check that another finishes', async () => {
    const asked = Promise.withResolvers<void>();
    const dead = Promise.withResolvers<void>();
    const act = async (): Promise<void> => {
      asked.resolve();
      await dead.promise;
    };
    scene.github.faults.plan(reviews, { kind: 'meanwhile', act });
    const pull = await scene.openPull(repository, values(60));
    await asked.promise;
    expect(runsOf(pull)[0]?.status).toBe('in_progress');
    await scene.restart();
    dead.resolve();
    await expectWhole(pull, 60);
  });

  test('while it writes leaves annotations that another goes on with', async () => {
    let patched = 0;
    const dead = Promise.withResolvers<void>();
    const act = async (): Promise<void> => {
      patched += 1;
      if (patched === 2) await dead.promise;
    };
    scene.github.faults.plan(patch, { kind: 'meanwhile', act }, 2);
    const pull = await scene.openPull(repository, values(130));
    await until('the second batch', () => patched === 2);
    // What was sent is taken before the next guard looks.
    setTimeout(() => dead.resolve(), 500);
    await scene.restart();
    await expectWhole(pull, 130);
  });
});

test('nothing was asked or answered that GitHub does not describe', () => {
  expect(scene.github.violations).toEqual([]);
});
