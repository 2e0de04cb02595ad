// `forgeguard approvals` against a guard that runs: its sandbox, where pushes to main wait for the reviewer.
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { approvalView, type ApprovalView } from '../../server/api/approval-view.ts';
import { glue } from '../scanners/values.ts';
import { createGitClient, type GitClient, withCredentials, type WorkTree } from '../support/client.ts';
import { type RunningGuard, type Sandbox, startGuard } from '../support/guard.ts';
import type { Run } from '../support/run.ts';
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts';
import { forgeguard } from './program.ts';

let guard: RunningGuard;
let sandbox: Sandbox;
let client: GitClient;
let tree: WorkTree;
let elsewhere: TemporaryDirectory;
beforeAll(async () => {
  guard = await startGuard();
  sandbox = await guard.sandbox();
  client = await createGitClient();
  tree = await client.clone(withCredentials(sandbox.repo, 'agent', sandbox.agentToken));
  elsewhere = await temporaryDirectory('cli-approvals');
});
afterAll(async () => {
  await client[Symbol.asyncDispose]();
  await guard.stop();
  await elsewhere.remove();
});

/** Beside the sandbox, with nothing else named. */
const beside = (...args: string[]): Promise<Run> => guard.command(['approvals', ...args]);
/** Somewhere else, with a token of its own. */
const as = (token: string, ...args: string[]): Promise<Run> =>
  forgeguard(elsewhere.path, ['approvals', ...args], {
    FORGEGUARD_URL: guard.url,
    FORGEGUARD_TOKEN: token,
  });
const idIn = (text: string): string => /\/ui\/approvals\/(ap_[A-Za-z0-9_-]+)/.exec(text)?.[1] ?? '';
const seen = ({ stdout }: Run): ApprovalView => approvalView.parse(JSON.parse(stdout));

let pushes = 0;
/** Pushes something to main, which is held; returns the id of the request and the commit. */
async function hold(content = 'something\n'): Promise<{ readonly id: string; readonly commit: string }> {
  pushes += 1;
  await tree.git('fetch', '--quiet', 'origin');
  await tree.git('switch', '--quiet', '--create', `work-${pushes}`, 'origin/main');
  const commit = await tree.commit(`Change ${pushes}`, { [`made-${pushes}.txt`]: content });
  const pushed = await tree.push('HEAD:main');
  expect(pushed.code).toBe(1);
  return { id: idIn(pushed.stderr), commit };
}

const mainAt = async (): Promise<string> =>
  (await tree.git('ls-remote', 'origin', 'refs/heads/main')).stdout.slice(0, 40);

describe('beside a sandbox', () => {
  test('a held push is listed, shown with its changes, approved, and lands as it was', async () => {
    const { id, commit } = await hold('one\ntwo\n');
    const listed = await beside('list');
    expect(listed.code).toBe(0);
    expect(listed.stdout).toMatch(
      new RegExp(`^${id} +waiting +sandbox/demo +main +agent:sandbox-agent +24 hours$`, 'm'),
    );
    expect((await beside('list', '--quiet', '--limit', '1')).stdout).toBe(`${id}\n`);

    const shown = await beside('show', id, '--changes');
    expect(shown.code).toBe(0);
    expect(shown.stdout).toMatch(/^ {2}state +waiting, runs out in 24 hours$/m);
    expect(shown.stdout).toMatch(/^ {2}needs +0 of 1 from group:reviewers \(agent-protected-branch\)$/m);
    expect(shown.stdout).toMatch(/^ {2}size +1 commit, 3 objects, \d+ bytes$/m);
    expect(shown.stdout).toContain(`+++ b/made-${pushes}.txt\n@@ -0,0 +1,2 @@\n+one\n+two\n`);
    const whole = JSON.parse((await beside('show', id, '--changes', '--format', 'json')).stdout) as object;
    expect(whole).toMatchObject({
      id,
      state: 'waiting',
      changes: [{ path: `made-${pushes}.txt`, change: 'add' }],
    });

    const approved = await beside('approve', id, '--reason', 'it is fine', '--wait', '60s');
    expect(approved).toMatchObject({ code: 0, stderr: '' });
    expect(approved.stdout).toMatch(/^ {2}state +applied$/m);
    expect(approved.stdout).toMatch(/^ {2}vote +human:sandbox-reviewer: approve: it is fine$/m);
    expect(await mainAt()).toBe(commit);
    expect((await beside('list')).stdout).toBe('no requests\n');
    expect((await beside('list', '--all')).stdout).toContain(id);
    expect((await beside('list', '--state', 'applied', '--agent', 'sandbox-agent')).stdout).toContain(id);
  });

  test('a denied push does not land, and the agent is told why', async () => {
    const before = await mainAt();
    const { id } = await hold();
    expect((await beside('deny', id, '--reason', 'not like\nthis')).code).toBe(0);
    const told = await as(sandbox.agentToken, 'show', id);
    expect(told.code).toBe(0);
    expect(told.stdout).toMatch(/^ {2}state +denied$/m);
    expect(told.stdout).toMatch(/^ {2}vote +human:sandbox-reviewer: deny: not like\n {12}this$/m);
    expect(await mainAt()).toBe(before);
  });

  test('values in reasons are masked, and control characters do not reach the terminal', async () => {
    const { id } = await hold();
    const ssn = glue('536', '-', '22', '-', '8714');
    const denied = await beside('deny', id, '--reason', `patient SSN ${ssn} \u001b[31mred`);
    expect(denied.code).toBe(0);
    expect(denied.stdout).not.toContain(ssn);
    expect(denied.stdout).not.toContain('\u001b');
    expect(denied.stdout).toContain('***');
  });
});

