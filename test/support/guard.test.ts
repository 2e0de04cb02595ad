// The support that starts the guard: a sandbox, a configured guard in front of the test upstream, and its restart.
import { expect, test } from 'vitest';
import { createGitClient, withCredentials } from './client.ts';
import { startGuard } from './guard.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import { startUpstream } from './upstream.ts';
import { upstreamSecret } from './upstream-secret.ts';

const secret = upstreamSecret();

test('a guard without a configuration serves its sandbox', async () => {
  await using guard = await startGuard();
  await using client = await createGitClient();
  const { repo, agentToken } = await guard.sandbox();
  const tree = await client.clone(withCredentials(repo, 'agent', agentToken));
  await tree.commit('Say hello', { 'hello.txt': 'hello\n' });
  const watch = guard.watchMemory(10);
  expect(await tree.push('HEAD:refs/heads/agent/hello')).toMatchObject({ code: 0 });
  const peaks = await watch.stop();
  expect(peaks.self).toBeGreaterThan(20_000_000);
  expect(peaks.database).toBeGreaterThan(1_000_000);
  // The sandbox shows its token in the lines to paste; a log line never does.
  const logLines = guard
    .logs()
    .split('\n')
    .filter((line) => line.startsWith('{'));
  expect(logLines.length).toBeGreaterThan(3);
  expect(logLines.join('\n')).not.toContain(agentToken);
  const stopping = performance.now();
  expect(await guard.stop()).toBe(0);
  expect(performance.now() - stopping, 'an idle guard ends at once').toBeLessThan(10_000);
});

test('a configured guard passes pushes on, dies and comes back on the same data', async () => {
  await using upstream = await startUpstream({
    credential: { kind: 'basic', username: 'guard', password: secret },
  });
  await using client = await createGitClient();
  await using data = await temporaryDirectory('guard-data');
  const repository = await upstream.createRepo('team/app', { seed: { 'README.md': 'hello\n' } });
  const options = {
    dataDir: data.path,
    config: {
      forges: [
        {
          name: 'forge',
          url: upstream.url,
          credential: { mode: 'basic', username: 'guard', password: { env: 'UPSTREAM_PASSWORD' } },
        },
      ],
    },
    env: { UPSTREAM_PASSWORD: secret },
  };
  const about = ['--agent', 'worker', '--owner', 'operator', '--purpose', 'testing', '--expires', '1h'];
  await using first = await startGuard(options);
  const made = await first.command(['token', 'create', ...about, '--scope', 'forge/**:fetch,push']);
  expect(made).toMatchObject({ code: 0 });
  const token = made.stdout.trim();
  const tree = await client.clone(withCredentials(`${first.url}/git/forge/team/app.git`, 'agent', token));
  const oid = await tree.commit('Say more', { 'more.txt': 'more\n' });
  expect(await tree.push('HEAD:refs/heads/agent/one')).toMatchObject({ code: 0 });
  expect((await repository.refs())['refs/heads/agent/one']).toBe(oid);
  expect(upstream.received(token)).toBe(false);

  await first.kill();
  await using second = await startGuard(options);
  const url = withCredentials(`${second.url}/git/forge/team/app.git`, 'agent', token);
  expect(await tree.push('HEAD:refs/heads/agent/two', { to: url })).toMatchObject({ code: 0 });
});

test('a guard that cannot start says why', async () => {
  await expect(startGuard({ config: { forgesss: [] } })).rejects.toThrow(/forgesss/);
});
