// Pull requests of a GitHub: what they bring is found on its line, what they say too, and the check follows each commit.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type GuardedGithub, startGuardedGithub } from '../support/github/guarded-github.ts';
import type { Repository } from '../support/github/world.ts';
import { phiSample } from '../support/phi.ts';
import { secretSample } from '../support/secrets.ts';

/** All that GitHub asks for in a rule of this type. */
const pullRule = (more: object) => ({
  dismiss_stale_reviews_on_push: false,
  require_code_owner_review: false,
  require_last_push_approval: false,
  required_approving_review_count: 0,
  required_review_thread_resolution: false,
  ...more,
});

let scene: GuardedGithub;
let repository: Repository;
const old = secretSample('npm-token', 9);
const patient = phiSample('fhir', 4);
const token = secretSample('github-token', 5);

beforeAll(async () => {
  scene = await startGuardedGithub({ app: { summaryComment: true } });
  repository = await scene.createRepository('app', {
    'README.md': '# app\n',
    'deploy/old.sh': `echo one\n${old.text}`,
  });
});
afterAll(() => scene[Symbol.asyncDispose]());

test('a clean one turns green', async () => {
  const pull = await scene.openPull(repository, { 'src/a.ts': 'export const a = 1;\n' });
  const run = await scene.check(repository, pull);
  expect([run.name, run.conclusion, run.title]).toEqual(['forgeguard', 'success', 'Nothing was found']);
  expect(run.annotations).toEqual([]);
});

test('two with the same commit pass only together', async () => {
  const { actions } = scene.github;
  const bad = await scene.openPull(repository, { 'same.txt': 'same\n' }, { title: `Use ${token.value}` });
  await scene.check(repository, bad, ({ conclusion }) => conclusion === 'failure');
  const good = await actions.openPull(repository, { by: 'coder', head: bad.headRef });
  await scene.check(repository, good, ({ title }) => title?.startsWith('Another pull request') === true);
  actions.edit(repository, bad, { title: 'Use it' });
  await scene.check(repository, good, ({ conclusion }) => conclusion === 'success');
});

