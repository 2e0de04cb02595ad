// A risky change of an agent waits for people in its check: who may not decide is told why, the right person's press lets
// exactly that commit go on, whatever comes after asks again.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CheckRun } from '../support/github/check-state.ts';
import { makeCommits } from '../support/github/commits.ts';
import { type GuardedGithub, startGuardedGithub } from '../support/github/guarded-github.ts';
import type { PullRequest } from '../support/github/pull-state.ts';
import { accountOf, type Repository } from '../support/github/world.ts';
import { createReviewer } from '../support/reviewers.ts';
import { secretSample } from '../support/secrets.ts';
import { until } from '../support/until.ts';

let scene: GuardedGithub;
let repository: Repository;

const policy = `version: 1
rules:
  - id: ci
    when: { operation: merge, actor: { kind: agent }, paths: 'ci/**' }
    then: { hold: { approvers: group:reviewers, count: 1, expires: 24h } }
  - id: owned
    when: { operation: merge, actor: { kind: agent }, paths: 'owned/**' }
    then: { hold: { approvers: group:owners, count: 1, expires: 24h } }
  - id: watched
    monitor: true
    when: { operation: merge, paths: 'watched/**' }
    then: deny
`;

beforeAll(async () => {
  scene = await startGuardedGithub({
    app: {
      merge: 'guard',
      mergeMethod: 'merge',
      reviewsApprove: true,
      agents: [{ logins: ['robo-*'], onBehalfOf: ['human:ada@example.org'] }],
      people: { ada: 'human:ada@example.org', carol: 'human:carol@example.org' },
      groups: {
        reviewers: ['team:acme/reviewers'],
        owners: ['codeowners'],
        maintainers: ['permission:maintain'],
      },
    },
    policy,
  });
  const { world } = scene.github;
  repository = await scene.createRepository('risky', {
    'README.md': '# risky\n',
    '.github/CODEOWNERS': '* @somebody\n/owned/ @erin @acme/reviewers\n',
  });
  world.teams.push({ organization: 'acme', slug: 'reviewers', members: new Set(['carol', 'robo-1', 'ada']) });
  for (const login of ['ada', 'carol', 'erin', 'mallory', 'robo-1', 'dave']) {
    accountOf(world, login);
    if (login !== 'dave') repository.collaborators.set(login, 'write');
  }
});
afterAll(() => scene[Symbol.asyncDispose]());

let made = 0;
const risky = (files: Readonly<Record<string, string>> = {}): Promise<PullRequest> =>
  scene.openPull(
    repository,
    { [`ci/step-${(made += 1)}.yml`]: `step: ${made}\n`, ...files },
    { by: 'robo-1' },
  );

const waits = ({ conclusion }: CheckRun): boolean => conclusion === 'action_required';

async function press(pull: PullRequest, identifier: string, by: string): Promise<void> {
  const run = await scene.check(repository, pull);
  scene.github.actions.press(repository, run, identifier, by);
}

test('it waits, with buttons, and says for whom', async () => {
  const pull = await risky();
  const run = await scene.check(repository, pull, waits);
  expect(run.actions.map(({ identifier }) => identifier)).toEqual(['approve', 'deny', 'rescan']);
  expect(run.summary).toContain('`group:reviewers`');
  expect(run.detailsUrl).toContain('/ui/approvals/ap_');
});

test('it shows what would change, file by file, with values masked', async () => {
  const secret = secretSample('github-token', 77);
  const pull = await scene.openPull(
    repository,
    { 'ci/shown.sh': `echo\n${secret.text}`, 'README.md': '# risky\nmore\n' },
    { by: 'robo-1' },
  );
  const run = await scene.check(repository, pull, waits);
  const id = /ap_[\w-]+/.exec(run.detailsUrl ?? '')?.[0] ?? '';
  const reviewer = await createReviewer(scene.database.database, scene.guard.url, 'rita');
  const page = await reviewer.changes(id);
  expect(page).toMatchObject({
    total: 2,
    next: null,
    files: [
      { path: 'README.md', change: 'modify', masked: 0 },
      { path: 'ci/shown.sh', change: 'add', masked: 1, ref: `refs/pull/${pull.number}/head` },
    ],
  });
  expect(JSON.stringify(page)).toContain('more');
  expect(JSON.stringify(page)).not.toContain(secret.value);
  const [shown] = (await scene.audit('approval.shown')).toReversed();
  expect(shown?.details).toMatchObject({ approval: id, files: 2 });
});

