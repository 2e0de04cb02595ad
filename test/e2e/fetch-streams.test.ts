// Fetches are streams: large, slow, compressed, redirected or broken ones, and clients that go away in the middle.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ok } from '../support/client.ts';
import { readFetched } from '../support/fetched.ts';
import { type GuardedForge, startGuardedForge, upstreamPassword } from '../support/guarded-forge.ts';
import { sampleMemory } from '../support/process-memory.ts';
import { killGroup } from '../support/process-group.ts';
import { isolatedGitEnvironment } from '../support/run.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { type FaultEffect, htmlPage, type UpstreamRequestKind } from '../support/upstream-fault.ts';

let scene: GuardedForge;
/** An origin that the configuration allows redirects to, and one that it does not. */
let named: Upstream;
let unnamed: Upstream;

beforeAll(async () => {
  [named, unnamed] = await Promise.all([startUpstream(), startUpstream()]);
  scene = await startGuardedForge({
    limits: { upstreamSeconds: 1 },
    forge: { allowRedirectsTo: [named.url] },
  });
});
afterAll(async () => {
  await scene[Symbol.asyncDispose]();
  await named.stop();
  await unnamed.stop();
});
afterEach(() => {
  scene.upstream.clearFaults();
});

const seed = { 'README.md': 'hello\n', 'src/main.ts': 'export {};\n'.repeat(50) };
const trace = { GIT_TRACE_CURL: '1', GIT_TRACE_CURL_NO_DATA: '1' };
const advertisementType = { 'content-type': 'application/x-git-upload-pack-advertisement' };
const megabyte = 1 << 20;
/** Lines of the guard's log about what it did not expect. */
const surprises = (): readonly string[] =>
  scene.guard
    .logs()
    .split('\n')
    .filter((line) => line.includes('"code":"internal"'));
let made = 0;

/** A repository at the upstream and at `others`, so that a client that is sent there would find it. */
async function repository(
  ...others: readonly Upstream[]
): Promise<{ readonly url: string; readonly tip: string }> {
  const name = `team/streamed-${(made += 1)}`;
  const { url, repository: own } = await scene.createRepo(name, { seed });
  for (const other of others) await other.createRepo(name, { seed });
  return { url, tip: (await own.refs())['refs/heads/main'] ?? '' };
}

