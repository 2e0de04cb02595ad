// A guard without room: the push is refused and says so, nothing lands, nothing stays, and with room again all goes on.
import { randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ok, type WorkTree } from '../support/client.ts';
import {
  attemptOf,
  type GuardedForge,
  quarantinedFiles,
  startGuardedForge,
} from '../support/guarded-forge.ts';
import { run } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const megabyte = 1 << 20;
const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };

/** A push of `bytes` that the guard has no room for; returns what the client was told. */
async function expectRefused(scene: GuardedForge, tree: WorkTree, bytes: number): Promise<string> {
  const branch = `refs/heads/large-${bytes}`;
  const oid = await tree.commit('Large', { 'large.dat': randomBytes(bytes) });
  const before = scene.upstream.requests.length;
  const pushed = await tree.push(`HEAD:${branch}`);
  expect(pushed.code).toBe(1);
  expect(pushed.stderr).toMatch(/remote: forgeguard: .*(no room|disk)/);
  expect(pushed.stderr).toMatch(/remote rejected.*request [0-9a-f]{16}/);
  expect((await attemptOf(scene, oid)).map(({ action }) => action)).toEqual([
    'push.received',
    'push.refused',
  ]);
  expect((await attemptOf(scene, oid)).at(-1)?.details).toMatchObject({ by: 'guard', code: 'git/disk-full' });
  const sent = scene.upstream.requests.slice(before).map(({ kind }) => kind);
  expect(sent).not.toContain('git-receive-pack');
  await expect.poll(() => quarantinedFiles(scene.guard.dataDir)).toEqual([]);
  ok(await tree.git('reset', '--quiet', '--hard', 'HEAD~1'));
  return pushed.stderr;
}

describe('a limit on the size of files', () => {
  let scene: GuardedForge;
  beforeAll(async () => {
    scene = await startGuardedForge();
  });
  afterAll(async () => {
    await scene[Symbol.asyncDispose]();
  });

  /** Sets the soft limit of the guard and what it starts; undefined takes it away. */
  async function limitFiles(bytes: number | undefined): Promise<void> {
    const limit = `--fsize=${bytes ?? 'unlimited'}:`;
    expect(await run('prlimit', ['--pid', String(scene.guard.pid), limit], { env })).toMatchObject({
      code: 0,
    });
  }

  test.each([3 * megabyte, 16 * megabyte])('that a pack of %i bytes is beyond', async (bytes) => {
    const { tree, repository } = await scene.cloneOfNew();
    await limitFiles(megabyte);
    await expectRefused(scene, tree, bytes);
    const small = await tree.commit('Small', { 'small.txt': 'small\n' });
    ok(await tree.push('HEAD:refs/heads/small'));
    await limitFiles(undefined);
    expect(await repository.refs()).toMatchObject({ 'refs/heads/small': small });
    await tree.commit('Large', { 'large.dat': randomBytes(bytes) });
    ok(await tree.push('HEAD:refs/heads/large'));
    expect(scene.guard.logs()).not.toContain('"code":"internal"');
  });
});

/** True where this process may mount: root with all its rights. */
async function mountsTmpfs(): Promise<boolean> {
  await using directory = await temporaryDirectory('mount');
  const mounted = await mount(directory.path, megabyte);
  if (mounted) await unmount(directory.path);
  return mounted;
}

async function mount(path: string, bytes: number): Promise<boolean> {
  const args = ['-t', 'tmpfs', '-o', `size=${bytes},mode=0700`, 'tmpfs', path];
  return (await run('mount', args, { env })).code === 0;
}

async function unmount(path: string): Promise<void> {
  await run('umount', ['--lazy', path], { env });
}

// Elsewhere the limit above stands for it: it comes to the same places of the guard.
describe.runIf(await mountsTmpfs())('a file system that is full', () => {
  const resources = new AsyncDisposableStack();
  let scene: GuardedForge;
  let filler: string;
  beforeAll(async () => {
    const directory = resources.use(await temporaryDirectory('small-disk'));
    const dataDir = join(directory.path, 'data');
    await mkdir(dataDir);
    await mount(dataDir, 6 * megabyte);
    resources.defer(() => unmount(dataDir));
    filler = join(dataDir, 'filler');
    scene = resources.use(await startGuardedForge({ dataDir }));
  });
  afterAll(async () => {
    await resources.disposeAsync();
  });

  test('has no room for a large push, and room for the next one', async () => {
    const { tree, repository } = await scene.cloneOfNew();
    for (const bytes of [8 * megabyte, 24 * megabyte]) await expectRefused(scene, tree, bytes);
    const small = await tree.commit('Small', { 'small.txt': 'small\n' });
    ok(await tree.push('HEAD:refs/heads/small'));
    expect(await repository.refs()).toMatchObject({ 'refs/heads/small': small });
  });

  test('to the last byte takes no push at all, and serves fetches', async () => {
    const { tree, repository, url } = await scene.cloneOfNew();
    const chunk = randomBytes(megabyte);
    const fill = async (): Promise<void> => {
      for (const step of [megabyte, 4_096]) {
        const piece = chunk.subarray(0, step);
        while (
          await writeFile(filler, piece, { flag: 'a' }).then(
            () => true,
            () => false,
          )
        );
      }
    };
    await fill();
    await tree.commit('Small', { 'small.txt': 'small\n' });
    const pushed = await tree.push('HEAD:refs/heads/small');
    expect(pushed.code).not.toBe(0);
    expect(pushed.stderr).toMatch(/forgeguard: .*(no room|disk|audit)/);
    expect(pushed.stderr).toMatch(/request:? [0-9a-f]{16}/);
    expect(Object.keys(await repository.refs())).toEqual(['refs/heads/main']);
    await rm(filler);
    ok(await tree.push('HEAD:refs/heads/small'));
    ok(await scene.client.git(['ls-remote', url]));
    expect(await scene.guard.command(['audit', 'verify'])).toMatchObject({ code: 0 });
  });
});