test.each([
  ['the agent itself', 'robo-1', 'who wrote a part'],
  ['the person it acts for', 'ada', 'cannot decide about its request'],
  ['somebody whom nobody named', 'mallory', 'nobody has named you'],
  ['somebody who may not write', 'dave', 'only who may write'],
])('a press of %s is refused with the reason', async (_, login, reason) => {
  const pull = await risky();
  await scene.check(repository, pull, waits);
  await press(pull, 'approve', login);
  const run = await scene.check(repository, pull, ({ summary }) => summary?.includes(reason) === true);
  expect(run.conclusion).toBe('action_required');
  expect(pull.merged).toBeUndefined();
  const [entry] = (await scene.audit('approval.forbidden')).toReversed();
  expect(entry?.actor?.proof).toBe('forge');
});

test('somebody who wrote a part of it does not decide about it', async () => {
  const pull = await scene.openPull(
    repository,
    { 'ci/shared.yml': 'a: 1\n' },
    { by: 'robo-1', branch: 'shared' },
  );
  await scene.check(repository, pull, waits);
  await makeCommits(scene.github.world, repository, [
    { branch: 'shared', files: { 'ci/more.yml': 'b: 1\n' }, by: 'carol' },
  ]);
  await scene.github.actions.synchronize(repository, 'shared');
  await scene.check(repository, pull, waits);
  await press(pull, 'approve', 'carol');
  await scene.check(repository, pull, ({ summary }) => summary?.includes('who wrote a part') === true);
});

describe('the right person', () => {
  test('has exactly that commit merged by the guard', async () => {
    const pull = await risky();
    await scene.check(repository, pull, waits);
    const head = pull.headSha;
    await press(pull, 'approve', 'carol');
    await until('the merge', () => pull.merged !== undefined);
    const parents = await repository.git.git('rev-parse', `${pull.merged?.sha}^2`);
    expect([parents, pull.merged?.by.login]).toEqual([head, scene.app.bot.login]);
    const merge = scene.github.calls.findLast(({ operation }) => operation.startsWith('PUT '));
    expect(merge?.body).toMatchObject({ sha: head, merge_method: 'merge' });
    await until('the entry', async () => (await scene.audit('approval.applied')).length > 0);
    const votes = await scene.audit('approval.voted');
    expect(votes.at(-1)?.actor?.id).toBe('human:carol@example.org');
  });

  test('ends it by denying', async () => {
    const pull = await risky();
    await scene.check(repository, pull, waits);
    await press(pull, 'deny', 'carol');
    const run = await scene.check(repository, pull, ({ title }) => title?.startsWith('Denied') === true);
    expect(run.conclusion).toBe('failure');
    expect(pull.merged).toBeUndefined();
  });

  test('may be an owner of all files of the change, and of no fewer', async () => {
    const some = await scene.openPull(
      repository,
      { 'owned/a.txt': 'a\n', 'other.txt': 'x\n' },
      { by: 'robo-1' },
    );
    await scene.check(repository, some, waits);
    await press(some, 'approve', 'erin');
    await scene.check(repository, some, ({ summary }) => summary?.includes('nobody has named you') === true);
    const all = await scene.openPull(repository, { 'owned/b.txt': 'b\n' }, { by: 'robo-1' });
    await scene.check(repository, all, waits);
    await press(all, 'approve', 'erin');
    await until('the merge', () => all.merged !== undefined);
  });

  test('may say it by a review', async () => {
    const pull = await risky();
    await scene.check(repository, pull, waits);
    scene.github.actions.review(repository, pull, 'mallory', 'APPROVED');
    scene.github.actions.review(repository, pull, 'carol', 'APPROVED');
    await until('the merge', () => pull.merged !== undefined);
  });
});