describe('a decision that is not accepted', () => {
  test('ends with 1 and says why', async () => {
    const { id } = await hold();
    const own = await as(sandbox.agentToken, 'approve', id);
    expect([own.code, own.stdout]).toEqual([1, '']);
    expect(own.stderr).toMatch(
      /^forgeguard: the token does not allow to approve.*\n {2}what to do: .*\n {2}code: identity\/forbidden\n$/,
    );
    const admin = await as(sandbox.adminToken, 'approve', id);
    expect([admin.code, admin.stderr]).toEqual([1, expect.stringContaining('code: identity/forbidden')]);
    const none = await beside('revoke', id);
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining('code: approval/not-voted')]);
    const glass = await beside('break-glass', id, '--reason', 'the site is down and nobody is awake');
    expect([glass.code, glass.stderr]).toEqual([1, expect.stringContaining('code: identity/forbidden')]);
    const other = await beside('approve', `${id.slice(0, -2)}xx`);
    expect([other.code, other.stderr]).toEqual([1, expect.stringContaining('code: approval/unknown')]);

    expect(seen(await as(sandbox.agentToken, 'cancel', id, '--format', 'json')).state).toBe('cancelled');
    const late = await beside('approve', id);
    expect([late.code, late.stderr]).toEqual([1, expect.stringContaining('code: approval/decided')]);
  });
});

describe('a guard or token that is not there', () => {
  test.each([
    ['no guard is named', {}, [], /which guard\? Name it with --url or FORGEGUARD_URL/],
    ['no token is given', { FORGEGUARD_URL: 'http://127.0.0.1:1' }, [], /no token: set FORGEGUARD_TOKEN/],
    [
      'nobody listens',
      { FORGEGUARD_URL: 'http://127.0.0.1:1', FORGEGUARD_TOKEN: 'x' },
      [],
      /couldn't reach the guard at http:\/\/127\.0\.0\.1:1/,
    ],
    ['the URL is none', { FORGEGUARD_URL: 'guard', FORGEGUARD_TOKEN: 'x' }, [], /is written https:\/\/HOST/],
    [
      'the token would be seen',
      { FORGEGUARD_URL: 'http://guard.example', FORGEGUARD_TOKEN: 'x' },
      [],
      /http to another machine/,
    ],
    [
      'the token file is not there',
      { FORGEGUARD_URL: 'http://127.0.0.1:1' },
      ['--token-file', 'none'],
      /couldn't read the token file none \(ENOENT\)/,
    ],
    ['the limit is none', {}, ['--limit', 'x'], /--limit is a number/],
  ])('where %s', async (_title, env, args, message) => {
    const run = await forgeguard(elsewhere.path, ['approvals', 'list', ...args], env);
    expect([run.code, run.stdout]).toEqual([2, '']);
    expect(run.stderr).toMatch(message);
  });

  test('where the token is bad, is in a file, or belongs to the sandbox alone', async () => {
    const bad = await as('fg_nonsense', 'list');
    expect([bad.code, bad.stderr]).toEqual([2, expect.stringContaining('code: identity/invalid')]);
    await writeFile(join(elsewhere.path, 'token'), `${sandbox.reviewerToken}\n`);
    const file = await forgeguard(elsewhere.path, [
      ...['approvals', 'list', '--all', '--url', guard.url],
      ...['--token-file', 'token'],
    ]);
    expect(file.code).toBe(0);
    // The sandbox's token is not sent to another guard that is named.
    const heard: (string | undefined)[] = [];
    const stranger = createServer((request, response) => {
      heard.push(request.headers.authorization);
      response.end('{}');
    });
    await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(stranger.address() as AddressInfo).port}`;
    const lost = await beside('list', '--url', url);
    expect([lost.code, lost.stderr]).toEqual([2, expect.stringContaining('no token')]);
    expect(heard).toEqual([]);
    const foreign = await forgeguard(elsewhere.path, ['approvals', 'list'], {
      FORGEGUARD_URL: url,
      FORGEGUARD_TOKEN: 'x',
    });
    expect([foreign.code, foreign.stderr]).toEqual([2, expect.stringContaining('is not the API of a guard')]);
    await new Promise((resolve) => stranger.close(resolve));
  });
});
