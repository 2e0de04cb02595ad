// What becomes of a push when the upstream misbehaves: the client is told the truth, and the log says the same.
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  attemptOf,
  type GuardedForge,
  quarantinedFiles,
  startGuardedForge,
} from '../support/guarded-forge.ts';
import type { Run } from '../support/run.ts';
import { type FaultEffect, htmlPage } from '../support/upstream-fault.ts';
import type { UpstreamRepository } from '../support/upstream-repository.ts';

let scene: GuardedForge;

beforeAll(async () => {
  scene = await startGuardedForge({ limits: { upstreamSeconds: 2 } });
});
afterAll(async () => {
  await scene[Symbol.asyncDispose]();
});
afterEach(async () => {
  scene.upstream.clearFaults();
  await vi.waitUntil(async () => (await quarantinedFiles(scene.guard.dataDir)).length === 0, 5_000);
});

interface Pushed {
  readonly run: Run;
  readonly oid: string;
  readonly repository: UpstreamRepository;
  readonly refs: Readonly<Record<string, string>>;
  readonly actions: readonly string[];
  /** Details of the entry that closes the attempt, as text. */
  readonly closing: string;
}

/** Clones, lets `prepare` break the upstream, and pushes one commit to `topic`. */
async function pushWith(prepare: (repository: UpstreamRepository) => unknown): Promise<Pushed> {
  const { tree, repository } = await scene.cloneOfNew();
  const oid = await tree.commit('more', { 'more.txt': 'more\n' });
  await prepare(repository);
  const run = await tree.push('HEAD:refs/heads/topic');
  const entries = await attemptOf(scene, oid);
  const actions = entries.map((entry) => entry.action);
  const closing = JSON.stringify(entries.at(-1)?.details ?? {});
  return { run, oid, repository, refs: await repository.refs(), actions, closing };
}

async function expectToWork(): Promise<void> {
  scene.upstream.clearFaults();
  const next = await pushWith(() => undefined);
  expect(next.run).toMatchObject({ code: 0 });
  expect(next.actions).toEqual(['push.received', 'push.decided', 'push.forwarded']);
}

const status = (code: number, body = 'no'): FaultEffect => ({ kind: 'answer', status: code, body });

