// A history of thousands of commits goes through the guard unchanged, and what is deep in it is seen.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ok, type WorkTree } from '../support/client.ts';
import { longHistory } from '../support/long-history.ts';
import { phiSample } from '../support/phi.ts';
import { type PushForge, type PushRepository, startPushForge } from '../support/push-forge.ts';

let forge: PushForge;
beforeAll(async () => {
  forge = await startPushForge();
});
afterAll(async () => {
  await forge[Symbol.asyncDispose]();
});

const commits = 5_000;

async function imported(repo: PushRepository, stream: Uint8Array): Promise<WorkTree> {
  const work = await repo.init();
  ok(await forge.client.git(['fast-import', '--quiet', '--done'], { cwd: work.directory, input: stream }));
  return work;
}

test(`${commits} commits with merges land unchanged`, async () => {
  const repo = await forge.repo();
  const work = await imported(repo, longHistory(commits));
  const objects = ok(await work.git('rev-list', '--objects', '--no-object-names', 'long')).stdout.trim();
  expect(ok(await work.git('rev-list', '--merges', '--count', 'long')).stdout.trim()).toBe('500');
  expect(ok(await work.git('rev-list', '--count', 'long')).stdout.trim()).toBe(String(commits));
  ok(await work.push('long:refs/heads/main'));
  expect(await repo.upstream.refs()).toEqual({ 'refs/heads/main': await work.oid('long') });
  const there = await repo.upstream.git('rev-list', '--objects', '--no-object-names', '--all');
  expect(there.split('\n').toSorted()).toEqual(objects.split('\n').toSorted());
  await repo.upstream.git('fsck', '--strict', '--no-dangling');
  expect((await repo.lastAttempt()).details('push.decided')).toMatchObject({
    objects: objects.split('\n').length,
    unreachedObjects: 0,
  });

  // The next push costs what is new, and one that goes back far in the history is told for what it is.
  const old = await work.oid('long~3000');
  expect((await work.push(`+${old}:refs/heads/main`)).stderr).toContain('agent-force-push');
  ok(await work.push(`${old}:refs/heads/agent/old`));
  ok(await work.push('long:refs/heads/agent/old'));
  expect((await repo.lastAttempt()).details('push.decided')).toMatchObject({
    objects: 0,
    refUpdates: [{ kind: 'update' }],
  });
});

test('a value in one commit of five hundred, gone in the next, is found where it is', async () => {
  const repo = await forge.repo();
  const work = await imported(repo, longHistory(500));
  ok(await work.git('switch', '--quiet', 'long'));
  const sample = phiSample('csv', 3);
  const holder = await work.commit('Add an export', { [sample.path]: sample.text });
  ok(await work.git('rm', '--quiet', sample.path));
  await work.commit('Take it out again');
  for (let at = 0; at < 5; at += 1) await work.commit(`Later ${at}`, { 'src/later.txt': `${at}\n` });
  const pushed = await work.push('long:refs/heads/main');
  expect(pushed.code).toBe(1);
  expect(pushed.stderr).toContain(`commit ${holder.slice(0, 12)}  ${sample.path}:2:`);
  expect(pushed.stderr).toContain(`git rebase --interactive ${holder.slice(0, 12)}^`);
  expect(await repo.upstream.refs()).toEqual({});
  expect(await repo.upstream.hasObject(holder)).toBe(false);
});