describe('a value', () => {
  test('in a file is red on its line, and green again when a later commit takes it away', async () => {
    const pull = await scene.openPull(repository, {
      [patient.path]: patient.text,
      'a.sh': `echo\n${token.text}`,
    });
    const run = await scene.check(repository, pull);
    expect(run.conclusion).toBe('failure');
    expect(run.annotations).toContainEqual(
      expect.objectContaining({ path: 'a.sh', start_line: 2, annotation_level: 'failure' }),
    );
    expect(run.annotations.some(({ path }) => path === patient.path)).toBe(true);
    for (const { text } of patient.values)
      expect(JSON.stringify([run.summary, run.text])).not.toContain(text);
    expect(JSON.stringify(run.annotations)).not.toContain(token.value);
    const [entry] = (await scene.audit('pull-request.checked')).toReversed();
    expect(entry?.details).toMatchObject({ pullRequest: pull.number, head: pull.headSha, verdict: 'deny' });
    expect(JSON.stringify(entry)).not.toContain(token.value);
    repository.mergeMethods = ['squash'];
    await scene.push(repository, pull, { [patient.path]: null, 'a.sh': 'echo\n' });
    const fixed = await scene.check(repository, pull);
    expect([fixed.conclusion, fixed.annotations]).toEqual(['success', []]);
    expect(fixed.text).toContain('In an earlier commit, which does not land');
    expect(fixed.summary).toContain('squashed commits alone');
    repository.mergeMethods = ['merge', 'squash', 'rebase'];
  });

  test('in an earlier commit is red where that commit lands, and green once the branch is rewritten', async () => {
    const pull = await scene.openPull(repository, { 'a.sh': `echo\n${token.text}` });
    const bad = pull.headSha;
    await scene.push(repository, pull, { 'a.sh': 'echo\n' });
    const run = await scene.check(repository, pull);
    expect([run.conclusion, run.annotations]).toEqual(['failure', []]);
    expect(run.summary).toContain(`\`a.sh\` line 2 of \`${bad.slice(0, 12)}\`, still in the history`);
    expect(run.summary).toContain('git reset --soft');
    expect(run.summary).not.toContain(token.value);
    repository.rules = [
      { branch: 'main', type: 'pull_request', parameters: pullRule({ allowed_merge_methods: ['squash'] }) },
    ];
    scene.github.actions.edit(repository, pull, { title: 'Once more' });
    await scene.check(repository, pull, ({ conclusion }) => conclusion === 'success');
    repository.rules = [];
    scene.github.actions.edit(repository, pull, { title: 'And again' });
    await scene.check(repository, pull, ({ conclusion }) => conclusion === 'failure');
    await repository.git.git('update-ref', `refs/heads/${pull.headRef}`, 'refs/heads/main');
    await scene.push(repository, pull, { 'a.sh': 'echo\n' });
    expect((await scene.check(repository, pull)).conclusion).toBe('success');
  });

  test('that was there before is listed apart and blocks nothing', async () => {
    const pull = await scene.openPull(repository, { 'deploy/old.sh': `echo zero\necho one\n${old.text}` });
    const run = await scene.check(repository, pull);
    expect([run.conclusion, run.annotations]).toEqual(['success', []]);
    expect(run.text).toContain('Was there before this change');
    expect(run.text).toContain('`deploy/old.sh` line 3');
  });

  test.each([
    ['a commit message', { message: `Fix\n\n${token.text}` }, 'commit message'],
    ['the title', { title: `Use ${token.value}` }, '[title]'],
    ['the description', { body: `See ${token.text}` }, '[description]'],
  ])('in %s is told', async (_, more, place) => {
    const pull = await scene.openPull(repository, { 'b.txt': `${place}\n` }, more);
    const run = await scene.check(repository, pull, ({ conclusion }) => conclusion === 'failure');
    expect(run.summary).toContain(place);
    expect(run.summary).not.toContain(token.value);
  });

  test('in a comment, a review or a review comment turns it red until it is edited away', async () => {
    const pull = await scene.openPull(repository, { 'c.txt': 'c\n' });
    await scene.check(repository, pull, ({ conclusion }) => conclusion === 'success');
    const { actions } = scene.github;
    const comment = actions.comment(repository, pull.number, 'ada', `try ${token.value}`);
    await scene.check(repository, pull, ({ summary }) => summary?.includes('[comment]') === true);
    actions.editComment(repository, comment, 'try it');
    await scene.check(repository, pull, ({ conclusion }) => conclusion === 'success');
    actions.review(repository, pull, 'ada', 'COMMENTED', `or ${token.value}`);
    await scene.check(repository, pull, ({ summary }) => summary?.includes('[review]') === true);
    actions.reviewComment(repository, pull, 'ada', 'c.txt', `and ${token.value}`);
    const run = await scene.check(
      repository,
      pull,
      ({ summary }) => summary?.includes('[review comment]') === true,
    );
    expect(run.title).toBe('2 findings must be removed');
    const own = repository.comments.filter(({ issue, user }) => issue === pull.number && user.type === 'Bot');
    expect(own).toHaveLength(1);
    expect(own[0]?.body).not.toContain(token.value);
  });
});

test('more findings than fit into one request are all on their lines', async () => {
  const lines = Array.from({ length: 120 }, (_, seed) => secretSample('github-token', 1_000 + seed).text);
  const pull = await scene.openPull(repository, { 'many.sh': lines.join('') });
  const run = await scene.check(repository, pull, ({ annotations }) => annotations.length >= 120);
  expect(new Set(run.annotations.map(({ start_line: line }) => line)).size).toBe(120);
  expect(run.title).toBe('120 findings must be removed');
});

test('nothing was asked or answered that GitHub does not describe', () => {
  expect(scene.github.violations).toEqual([]);
});