describe('a large clone', () => {
  const size = 144 * megabyte;
  let url: string;
  beforeAll(async () => {
    const files = Array.from({ length: 24 }, (_, at) => [`noise/${at}.dat`, randomBytes(size / 24)]);
    const large = await scene.createRepo('team/large', {
      // Nothing to gain by compressing noise, and nothing to wait for.
      config: { 'core.compression': '0', 'pack.compression': '0', 'core.bigFileThreshold': '1m' },
      seed: Object.fromEntries(files) as Record<string, Uint8Array>,
    });
    url = large.url;
  });

  test('passes without the guard growing by its size', async () => {
    const idle = await sampleMemory(scene.guard.pid);
    const watch = scene.guard.watchMemory();
    ok(await scene.client.git(['clone', '--quiet', '--bare', url, 'large']));
    const peaks = await watch.stop();
    expect(peaks.self - idle.self).toBeLessThan(size * 0.6);
    expect(scene.upstream.requests.filter(({ brokenOff }) => brokenOff)).toEqual([]);
    const counted = await scene.client.git(['-C', 'large', 'count-objects', '-v']);
    expect(counted.stdout).toMatch(/in-pack: 27\n/);
  });

  test('that a client gives up is given up upstream as well, and the guard forgets it', async () => {
    const served = (): boolean[] =>
      scene.upstream.requests
        .filter(({ kind, bodyBytes }) => kind === 'git-upload-pack' && bodyBytes > 0)
        .map(({ brokenOff }) => brokenOff);
    scene.upstream.forgetRequests();
    scene.upstream.fault({
      on: 'git-upload-pack',
      effect: { kind: 'trickle', bytes: 65_536, milliseconds: 20 },
    });
    const child = spawn('git', ['clone', '--bare', '--progress', url, 'given-up'], {
      cwd: scene.client.directory,
      env: isolatedGitEnvironment(join(scene.client.directory, 'home')),
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const ended = new Promise<void>((resolve) => child.on('exit', () => resolve()));
    await new Promise<void>((resolve) => {
      child.stderr.on('data', (chunk: Buffer) => chunk.includes('Receiving objects') && resolve());
    });
    expect(served()).not.toContain(true);
    killGroup(child.pid);
    await ended;
    await expect.poll(served, { interval: 20 }).toContain(true);
    expect(surprises()).toEqual([]);
    expect((await fetch(`${scene.guard.url}/readyz`)).status).toBe(200);
  });
});

describe('an upstream', () => {
  let url: string;
  let tip: string;
  beforeAll(async () => {
    ({ url, tip } = await repository());
  });

  test('that compresses its answers is understood, and so is the guard', async () => {
    scene.upstream.fault({ effect: { kind: 'compress' } });
    for (const version of [0, 2]) {
      const cloned = await scene.client.git(
        ['-c', `protocol.version=${version}`, 'clone', '--bare', url, `compressed-${made}-${version}`],
        { env: trace },
      );
      expect(ok(cloned).stderr).toMatch(/<= Recv header: content-encoding: gzip/i);
      const heads = await scene.client.git(['-C', `compressed-${made}-${version}`, 'rev-parse', 'HEAD']);
      expect(heads.stdout.trim()).toBe(tip);
    }
  });

  test('that is slow in all but silent for no longer than it may is waited for', async () => {
    scene.upstream.fault({
      on: 'git-upload-pack',
      effect: { kind: 'trickle', bytes: 160, milliseconds: 400 },
    });
    const cloned = await scene.client.git(['clone', '--quiet', '--bare', url, `slow-${made}`]);
    expect(ok(cloned).seconds).toBeGreaterThan(1.2);
  });

  const answers: readonly (readonly [string, FaultEffect, RegExp])[] = [
    [
      '401',
      { kind: 'answer', status: 401, body: 'no' },
      /remote error: .*answered 401.*guard's own credential/,
    ],
    ['403', { kind: 'answer', status: 403, body: 'no' }, /remote error: .*answered 403.*upstream\/refused/],
    ['404', { kind: 'answer', status: 404, body: 'no' }, /remote error: .*answered 404.*upstream\/not-found/],
    [
      '500',
      { kind: 'answer', status: 500, body: 'no' },
      /remote error: .*answered 500.*upstream\/unreachable/,
    ],
    [
      '429',
      { kind: 'answer', status: 429, body: 'no' },
      /remote error: .*answered 429.*upstream\/unreachable/,
    ],
    ['a page of HTML', htmlPage, /remote error: .*upstream\/invalid/],
    ['a closed connection', { kind: 'drop', when: 'before' }, /remote error: .*upstream\/unreachable/],
    ['silence', { kind: 'ignore' }, /remote error: .*upstream\/timeout/],
    // The answer has begun: all that is left is to break it off.
    [
      'an answer that is cut off',
      { kind: 'truncate', bytes: 300 },
      /upstream\/unreachable|early EOF|hung up|RPC failed/,
    ],
    ['an answer that stops', { kind: 'stall', afterBytes: 300 }, /early EOF|hung up|RPC failed/],
  ];
  test.each(answers)('that answers the request for objects with %s', async (name, effect, says) => {
    const tree = await scene.client.init(url);
    // The second request: the first of version 2 asks for refs.
    const kind: UpstreamRequestKind = 'git-upload-pack';
    scene.upstream.fault({ on: kind, times: 1, effect: { kind: 'delay', milliseconds: 0 } });
    scene.upstream.fault({ on: kind, effect });
    const failed = await tree.git('fetch', 'origin', 'main');
    expect(failed.code, name).not.toBe(0);
    expect(failed.stderr).toMatch(says);
    expect(failed.seconds).toBeLessThan(40);
    scene.upstream.clearFaults();
    ok(await tree.git('fetch', 'origin', 'main'));
    expect(surprises()).toEqual([]);
  });

  const advertised: readonly (readonly [string, FaultEffect, RegExp])[] = [
    ['two bytes', { kind: 'truncate', bytes: 2 }, /upstream\/unreachable/],
    [
      'what only looks like Git',
      { kind: 'answer', status: 200, body: '<!doctype html>', headers: advertisementType },
      /upstream\/invalid/,
    ],
    ['403', { kind: 'answer', status: 403, body: 'no' }, /answered 403.*upstream\/refused/],
    ['500', { kind: 'answer', status: 500, body: 'no' }, /answered 500.*upstream\/unreachable/],
    ['a closed connection', { kind: 'drop', when: 'before' }, /upstream\/unreachable/],
    [
      'half an advertisement',
      { kind: 'truncate', bytes: 100 },
      /hung up|RPC failed|transfer closed|upstream\//,
    ],
    [
      'an advertisement that stops',
      { kind: 'stall', afterBytes: 100 },
      /hung up|RPC failed|transfer closed|upstream\//,
    ],
  ];
  test.each(advertised)('that answers the first request with %s', async (_name, effect, says) => {
    scene.upstream.fault({ on: 'advertise-upload-pack', effect });
    const failed = await scene.client.git(['ls-remote', url]);
    expect(failed.code).not.toBe(0);
    expect(failed.stderr).toMatch(says);
    expect(failed.seconds).toBeLessThan(40);
    expect(surprises()).toEqual([]);
  });

  test('that is down, and comes back', async () => {
    ok(await scene.client.git(['ls-remote', url]));
    await scene.upstream.down();
    const failed = await scene.client.git(['ls-remote', url]);
    await scene.upstream.up();
    expect(failed.stderr).toMatch(
      /remote: forgeguard: couldn't reach the upstream forge.*upstream\/unreachable/,
    );
    expect(ok(await scene.client.git(['ls-remote', url])).stdout).toContain(tip);
  });
});

describe('redirects stay inside', () => {
  let same: Awaited<ReturnType<typeof repository>>;
  beforeAll(async () => {
    same = await repository();
  });

  const kinds: readonly UpstreamRequestKind[] = ['advertise-upload-pack', 'git-upload-pack'];

  test.each([301, 302, 303, 307, 308] as const)('%i to the same origin', async (status) => {
    const { url, tip } = same;
    for (const on of kinds) {
      scene.upstream.fault({ on, times: 1, effect: { kind: 'redirect', status } });
      const tree = await scene.client.init(url);
      const fetched = await scene.client.git(['fetch', 'origin'], { cwd: tree.directory, env: trace });
      expect(ok(fetched).stderr).not.toMatch(/HTTP\/1\.1 30|location:/i);
      expect(await tree.oid('origin/main')).toBe(tip);
      expect(scene.upstream.requests.filter(({ credential }) => credential !== 'accepted')).toEqual([]);
    }
  });

  test.each(kinds)('to another origin that is named, without the credential (%s)', async (on) => {
    const { url, tip } = await repository(named);
    named.forgetRequests();
    scene.upstream.fault({ on, effect: { kind: 'redirect', status: 307, origin: named.url } });
    const tree = await scene.client.init(url);
    const fetched = await scene.client.git(['fetch', 'origin'], { cwd: tree.directory, env: trace });
    expect(ok(fetched).stderr).not.toContain(new URL(named.url).host);
    expect(await tree.oid('origin/main')).toBe(tip);
    expect((await readFetched(tree)).objects.length).toBeGreaterThan(3);
    expect(named.requests.length).toBeGreaterThan(0);
    expect(named.requests.filter(({ credential }) => credential !== 'absent')).toEqual([]);
    expect(named.received(upstreamPassword)).toBe(false);
    // What was remembered of the redirect ends with the repository's answer there.
    scene.upstream.clearFaults();
    ok(await tree.git('fetch', '--refetch', 'origin'));
  });

  test.each(kinds)('to any other origin are refused (%s)', async (on) => {
    const { url } = await repository(unnamed);
    scene.upstream.fault({ on, effect: { kind: 'redirect', status: 302, origin: unnamed.url } });
    const failed = await scene.client.git(['ls-remote', url]);
    expect(failed.code).toBe(128);
    expect(failed.stderr).toMatch(
      /the upstream redirects to http:\/\/127\.0\.0\.1:\d+, which the forge's allowRedirectsTo/,
    );
    expect(unnamed.requests).toEqual([]);
  });

  test('in a circle end', async () => {
    const { url } = await repository();
    scene.upstream.fault({ on: 'advertise-upload-pack', effect: { kind: 'redirect', status: 302 } });
    const failed = await scene.client.git(['ls-remote', url]);
    expect(failed.stderr).toMatch(/redirected more than 5 times.*upstream\/invalid/);
  });

  test('to a place that is no repository are refused', async () => {
    const { url } = await repository();
    const location = { location: '/sign-in?next=repository' };
    scene.upstream.fault({
      on: 'advertise-upload-pack',
      effect: { kind: 'answer', status: 302, body: '', headers: location },
    });
    const failed = await scene.client.git(['ls-remote', url]);
    expect(failed.stderr).toMatch(/redirects to a place that is not a Git repository/);
  });
});
