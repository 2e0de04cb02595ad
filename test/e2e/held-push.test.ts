// A push that the policy holds: it waits for a person, and then lands exactly as it was approved, without another push.
import { randomBytes } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ok, type WorkTree } from '../support/client.ts';
import { cloneSeeded, type PushForge, type PushRepository, startPushForge } from '../support/push-forge.ts';
import { readRefusal } from '../support/refusal.ts';
import { createReviewer, type Reviewer } from '../support/reviewers.ts';

let forge: PushForge;
let ada: Reviewer;

beforeAll(async () => {
  forge = await startPushForge({ limits: { concurrentPushes: 1 } });
  ada = await createReviewer(forge.database, forge.guard.url, 'ada@example.org');
});
afterAll(async () => forge?.[Symbol.asyncDispose]());

interface Held {
  readonly repo: PushRepository;
  readonly work: WorkTree;
  readonly id: string;
  readonly oid: string;
}

/** Pushes a commit to main, which the default policy holds. */
async function holdPush(options: readonly string[] = []): Promise<Held> {
  const { repo, work } = await cloneSeeded(forge, {
    'README.md': 'one\n',
    'src/a.ts': 'export const a = 1;\n',
  });
  const oid = await work.commit('Change', { 'src/a.ts': 'export const a = 2;\n' });
  const id = await pushHeld(work, options);
  return { repo, work, id, oid };
}

async function pushHeld(work: WorkTree, options: readonly string[] = []): Promise<string> {
  const pushed = await work.push('HEAD:refs/heads/main', { options: ['forgeguard.format=json', ...options] });
  expect(pushed.code, pushed.stderr).toBe(1);
  const { verdict, approval } = readRefusal(pushed.stderr);
  expect(verdict).toBe('hold');
  return approval?.id ?? '';
}

const heldKeys = (): Promise<readonly string[]> => readdir(join(forge.guard.dataDir, 'held'));

async function expectVerified(): Promise<void> {
  expect(await forge.guard.command(['audit', 'verify'])).toMatchObject({ code: 0 });
}

describe('approved', () => {
  test('lands with the very same commits, is recorded, and nothing stays behind', async () => {
    const { repo, work, id, oid } = await holdPush(['forgeguard.reason=fixes the build']);
    expect((await repo.upstream.refs())['refs/heads/main']).not.toBe(oid);
    expect(await ada.see(id)).toMatchObject({
      state: 'waiting',
      reason: 'fixes the build',
      repository: repo.id,
    });
    expect(await ada.decide(id, 'approve', { reason: 'looks right' })).toMatchObject({ status: 200 });
    await ada.until(id, 'applied');
    expect((await repo.upstream.refs())['refs/heads/main']).toBe(oid);
    ok(await work.git('fetch', 'origin'));
    const attempt = await repo.lastAttempt();
    expect(attempt.actions).toEqual([
      'push.received',
      'push.decided',
      'push.held',
      'push.decided',
      'push.forwarded',
    ]);
    expect(attempt.entries[3]?.details).toMatchObject({ verdict: 'hold', approval: id });
    await expect.poll(heldKeys).toEqual([]);
    await expectVerified();
  });

  test('several refs of one atomic push land together', async () => {
    const { repo, work } = await cloneSeeded(forge, { 'README.md': 'one\n' });
    const oid = await work.commit('Change', { 'README.md': 'two\n' });
    const specs = ['HEAD:refs/heads/main', 'HEAD:refs/heads/release/1'];
    const pushed = await work.push(specs, { args: ['--atomic'], options: ['forgeguard.format=json'] });
    const id = readRefusal(pushed.stderr).approval?.id ?? '';
    await ada.decide(id, 'approve');
    await ada.until(id, 'applied');
    expect(await repo.upstream.refs()).toMatchObject({ 'refs/heads/main': oid, 'refs/heads/release/1': oid });
  });

  test('the same push again goes on with the request that is there', async () => {
    const { work, id, oid, repo } = await holdPush();
    expect(await pushHeld(work)).toBe(id);
    expect(await heldKeys()).toHaveLength(1);
    await ada.decide(id, 'approve');
    await ada.until(id, 'applied');
    expect((await repo.upstream.refs())['refs/heads/main']).toBe(oid);
  });
});

