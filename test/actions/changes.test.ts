// The Action on the changes of each event: what it reads, where it points, and what decides about it.
import { basename } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeWorkTree, type WorkTree } from '../cli/work-tree.ts';
import { glue, ssn } from '../scanners/values.ts';
import { runOrThrow, isolatedGitEnvironment } from '../support/run.ts';
import { sarifProblems } from '../support/sarif/schema.ts';
import { secretSample } from '../support/secrets.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { upstreamSecret } from '../support/upstream-secret.ts';
import { headerOf, startUpstream, type Upstream } from '../support/upstream.ts';
import { noCommit, pullRequest, push, runStep, type StepResult } from './runner.ts';

const other = glue('536-22-', '1880');
const third = glue('536-22-', '1881');

/** Where annotations of a level point. */
function places({ commands }: StepResult, level = 'error'): readonly string[] {
  return commands
    .filter(({ name }) => name === level)
    .map(({ properties }) => `${properties['file']}:${properties['line']}`);
}

const credential = { kind: 'basic', username: 'x-access-token', password: upstreamSecret() } as const;

/** A checkout as actions/checkout leaves it: one commit, detached, and credentials in its own configuration. */
async function shallowCheckout(
  upstream: Upstream,
  path: string,
  from: WorkTree,
  commit: string,
): Promise<void> {
  const options = { cwd: path, env: isolatedGitEnvironment(path) };
  const git = (...args: readonly string[]) => runOrThrow('git', args, options);
  const { name } = await upstream.createRepo(basename(path));
  const url = `${upstream.url}/${name}.git`;
  const header = `http.${upstream.url}/.extraheader`;
  const value = `AUTHORIZATION: ${headerOf(credential)}`;
  await from.git('-c', `${header}=${value}`, 'push', '-q', '--all', url);
  await git('init', '-q', '-b', 'unborn');
  await git('config', header, value);
  await git('remote', 'add', 'origin', url);
  await git('fetch', '-q', '--no-tags', '--depth=1', 'origin', commit);
  await git('checkout', '-q', '--detach', commit);
}

async function twoLines(tree: WorkTree): Promise<readonly [string, string]> {
  const base = await tree.commit('one', { 'a.txt': `old ssn: ${ssn}\n`, 'b.txt': 'b\n' });
  await tree.git('checkout', '-qb', 'topic');
  const head = await tree.commit('two', { 'a.txt': `old ssn: ${ssn}\nnew ssn: ${other}\n` });
  return [base, head];
}

describe('a pull request', () => {
  let upstream: Upstream;
  beforeAll(async () => {
    upstream = await startUpstream({ credential });
  });
  afterAll(() => upstream[Symbol.asyncDispose]());

  test('is told on the lines that it adds, everywhere, and no value comes out', async () => {
    await using tree = await makeWorkTree();
    const sample = secretSample('github-token');
    const base = await tree.commit('one', { 'a.txt': `old ssn: ${ssn}\n` });
    await tree.git('checkout', '-qb', 'topic');
    await tree.commit(`two\n\npatient ssn: ${third}`, { 'gone.txt': `ssn: ${third}\n` });
    await tree.git('rm', '-q', 'gone.txt');
    const head = await tree.commit('three', {
      'a.txt': `old ssn: ${ssn}\nnew ssn: ${other}\n`,
      'conf.env': `${sample.text}\n`,
    });
    const title = `Patient with ssn: ${third}`;
    const result = await runStep({
      workspace: tree.path,
      event: 'pull_request',
      payload: pullRequest(base, head, { title, commits: 2 }),
    });
    expect(result.code, result.log).toBe(1);
    expect(places(result)).toEqual(
      expect.arrayContaining(['a.txt:2', 'conf.env:1', 'gone.txt:1', 'undefined:undefined']),
    );
    expect(places(result)).not.toContain('a.txt:1');
    expect(result.log).toContain('pull request title:1:');
    expect(result.outputs).toMatchObject({ result: 'failed', mode: 'diff', secret: '1' });
    expect(Number(result.outputs['phi'])).toBeGreaterThanOrEqual(4);
    expect(result.outputs['digest']).toMatch(/^[0-9a-f]{64}$/);
    expect(result.summary).toContain('to fix');
    expect(sarifProblems(result.sarif)).toEqual([]);
    for (const value of [ssn, other, third, sample.value]) expect(result.everything).not.toContain(value);
  });

  test('of a fork is read from a checkout of the target, without being checked out', async () => {
    await using tree = await makeWorkTree();
    const [base, head] = await twoLines(tree);
    await using checkout = await temporaryDirectory('checkout');
    await shallowCheckout(upstream, checkout.path, tree, base);
    const step = { workspace: checkout.path, event: 'pull_request_target', payload: pullRequest(base, head) };
    const result = await runStep(step);
    expect(result.code, result.log).toBe(1);
    expect(places(result)).toEqual(['a.txt:2']);
    const now = await runOrThrow('git', ['rev-parse', 'HEAD'], {
      cwd: checkout.path,
      env: isolatedGitEnvironment(checkout.path),
    });
    expect(now.stdout.trim()).toBe(base);
  });

  test('is compared with where it left the target, in a checkout of depth 1', async () => {
    await using tree = await makeWorkTree();
    const [, head] = await twoLines(tree);
    await tree.git('checkout', '-q', 'main');
    const target = await tree.commit('target goes on', { 'b.txt': `ssn: ${third}\n` });
    await tree.git('merge', '-q', '--no-ff', '-m', 'merge', 'topic');
    const merge = await tree.git('rev-parse', 'HEAD');
    await using checkout = await temporaryDirectory('checkout');
    await shallowCheckout(upstream, checkout.path, tree, merge);
    const payload = pullRequest(target, head);
    const result = await runStep({ workspace: checkout.path, event: 'pull_request', payload });
    expect(result.code, result.log).toBe(1);
    expect(places(result)).toEqual(['a.txt:2']);
  });

  test('whose commits cannot be had is not passed, and the fix is told', async () => {
    await using tree = await makeWorkTree();
    const [base, head] = await twoLines(tree);
    await using checkout = await temporaryDirectory('checkout');
    await shallowCheckout(upstream, checkout.path, tree, head);
    // As `persist-credentials: false` leaves it.
    const options = { cwd: checkout.path, env: isolatedGitEnvironment(checkout.path) };
    await runOrThrow('git', ['config', '--unset-all', `http.${upstream.url}/.extraheader`], options);
    const result = await runStep({
      workspace: checkout.path,
      event: 'pull_request',
      payload: pullRequest(base, head),
    });
    expect(result.code).toBe(2);
    expect(result.outputs).toEqual({ result: 'error' });
    expect(result.commands.map(({ name }) => name)).toEqual(['error']);
    expect(result.commands[0]?.text).toContain('fetch-depth: 0');
  });
});

