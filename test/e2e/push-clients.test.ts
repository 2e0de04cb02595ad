// Clients besides a well-behaved git: another implementation, one that hangs up in the middle, and pointers to content
// that travels apart.
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import git from 'isomorphic-git';
import http from 'isomorphic-git/http/node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ok } from '../support/client.ts';
import { quarantinedFiles } from '../support/guarded-forge.ts';
import { phiSample } from '../support/phi.ts';
import { landed } from '../support/made-push.ts';
import { cloneSeeded, type PushForge, type Seeded, startPushForge } from '../support/push-forge.ts';
import { createRandom } from '../support/random.ts';
import { killGroup } from '../support/process-group.ts';
import { isolatedGitEnvironment } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

let forge: PushForge;
beforeAll(async () => {
  forge = await startPushForge();
});
afterAll(async () => {
  await forge[Symbol.asyncDispose]();
});

const seed = { 'README.md': 'hello\n', 'src/main.ts': 'export {};\n' };
const quarantined = (): Promise<readonly string[]> => quarantinedFiles(forge.guard.dataDir);

const seeded = (): Promise<Seeded> => cloneSeeded(forge, seed);

describe('isomorphic-git', () => {
  const author = { name: 'Agent', email: 'agent@example.com' };
  const onAuth = (): { username: string; password: string } => ({
    username: 'agent',
    password: forge.agentToken,
  });

  test('clones, pushes, fetches and is refused', async () => {
    const repo = await forge.repo({ seed });
    await using scratch = await temporaryDirectory('isomorphic');
    const dir = join(scratch.path, 'work');
    const shared = { fs, http, dir, url: repo.bareUrl, onAuth };
    await git.clone(shared);
    expect(fs.readFileSync(join(dir, 'README.md'), 'utf8')).toBe('hello\n');

    await git.branch({ fs, dir, ref: 'agent/iso', checkout: true });
    fs.writeFileSync(join(dir, 'src/iso.ts'), 'export const iso = true;\n');
    await git.add({ fs, dir, filepath: 'src/iso.ts' });
    const oid = await git.commit({ fs, dir, author, message: 'By another client' });
    const pushed = await git.push({ ...shared, ref: 'agent/iso' });
    expect(pushed).toMatchObject({ ok: true, refs: { 'refs/heads/agent/iso': { ok: true } } });
    expect((await repo.upstream.refs())['refs/heads/agent/iso']).toBe(oid);
    expect(await repo.upstream.read(oid, 'src/iso.ts')).toBe('export const iso = true;\n');
    expect((await repo.lastAttempt()).actions).toEqual(landed);

    const sample = phiSample('csv', 81);
    fs.mkdirSync(join(dir, 'exports'));
    fs.writeFileSync(join(dir, sample.path), sample.text);
    await git.add({ fs, dir, filepath: sample.path });
    await git.commit({ fs, dir, author, message: 'Add an export' });
    const refusal: unknown = await git.push({ ...shared, ref: 'agent/iso' }).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(Error);
    expect(String(refusal)).toMatch(/refused: phi/);
    expect((await repo.upstream.refs())['refs/heads/agent/iso']).toBe(oid);

    const other = await repo.clone(['--branch=agent/iso']);
    const next = await other.commit('By git', { 'src/git.ts': 'export {};\n' });
    ok(await other.push('HEAD:refs/heads/agent/iso'));
    await git.fetch({ ...shared, ref: 'agent/iso', singleBranch: true });
    expect(await git.resolveRef({ fs, dir, ref: 'refs/remotes/origin/agent/iso' })).toBe(next);
  });
});