describe('before a push, the client is told what is wrong with the upstream', () => {
  const cases: readonly (readonly [string, FaultEffect, RegExp])[] = [
    ['401', status(401), /answered 401.*upstream\/unauthorized[\s\S]*guard's own credential was refused/],
    ['403', status(403), /answered 403.*upstream\/refused/],
    ['404', status(404), /answered 404.*upstream\/not-found/],
    ['500', status(500), /answered 500.*upstream\/unreachable/],
    ['a page of HTML', htmlPage, /upstream\/invalid/],
    ['a closed connection', { kind: 'drop', when: 'before' }, /upstream\/unreachable/],
    ['silence', { kind: 'ignore' }, /upstream\/timeout/],
    ['half an advertisement', { kind: 'truncate', bytes: 60 }, /upstream\/unreachable/],
    ['an advertisement that stops', { kind: 'stall', afterBytes: 60 }, /upstream\/timeout/],
  ];
  test.each(cases)('%s', async (_name, effect, says) => {
    const pushed = await pushWith(() => scene.upstream.fault({ on: 'advertise-receive-pack', effect }));
    expect(pushed.run.code).not.toBe(0);
    expect(pushed.run.stderr).toMatch(says);
    expect(pushed.run.stderr).not.toMatch(/\n\s+at /);
    expect(pushed.run.seconds).toBeLessThan(40);
    expect(pushed.refs).not.toHaveProperty('refs/heads/topic');
    expect(pushed.actions).toEqual([]);
  });
});

describe('before a fetch as well', () => {
  const cases: readonly (readonly [string, FaultEffect, RegExp])[] = [
    ['401', status(401), /answered 401.*upstream\/unauthorized/],
    ['404', status(404), /answered 404.*upstream\/not-found/],
    ['a page of HTML', htmlPage, /upstream\/invalid/],
    ['silence', { kind: 'ignore' }, /upstream\/timeout/],
  ];
  test.each(cases)('%s', async (_name, effect, says) => {
    const { tree } = await scene.cloneOfNew();
    scene.upstream.fault({ on: 'advertise-upload-pack', effect });
    const run = await tree.git('fetch');
    expect(run.code).not.toBe(0);
    expect(run.stderr).toMatch(says);
  });
});

describe('an upstream that refuses the push itself', () => {
  test.each([401, 403, 404, 413])('%i', async (code) => {
    const pushed = await pushWith(() =>
      scene.upstream.fault({ on: 'git-receive-pack', effect: status(code) }),
    );
    expect(pushed.run.code).toBe(1);
    expect(pushed.run.stderr).toMatch(
      new RegExp(`\\[remote rejected\\] HEAD -> topic \\(.*answered ${code}.*request [0-9a-f]{16}\\)`),
    );
    expect(pushed.refs).not.toHaveProperty('refs/heads/topic');
    expect(pushed.actions).toEqual(['push.received', 'push.decided', 'push.refused']);
    expect(pushed.closing).toMatch(/"by":"upstream"/);
  });

  test('by a hook, whose words are handed on', async () => {
    const pushed = await pushWith((repository) => repository.refuse('pre-receive', 'freeze until Monday'));
    expect(pushed.run.code).toBe(1);
    expect(pushed.run.stderr).toContain('remote: freeze until Monday');
    expect(pushed.run.stderr).toContain('pre-receive hook declined');
    expect(pushed.actions).toEqual(['push.received', 'push.decided', 'push.refused']);
    expect(pushed.closing).toMatch(/"by":"upstream","code":"ng"/);
  });

  test('ref by ref', async () => {
    const { tree, repository } = await scene.cloneOfNew();
    await repository.hook('update', 'case "$1" in *bad*) echo "not this one"; exit 1;; esac');
    const oid = await tree.commit('more', { 'more.txt': 'more\n' });
    const run = await tree.push(['HEAD:refs/heads/good', 'HEAD:refs/heads/bad']);
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(/new branch.*HEAD -> good/);
    expect(run.stderr).toMatch(/remote rejected.*HEAD -> bad \(hook declined\)/);
    expect(await repository.refs()).toMatchObject({ 'refs/heads/good': oid });
    const closing = (await attemptOf(scene, oid)).at(-1);
    expect(closing).toMatchObject({ action: 'push.forwarded', details: { landed: 1, refused: 1 } });
  });
});

test('what a hook says on a push that lands is handed on', async () => {
  const pushed = await pushWith((repository) =>
    repository.hook('post-receive', 'echo "deploys in a minute"'),
  );
  expect(pushed.run.code).toBe(0);
  expect(pushed.run.stderr).toContain('remote: deploys in a minute');
});

describe('an upstream that can do less', () => {
  test.each([
    [['side-band-64k']],
    [['report-status-v2']],
    [['side-band-64k', 'report-status-v2', 'quiet', 'agent', 'ofs-delta']],
  ])('without %j', async (names) => {
    const pushed = await pushWith(() => scene.upstream.hideCapabilities(names));
    expect(pushed.run).toMatchObject({ code: 0 });
    expect(pushed.refs).toMatchObject({ 'refs/heads/topic': pushed.oid });
    expect(pushed.actions).toEqual(['push.received', 'push.decided', 'push.forwarded']);
  });

  test.each([
    [['report-status', 'report-status-v2']],
    [['report-status', 'report-status-v2', 'side-band-64k']],
  ])('without any report (%j), its refs tell', async (names) => {
    const pushed = await pushWith(() => scene.upstream.hideCapabilities(names));
    expect(pushed.run).toMatchObject({ code: 0 });
    expect(pushed.refs).toMatchObject({ 'refs/heads/topic': pushed.oid });
    expect(pushed.actions).toEqual(['push.received', 'push.decided', 'push.forwarded']);
    expect(pushed.closing).toContain('"settled":true');
  });

  test('without atomic pushes, an atomic one is refused', async () => {
    const { tree, repository } = await scene.cloneOfNew();
    scene.upstream.hideCapabilities(['atomic']);
    const oid = await tree.commit('more', { 'more.txt': 'more\n' });
    const run = await tree.push('HEAD:refs/heads/topic', { args: ['--atomic'] });
    expect(run.code).not.toBe(0);
    expect(run.stderr).toMatch(/atomic/);
    expect(await repository.refs()).not.toHaveProperty('refs/heads/topic');
    expect(await attemptOf(scene, oid)).toEqual([]);
  });
});

describe('an answer that is lost after the push took effect: the refs tell the client', () => {
  const cases: readonly (readonly [string, FaultEffect])[] = [
    ['the connection drops', { kind: 'drop', when: 'after' }],
    ['the answer is cut off', { kind: 'truncate', bytes: 20 }],
    ['the answer stops', { kind: 'stall', afterBytes: 20 }],
  ];
  test.each(cases)('%s', async (_name, effect) => {
    const pushed = await pushWith(() => scene.upstream.fault({ on: 'git-receive-pack', times: 1, effect }));
    expect(pushed.refs).toMatchObject({ 'refs/heads/topic': pushed.oid });
    expect(pushed.run).toMatchObject({ code: 0 });
    expect(pushed.run.stderr).toMatch(/answer was lost, but its refs show that the push landed/);
    expect(pushed.actions).toEqual(['push.received', 'push.decided', 'push.forwarded']);
    expect(pushed.closing).toContain('"settled":true');
  });

  test('and where the refs cannot be read, nothing is claimed', async () => {
    const pushed = await pushWith(() => {
      scene.upstream.fault({ on: 'git-receive-pack', times: 1, effect: { kind: 'drop', when: 'after' } });
      scene.upstream.fault({
        on: 'advertise-receive-pack',
        times: 1,
        effect: { kind: 'hold', when: 'before', wait: async () => {} },
      });
      scene.upstream.fault({ on: 'advertise-receive-pack', effect: status(500) });
    });
    expect(pushed.refs).toMatchObject({ 'refs/heads/topic': pushed.oid });
    expect(pushed.run.code).toBe(1);
    expect(pushed.run.stderr).toMatch(/not known whether the push landed: its refs could not be read/);
    expect(pushed.actions).toEqual(['push.received', 'push.decided', 'push.unknown']);
  });
});

describe('an answer that never came, and a push that did not land: nothing is claimed', () => {
  const cases: readonly (readonly [string, FaultEffect])[] = [
    ['the connection drops', { kind: 'drop', when: 'before' }],
    ['500', status(500)],
    ['silence', { kind: 'ignore' }],
    ['a page of HTML', htmlPage],
    ['garbage', { kind: 'answer', status: 200, body: Buffer.alloc(100_000, 0xff) }],
    ['an empty answer', { kind: 'answer', status: 200, body: '' }],
    ['a report that names no ref', { kind: 'answer', status: 200, body: '0013\x01000eunpack ok\n0000' }],
    ['a band that is none', { kind: 'answer', status: 200, body: '0009\x07abcd0000' }],
    ['a fatal message', { kind: 'answer', status: 200, body: '0013\x03out of memory\n0000' }],
  ];
  test.each(cases)('%s', async (_name, effect) => {
    const pushed = await pushWith(() => scene.upstream.fault({ on: 'git-receive-pack', effect }));
    expect(pushed.refs).not.toHaveProperty('refs/heads/topic');
    expect(pushed.run.code).toBe(1);
    expect(pushed.run.stderr).toMatch(/not known whether the push landed/);
    expect(pushed.run.stderr).toMatch(/remote rejected.*outcome unknown/);
    expect(pushed.run.seconds).toBeLessThan(40);
    expect(pushed.actions).toEqual(['push.received', 'push.decided', 'push.unknown']);
  });
});

test('an upstream that is down refuses for certain, and is used again once it is back', async () => {
  const { tree, repository } = await scene.cloneOfNew();
  const oid = await tree.commit('more', { 'more.txt': 'more\n' });
  const hold = scene.upstream.hold('after', 'advertise-receive-pack');
  const running = tree.push('HEAD:refs/heads/topic');
  await hold.reached;
  hold.release();
  const warm = await running;
  expect(warm).toMatchObject({ code: 0 });
  await scene.upstream.down();
  const next = await tree.commit('again', { 'more.txt': 'more and more\n' });
  const run = await tree.push('HEAD:refs/heads/topic');
  await scene.upstream.up();
  expect(run.code).not.toBe(0);
  expect(run.stderr).toMatch(/upstream\/unreachable/);
  expect(await repository.refs()).toMatchObject({ 'refs/heads/topic': oid });
  expect(await tree.push('HEAD:refs/heads/topic')).toMatchObject({ code: 0 });
  expect(await repository.refs()).toMatchObject({ 'refs/heads/topic': next });
  await expectToWork();
});