describe('a push', () => {
  test('is what it adds, whatever kind it is', async () => {
    await using tree = await makeWorkTree();
    const [base, head] = await twoLines(tree);
    const run = (payload: unknown) => runStep({ workspace: tree.path, event: 'push', payload });
    const update = await run(push(base, head, 'topic'));
    expect([update.code, places(update)], update.log).toEqual([1, ['a.txt:2']]);
    // A new branch is compared with the default branch; the remote is not there, what is known of it is.
    await tree.git('update-ref', 'refs/remotes/origin/main', base);
    const created = await run(push(noCommit, head, 'topic'));
    expect([created.code, places(created)], created.log).toEqual([1, ['a.txt:2']]);
    const forced = await run(push('1'.repeat(40), head, 'topic', { forced: true }));
    expect([forced.code, places(forced)], forced.log).toEqual([1, ['a.txt:2']]);
    const first = await run(push(noCommit, head, 'main'));
    expect([first.code, new Set(places(first))], first.log).toEqual([1, new Set(['a.txt:1', 'a.txt:2'])]);
    const deleted = await run(push(head, noCommit, 'topic', { deleted: true }));
    expect([deleted.code, deleted.outputs['result']], deleted.log).toEqual([0, 'passed']);
  });
});

test('a merge group is the commits that it merges; a schedule is the whole tree', async () => {
  await using tree = await makeWorkTree();
  const [base, head] = await twoLines(tree);
  const group = {
    base_sha: base,
    head_sha: head,
    base_ref: 'refs/heads/main',
    head_ref: 'refs/heads/gh-readonly-queue/main/pr-1',
  };
  const merge = { action: 'checks_requested', merge_group: group };
  const queued = await runStep({ workspace: tree.path, event: 'merge_group', payload: merge });
  expect([queued.code, places(queued)], queued.log).toEqual([1, ['a.txt:2']]);
  const planned = await runStep({
    workspace: tree.path,
    event: 'schedule',
    payload: { schedule: '0 3 * * *' },
  });
  expect([planned.code, places(planned), planned.outputs['mode']], planned.log).toEqual([
    1,
    ['a.txt:1', 'a.txt:2'],
    'full',
  ]);
  await tree.write({ 'c.txt': `ssn: ${third}\n` });
  await tree.git('add', 'c.txt');
  const staged = await runStep({
    workspace: tree.path,
    event: 'workflow_dispatch',
    payload: {},
    inputs: { mode: 'staged' },
  });
  expect([staged.code, places(staged)], staged.log).toEqual([1, ['c.txt:1']]);
  const clean = await runStep({
    workspace: tree.path,
    event: 'merge_group',
    payload: { merge_group: { ...group, head_sha: base } },
  });
  expect([clean.code, clean.outputs['findings']], clean.log).toEqual([0, '0']);
});