describe('Git LFS', () => {
  test('a pointer whose content was not scanned is refused, text about LFS is not', async () => {
    const { repo, work } = await seeded();
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'ab'.repeat(32)}\nsize 12345\n`;
    await work.commit('Large', { 'assets/model.bin': pointer, '.gitattributes': '*.bin filter=lfs\n' });
    const pushed = await work.push('HEAD:refs/heads/agent/lfs');
    expect(pushed.code).toBe(1);
    expect(pushed.stderr).toContain('unsafe-content');
    expect(pushed.stderr).toContain('policy/lfs-unscanned');
    expect(pushed.stderr).toContain('assets/model.bin');
    expect(await repo.upstream.refs()).not.toHaveProperty(['refs/heads/agent/lfs']);
    await work.commit('Explain', { 'assets/model.bin': 'x\n', 'docs/lfs.md': `A pointer is:\n\n${pointer}` });
    ok(await work.git('reset', '--quiet', '--soft', 'origin/main'));
    await work.commit('Explain');
    ok(await work.push('HEAD:refs/heads/agent/lfs'));
  });
});

describe('a client that hangs up', () => {
  /** Starts a push of 20 MB, in a process group of its own. */
  async function largePush({
    repo,
    work,
  }: Seeded): Promise<{ kill(): void; readonly ended: Promise<void>; readonly oid: string }> {
    const random = createRandom(82);
    const files = Array.from({ length: 20 }, (_, at) => [`noise/${at}.dat`, random.bytes(1_000_000)]);
    const oid = await work.commit('Noise', Object.fromEntries(files) as Record<string, Uint8Array>);
    const args = [
      '-c',
      'http.postBuffer=65536',
      '-c',
      'pack.compression=0',
      'push',
      repo.agentUrl,
      'HEAD:refs/heads/agent/gone',
    ];
    const child = spawn('git', args, {
      cwd: work.directory,
      env: isolatedGitEnvironment(join(forge.client.directory, 'home')),
      detached: true,
      stdio: 'ignore',
    });
    const ended = new Promise<void>((resolve) => child.on('exit', () => resolve()));
    return { kill: () => killGroup(child.pid), ended, oid };
  }

  test('while it sends: nothing lands, nothing is left, and the log says so', async () => {
    const { repo, work } = await seeded();
    const pushing = await largePush({ repo, work });
    await expect.poll(() => quarantined(), { interval: 5 }).not.toEqual([]);
    pushing.kill();
    await pushing.ended;
    await expect.poll(() => quarantined(), { interval: 20 }).toEqual([]);
    await expect
      .poll(async () => (await repo.lastAttempt()).actions)
      .toEqual(['push.received', 'push.refused']);
    expect((await repo.lastAttempt()).entries.at(-1)?.details).toMatchObject({
      by: 'guard',
      code: 'request/cancelled',
    });
    expect(Object.keys(await repo.upstream.refs())).toEqual(['refs/heads/main']);
    expect(await repo.upstream.hasObject(pushing.oid)).toBe(false);
    // And the same push, left alone, lands.
    ok(await work.push('HEAD:refs/heads/agent/gone'));
    expect((await repo.upstream.refs())['refs/heads/agent/gone']).toBe(pushing.oid);
  });

  test('after the push was forwarded: it lands, and the log says so', async () => {
    const { repo, work } = await seeded();
    const oid = await work.commit('One', { 'a.txt': 'x\n' });
    const hold = await repo.upstream.holdIn('pre-receive');
    const child = spawn('git', ['push', repo.agentUrl, 'HEAD:refs/heads/agent/late'], {
      cwd: work.directory,
      env: isolatedGitEnvironment(join(forge.client.directory, 'home')),
      detached: true,
      stdio: 'ignore',
    });
    const ended = new Promise<void>((resolve) => child.on('exit', () => resolve()));
    await hold.reached;
    killGroup(child.pid);
    await ended;
    hold.release();
    await expect.poll(async () => (await repo.lastAttempt()).actions).toEqual(landed);
    expect((await repo.upstream.refs())['refs/heads/agent/late']).toBe(oid);
    await expect.poll(() => quarantined()).toEqual([]);
  });
});

test('the log verifies', async () => {
  expect(await forge.guard.command(['audit', 'verify'])).toMatchObject({ code: 0 });
});