describe('not approved', () => {
  test('a denial lands nothing and says who and why', async () => {
    const { repo, id, oid } = await holdPush();
    expect(await ada.decide(id, 'deny', { reason: 'not before the audit' })).toMatchObject({ status: 200 });
    await ada.until(id, 'denied');
    expect((await repo.upstream.refs())['refs/heads/main']).not.toBe(oid);
    await expect.poll(heldKeys).toEqual([]);
  });

  test('a newer push to the ref supersedes the one that waits', async () => {
    const { work, id } = await holdPush();
    await work.commit('More', { 'src/b.ts': 'export const b = 1;\n' });
    const newer = await pushHeld(work);
    expect(await ada.see(id)).toMatchObject({ state: 'superseded', supersededBy: newer });
    expect((await ada.decide(id, 'approve')).status).toBe(409);
    await ada.decide(newer, 'deny');
  });

  test('where the upstream has moved meanwhile it is stale, and nothing is forced', async () => {
    const { repo, id } = await holdPush();
    const other = await forge.client.clone(repo.directUrl);
    const moved = await other.commit('Meanwhile', { 'other.txt': 'x\n' });
    ok(await other.push('HEAD:refs/heads/main'));
    await ada.decide(id, 'approve');
    const stale = await ada.until(id, 'stale');
    expect(stale.note).toContain('refs/heads/main');
    expect(stale.note).toContain('rebase');
    expect((await repo.upstream.refs())['refs/heads/main']).toBe(moved);
  });

  test('an upstream that refuses it makes it failed, with its words', async () => {
    const { repo, id, oid } = await holdPush();
    await repo.upstream.hook('pre-receive', 'echo "not on a Saturday" >&2; exit 1');
    await ada.decide(id, 'approve');
    const failed = await ada.until(id, 'failed');
    expect(failed.note).toContain('The upstream refused it');
    expect((await repo.upstream.refs())['refs/heads/main']).not.toBe(oid);
  });

  test('an upstream that refuses it although it has landed makes it applied', async () => {
    const { repo, id, oid } = await holdPush();
    await repo.upstream.hook('update', 'git update-ref "$1" "$3"; exit 1');
    await ada.decide(id, 'approve');
    const applied = await ada.until(id, 'applied');
    expect(applied.note).toContain('had landed already');
    expect((await repo.upstream.refs())['refs/heads/main']).toBe(oid);
  });

  test.each([
    { what: 'another ref', from: 'refs/heads/main', to: 'refs/heads/elsewhere' },
    { what: 'another repository', from: 'pushes/repo-', to: 'pushes/other-' },
  ])('it covers nothing else: $what', async ({ from, to }) => {
    const { repo, id, oid } = await holdPush();
    const keys = await heldKeys();
    const manifests = keys.map((key) => join(forge.guard.dataDir, 'held', key, 'push.json'));
    for (const file of manifests) {
      const text = await readFile(file, 'utf8');
      if (text.includes(oid)) await writeFile(file, text.replace(from, to));
    }
    await ada.decide(id, 'approve');
    const failed = await ada.until(id, 'failed');
    expect(failed.note).toContain('not what was approved');
    expect(Object.values(await repo.upstream.refs())).not.toContain(oid);
  });

  test('the agent itself and the owner of its token cannot approve it', async () => {
    const { id } = await holdPush();
    const asAgent = await fetch(`${forge.guard.url}/api/v1/approvals/${id}/approve`, {
      method: 'POST',
      headers: { authorization: `Bearer ${forge.agentToken}`, 'content-type': 'application/json' },
      body: '{}',
    });
    expect(asAgent.status).toBe(403);
    const owner = await createReviewer(forge.database, forge.guard.url, 'operator');
    expect((await owner.decide(id, 'approve')).status).toBe(403);
    await ada.decide(id, 'deny');
  });
});