describe('what decides', () => {
  const lenient = (reason: string) =>
    `rules:\n  - id: none\n    when: { operation: push }\n    then: allow\nexceptions: []\n# ${reason}\n`;
  const strict = `rules:\n  - id: no-phi\n    when: { operation: push, findings: { category: phi } }\n    then: deny\n    message: No patients.\n`;

  test('is the policy of the target; the change of one is told and not obeyed', async () => {
    await using tree = await makeWorkTree();
    const base = await tree.commit('one', {
      'guard.yaml': strict,
      '.github/workflows/guard.yml': 'on: push\n',
    });
    const head = await tree.commit('two', {
      'a.txt': `ssn: ${ssn}\n`,
      'guard.yaml': lenient('mine'),
      '.github/workflows/guard.yml': 'on: never\n',
    });
    const step = { workspace: tree.path, event: 'pull_request', payload: pullRequest(base, head) };
    const result = await runStep({ ...step, inputs: { policy: 'guard.yaml' } });
    expect(result.code, result.log).toBe(1);
    expect(result.summary).toContain('No patients');
    expect(places(result, 'warning')).toEqual([
      'guard.yaml:undefined',
      '.github/workflows/guard.yml:undefined',
    ]);
    const missing = await runStep({ ...step, inputs: { policy: 'elsewhere.yaml' } });
    expect([missing.code, missing.log]).toEqual([2, expect.stringContaining('merge it first')]);
  });

  test('excuses by a baseline of the target, by its state, and never by the change', async () => {
    await using tree = await makeWorkTree();
    const key = 'ab'.repeat(32);
    const exception = (what: string) =>
      `exceptions:\n  - id: known\n    ${what}\n    reason: A sample.\n    owner: ana@example.com\n    expires: 2099-01-01\n`;
    const first = await tree.commit('zero', { 'a.txt': `ssn: ${ssn}\n` });
    const full = { mode: 'full', 'fingerprint-key': key, format: 'json' };
    const listed = await runStep({ workspace: tree.path, event: 'schedule', payload: {}, inputs: full });
    const [, fingerprint = ''] = /"fingerprint":"([0-9a-f]{32})"/.exec(listed.log) ?? [];
    const base = await tree.commit('one', {
      'known.yaml': exception(`fingerprint: ${fingerprint}`),
      'path.yaml': exception('path: a.txt'),
    });
    const head = await tree.commit('two', { 'c.txt': `ssn: ${ssn}\n`, 'mine.yaml': exception("path: '**'") });
    const run = (inputs: Readonly<Record<string, string>>, from = base) =>
      runStep({ workspace: tree.path, event: 'pull_request', payload: pullRequest(from, head), inputs });
    const known = await run({ baseline: 'known.yaml', 'fingerprint-key': key });
    expect([known.code, known.outputs['excused']], known.log).toEqual([0, '1']);
    const without = await run({ baseline: 'known.yaml' });
    expect([without.code, without.log]).toEqual([1, expect.stringContaining('fingerprint-key')]);
    const path = await run({ baseline: 'path.yaml' });
    expect([path.code, places(path)]).toEqual([1, ['c.txt:1']]);
    expect((await run({ baseline: 'mine.yaml' })).code).toBe(2);
    const before = await run({ mode: 'full', baseline: 'base' }, first);
    expect([before.code, places(before)], before.log).toEqual([1, ['c.txt:1']]);
  });

  test('is fail-on, and inputs that are none are refused without being shown', async () => {
    await using tree = await makeWorkTree();
    await tree.commit('one', { 'a.txt': `ssn: ${ssn}\n` });
    const run = (inputs: Readonly<Record<string, string>>) =>
      runStep({ workspace: tree.path, event: 'schedule', payload: {}, inputs });
    for (const [failOn, code] of [
      ['none', 0],
      ['secret', 0],
      ['secret,phi:critical', 1],
    ] as const) {
      const result = await run({ 'fail-on': failOn });
      expect([result.code, result.outputs['findings']], `${failOn}: ${result.log}`).toEqual([code, '1']);
    }
    const wrong = await run({ 'fingerprint-key': `${other}-key`, mode: 'everything' });
    expect(wrong.code).toBe(2);
    expect(wrong.log).toContain('fingerprint-key');
    expect(wrong.everything).not.toContain(other);
  });
});

test('without a checkout the step says what to do', async () => {
  await using directory = await temporaryDirectory('empty');
  const result = await runStep({ workspace: directory.path, event: 'schedule', payload: {} });
  expect([result.code, result.log]).toEqual([2, expect.stringContaining('actions/checkout')]);
});
