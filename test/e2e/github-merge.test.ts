// What can come between an approval and the merge by the guard: it is told, it ends the approval, and it is never tried
// again blindly.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CheckRun } from '../support/github/check-state.ts';
import { makeCommits } from '../support/github/commits.ts';
import { type GuardedGithub, startGuardedGithub } from '../support/github/guarded-github.ts';
import type { PullRequest } from '../support/github/pull-state.ts';
import { accountOf, type Repository } from '../support/github/world.ts';
import { until } from '../support/until.ts';

const merge = 'PUT /repos/{owner}/{repo}/pulls/{pull_number}/merge';
const policy = `version: 1
authors:
  mode: strict
  identities:
    - { principal: 'agent:hub/robo-1', emails: [robo-1@people.example] }
rules:
  - id: impersonation
    when: { operation: merge, authorMismatch: true }
    then: deny
  - id: ci
    when: { operation: merge, actor: { kind: agent }, paths: 'ci/**' }
    then: { hold: { approvers: group:reviewers, count: 1, expires: 24h } }
`;

let scene: GuardedGithub;
let repository: Repository;
let made = 0;

beforeAll(async () => {
  scene = await startGuardedGithub({
    app: {
      merge: 'guard',
      agents: [{ logins: ['robo-*'], onBehalfOf: ['human:ada@example.org'] }],
      groups: { reviewers: ['permission:maintain'] },
    },
    policy,
  });
  const { world } = scene.github;
  repository = await scene.createRepository('merging', { 'README.md': '# merging\n', 'base.txt': 'one\n' });
  for (const [login, role] of [
    ['carol', 'maintain'],
    ['robo-1', 'write'],
  ] as const) {
    accountOf(world, login);
    repository.collaborators.set(login, role);
  }
});
afterAll(() => scene[Symbol.asyncDispose]());

const risky = (files: Readonly<Record<string, string>> = {}): Promise<PullRequest> =>
  scene.openPull(repository, { [`ci/${(made += 1)}.yml`]: `step: ${made}\n`, ...files }, { by: 'robo-1' });
const waits = ({ conclusion }: CheckRun): boolean => conclusion === 'action_required';
const merges = (pull: PullRequest): number =>
  scene.github.calls.filter(
    ({ operation, path }) => operation === merge && path.endsWith(`/pulls/${pull.number}/merge`),
  ).length;

async function approve(pull: PullRequest): Promise<void> {
  const run = await scene.check(repository, pull, waits);
  scene.github.actions.press(repository, run, 'approve', 'carol');
}

/** The states in which requests have ended that were about this commit. */
async function ended(head: string): Promise<readonly string[]> {
  const rows = await scene.database.database.query<{ state: string }>(
    `select state from approval where binding::text like '%' || $1 || '%'`,
    [head],
  );
  return rows.map(({ state }) => state);
}

test('a commit between the last look and the merge is not merged, and ends the approval', async () => {
  const pull = await risky();
  const approved = pull.headSha;
  const act = (): Promise<void> => scene.push(repository, pull, { 'ci/slipped.yml': 'evil: true\n' });
  scene.github.faults.plan(merge, { kind: 'meanwhile', act });
  await approve(pull);
  // The new commit asks anew, and nobody has decided about it.
  await until('the new commit', () => pull.headSha !== approved);
  const run = await scene.check(repository, pull, waits);
  expect(run.summary).toContain('0 of 1');
  await until('the end of the approval', async () =>
    (await ended(approved)).every((state) => state === 'stale' || state === 'superseded'),
  );
  expect([pull.merged, merges(pull)]).toEqual([undefined, 1]);
  await approve(pull);
  await until('the merge', () => pull.merged !== undefined && merges(pull) > 1);
  expect(merges(pull)).toBe(2);
});

test('a base that moved on, and can be merged with, is merged with', async () => {
  const pull = await risky();
  const act = async (): Promise<void> => {
    await makeCommits(scene.github.world, repository, [
      { branch: 'main', files: { 'elsewhere.txt': 'moved\n' }, by: 'ada' },
    ]);
  };
  scene.github.faults.plan(merge, { kind: 'meanwhile', act });
  await approve(pull);
  await until('the merge', () => pull.merged !== undefined && merges(pull) > 0);
  expect(await repository.git.read('main', 'elsewhere.txt')).toBe('moved\n');
  expect(merges(pull)).toBe(1);
});