test('a commit that is slipped in after the approval is caught', async () => {
  const pull = await risky();
  const run = await scene.check(repository, pull, waits);
  const approved = pull.headSha;
  scene.github.deliveries.carriage = 'hold';
  await scene.push(repository, pull, { 'ci/slipped.yml': 'evil: true\n' });
  scene.github.deliveries.carriage = 'send';
  // The press is on the old commit, and the guard has not been told of the new one.
  scene.github.actions.press(repository, run, 'approve', 'carol');
  const said = await scene.check(repository, pull, waits);
  expect(said.summary).not.toContain('carol');
  await scene.github.deliveries.release((held) => held);
  await scene.check(repository, pull, waits);
  expect(pull.merged).toBeUndefined();
  expect(pull.headSha).not.toBe(approved);
});

describe('the guard', () => {
  test('waits for another required check, and merges once it is there', async () => {
    const pull = await risky();
    await scene.check(repository, pull, waits);
    repository.rules = [
      {
        branch: 'main',
        type: 'required_status_checks',
        parameters: {
          strict_required_status_checks_policy: false,
          required_status_checks: [
            { context: 'forgeguard', integration_id: scene.app.id },
            { context: 'tests' },
          ],
        },
      },
    ];
    await press(pull, 'approve', 'carol');
    await scene.check(repository, pull, ({ conclusion }) => conclusion === 'success');
    expect(pull.merged).toBeUndefined();
    repository.statuses.push({
      id: 1,
      sha: pull.headSha,
      context: 'tests',
      state: 'success',
      creator: accountOf(scene.github.world, 'ci'),
      at: new Date(),
    });
    await until('the merge', () => pull.merged !== undefined, 40_000);
    repository.rules = [];
  });

  test('finds out what became of a merge whose answer was lost', async () => {
    const pull = await risky();
    await scene.check(repository, pull, waits);
    const merge = 'PUT /repos/{owner}/{repo}/pulls/{pull_number}/merge';
    scene.github.faults.plan(merge, { kind: 'lose' });
    const before = scene.github.calls.filter(({ operation }) => operation === merge).length;
    await press(pull, 'approve', 'carol');
    await until('the merge', () => pull.merged !== undefined);
    const applied = (await scene.audit('approval.applied')).length;
    await until('the entry', async () => (await scene.audit('approval.applied')).length > applied, 40_000);
    expect(scene.github.calls.filter(({ operation }) => operation === merge).length).toBe(before);
  });

  test('tells why GitHub does not merge, and does not try again', async () => {
    const pull = await risky();
    await scene.check(repository, pull, waits);
    repository.mergeMethods = ['squash'];
    await press(pull, 'approve', 'carol');
    const run = await scene.check(
      repository,
      pull,
      ({ title }) => title?.includes('could not be merged') === true,
    );
    expect(run.title).toContain('merge merges are not allowed');
    repository.mergeMethods = ['merge', 'squash', 'rebase'];
  });
});

test('what the guard merged, or somebody after an approval, is no push around it', async () => {
  const open = `select count(*)::int as count from github_work where kind = 'push'`;
  await until('every push was looked at', async () => {
    const [row] = await scene.database.database.query<{ count: number }>(open);
    return row?.count === 0;
  });
  const merged = [...repository.pulls.values()].filter((pull) => pull.merged !== undefined);
  const pushes = await scene.database.database.query<{ after: string; how: string }>(
    `select after, how from github_push where how = 'merge'`,
  );
  expect(merged.length).toBeGreaterThan(1);
  expect(pushes.map(({ after }) => after).toSorted()).toEqual(
    merged.map((pull) => pull.merged?.sha ?? '').toSorted(),
  );
  expect(await scene.audit('bypass.detected')).toEqual([]);
});

test('a rule in monitor mode makes it neutral', async () => {
  const pull = await scene.openPull(repository, { 'watched/a.txt': 'a\n' });
  const run = await scene.check(repository, pull);
  expect([run.conclusion, run.title]).toEqual([
    'neutral',
    'Only watched: a rule in monitor mode would have acted',
  ]);
});

test('what is closed waits for nobody', async () => {
  const pull = await risky();
  await scene.check(repository, pull, waits);
  const ended = (await scene.audit('approval.cancelled')).length;
  scene.github.actions.close(repository, pull);
  await until('its end', async () => (await scene.audit('approval.cancelled')).length > ended);
});

test('nothing was asked or answered that GitHub does not describe', () => {
  expect(scene.github.violations).toEqual([]);
});