describe('forgeguard.wait', () => {
  const waiting = { options: ['forgeguard.wait=60'] } as const;

  async function heldAndWaiting(): Promise<Held & { readonly pushed: ReturnType<WorkTree['push']> }> {
    const { repo, work } = await cloneSeeded(forge, { 'README.md': 'one\n' });
    const oid = await work.commit('Change', { 'README.md': `${randomBytes(4).toString('hex')}\n` });
    const pushed = work.push('HEAD:refs/heads/main', waiting);
    await expect.poll(async () => (await requestsOf(repo)).length).toBe(1);
    return { repo, work, oid, pushed, id: (await requestsOf(repo))[0] ?? '' };
  }

  async function requestsOf(repo: PushRepository): Promise<readonly string[]> {
    const open = await ada.list('waiting');
    return open.filter((request) => request['repository'] === repo.id).map(({ id }) => id);
  }

  test('approval finishes the push in its own connection', async () => {
    const { repo, pushed, id, oid } = await heldAndWaiting();
    // Who waits takes nobody's turn: one push is worked on at a time here.
    const beside = await cloneSeeded(forge, { 'README.md': 'x\n' });
    await beside.work.commit('Beside', { 'README.md': 'y\n' });
    ok(await beside.work.push('HEAD:refs/heads/agent/beside'));
    await ada.decide(id, 'approve');
    const done = ok(await pushed);
    expect(done.stderr).toContain('approved, and it has landed');
    expect((await repo.upstream.refs())['refs/heads/main']).toBe(oid);
  });

  test('denial ends it with the reason', async () => {
    const { pushed, id } = await heldAndWaiting();
    await ada.decide(id, 'deny', { reason: 'wrong branch' });
    const done = await pushed;
    expect(done.code).toBe(1);
    expect(done.stderr).toContain('denied by human:ada@example.org: wrong branch');
  });

  test('its end leaves the request waiting', async () => {
    const { repo, work } = await cloneSeeded(forge, { 'README.md': 'one\n' });
    const oid = await work.commit('Change', { 'README.md': 'two\n' });
    const done = await work.push('HEAD:refs/heads/main', { options: ['forgeguard.wait=1'] });
    expect(done.code).toBe(1);
    expect(done.stderr).toContain('held for approval http');
    const [id = ''] = await requestsOf(repo);
    await ada.decide(id, 'approve');
    await ada.until(id, 'applied');
    expect((await repo.upstream.refs())['refs/heads/main']).toBe(oid);
  });

  test('an agent that hangs up takes nothing back', async () => {
    const { repo, work } = await cloneSeeded(forge, { 'README.md': 'one\n' });
    const oid = await work.commit('Change', { 'README.md': 'two\n' });
    const pushed = await work.push('HEAD:refs/heads/main', { ...waiting, deadline: 4_000 });
    expect(pushed.code).toBeNull();
    const [id = ''] = await requestsOf(repo);
    await ada.decide(id, 'approve');
    await ada.until(id, 'applied');
    expect((await repo.upstream.refs())['refs/heads/main']).toBe(oid);
  });
});

test('a reviewer sees the change file by file, values masked', async () => {
  const { work, repo } = await cloneSeeded(forge, { 'README.md': 'one\ntwo\n', 'bin.dat': 'x\0y' });
  const number = ['219', '09', '9999'].join('-');
  await work.commit('Change', {
    'README.md': `one\nthree\n`,
    'docs/new.md': `An SSN looks like ${number}.\n`,
  });
  const id = await pushHeld(work);
  const page = await ada.changes(id);
  expect(page).toMatchObject({
    files: [
      { path: 'README.md', change: 'modify', oldBytes: 8, newBytes: 10 },
      { path: 'docs/new.md', change: 'add', oldMode: null, newMode: '100644' },
    ],
  });
  const text = JSON.stringify(page);
  expect(text).toContain('three');
  expect(text).not.toContain(number);
  await ada.decide(id, 'deny');
  expect((await repo.upstream.refs())['refs/heads/main']).toBeDefined();
});

test('the log of all this verifies', expectVerified);