test('a base that moved on, and cannot be merged with, is told', async () => {
  const pull = await risky({ 'base.txt': 'two\n' });
  const act = async (): Promise<void> => {
    await makeCommits(scene.github.world, repository, [
      { branch: 'main', files: { 'base.txt': 'three\n' }, by: 'ada' },
    ]);
  };
  scene.github.faults.plan(merge, { kind: 'meanwhile', act });
  await approve(pull);
  await expectTold(pull, 'Pull Request is not mergeable');
});

test('a method that a rule of the branch does not allow is not the one that is taken', async () => {
  const parameters = {
    allowed_merge_methods: ['rebase', 'merge'],
    dismiss_stale_reviews_on_push: false,
    require_code_owner_review: false,
    require_last_push_approval: false,
    required_approving_review_count: 0,
    required_review_thread_resolution: false,
  };
  repository.rules = [{ branch: 'main', type: 'pull_request', parameters }];
  const pull = await risky();
  await approve(pull);
  await until('the merge', () => pull.merged !== undefined && merges(pull) > 0);
  const asked = scene.github.calls.findLast(({ operation }) => operation === merge);
  expect(asked?.body).toMatchObject({ sha: pull.headSha, merge_method: 'merge' });
  repository.rules = [];
});

const check = (context: string) => ({
  branch: 'main',
  type: 'required_status_checks',
  parameters: { strict_required_status_checks_policy: false, required_status_checks: [{ context }] },
});

test('commits in the name of somebody else are not even asked about', async () => {
  await makeCommits(scene.github.world, repository, [
    { branch: 'posing', files: { 'ci/posing.yml': 'step: 0\n' }, by: 'carol' },
  ]);
  const pull = await scene.github.actions.openPull(repository, { by: 'robo-1', head: 'posing' });
  const run = await scene.check(repository, pull);
  expect([run.conclusion, run.actions.map(({ identifier }) => identifier)]).toEqual(['failure', ['rescan']]);
  expect(run.summary).toContain('**impersonation**');
  expect(await ended(pull.headSha)).toEqual([]);
});

test('another required check that has failed is told, and no merge is asked for', async () => {
  repository.rules = [check('tests')];
  const pull = await risky();
  const creator = accountOf(scene.github.world, 'ci');
  repository.statuses.push({
    id: 1,
    sha: pull.headSha,
    context: 'tests',
    state: 'failure',
    creator,
    at: new Date(),
  });
  await approve(pull);
  await expectTold(pull, 'Another required check has failed: tests', 0);
  repository.rules = [];
});

test('a check that becomes required at the last moment is told', async () => {
  const pull = await risky();
  const act = async (): Promise<void> => void (repository.rules = [check('audit')]);
  scene.github.faults.plan(merge, { kind: 'meanwhile', act });
  await approve(pull);
  await expectTold(pull, 'Required status check "audit" is expected');
  repository.rules = [];
});

test.each([
  [403, 'Resource not accessible by integration'],
  [405, 'At least 1 approving review is required by reviewers with write access.'],
  [422, 'Changes must be made through a merge queue'],
])('a refusal by the rules of the branch (%i) is told', async (status, message) => {
  const pull = await risky();
  scene.github.faults.plan(merge, { kind: 'answer', status, body: { message } });
  await approve(pull);
  await expectTold(pull, message);
});

/** Expects the reason in the check, and that the guard leaves it at that. */
async function expectTold(pull: PullRequest, reason: string, asked = 1): Promise<void> {
  const run = await scene.check(repository, pull, ({ conclusion }) => conclusion === 'failure');
  expect(run.title).toContain('Approved, but it could not be merged');
  expect(run.title).toContain(reason);
  expect(await ended(pull.headSha)).toEqual(['failed']);
  // Whatever happens next to the pull request: what was approved is spent.
  scene.github.actions.edit(repository, pull, { title: 'Once more' });
  await scene.github.deliveries.arrived();
  await until('the work is done', async () => {
    return (await scene.database.database.query('select id from github_work')).length === 0;
  });
  expect([pull.merged, merges(pull)]).toEqual([undefined, asked]);
}

test('nothing was asked or answered that GitHub does not describe', () => {
  expect(scene.github.violations).toEqual([]);
});
