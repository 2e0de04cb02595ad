// The test upstream itself, driven by stock git without a guard in between.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createGitClient, type GitClient, withCredentials, type WorkTree } from './client.ts';
import { headerOf, startUpstream, type Upstream } from './upstream.ts';
import { htmlPage } from './upstream-fault.ts';

let upstream: Upstream;
let client: GitClient;
let repositories = 0;

beforeAll(async () => {
  upstream = await startUpstream();
  client = await createGitClient();
});
afterAll(async () => {
  await client.remove();
  await upstream.stop();
});
beforeEach(() => {
  upstream.clearFaults();
  upstream.forgetRequests();
});

async function cloneOfNew(objectFormat: 'sha1' | 'sha256' = 'sha1') {
  const name = `team/repo-${(repositories += 1)}`;
  const repository = await upstream.createRepo(name, { objectFormat, seed: { 'README.md': 'hello\n' } });
  const tree = await client.clone(`${upstream.url}/${name}.git`);
  return { repository, tree, url: `${upstream.url}/${name}.git` };
}

const advance = (tree: WorkTree): Promise<string> =>
  tree.commit('more', { [`file-${Math.random()}`]: 'x\n' });

describe.each(['sha1', 'sha256'] as const)('with %s', (format) => {
  test('takes a push and serves a clone', async () => {
    const { repository, tree, url } = await cloneOfNew(format);
    const oid = await tree.commit('add', { 'src/a b.txt': 'text\n', 'deep/er/ü.txt': 'ü\n' });
    expect(oid).toHaveLength(format === 'sha1' ? 40 : 64);
    expect(await tree.push('HEAD:refs/heads/topic')).toMatchObject({ code: 0 });
    expect((await repository.refs())['refs/heads/topic']).toBe(oid);
    expect(await repository.read('topic', 'src/a b.txt')).toBe('text\n');
    const again = await client.clone(url, ['--branch', 'topic']);
    expect(await again.oid('HEAD')).toBe(oid);
  });
});

test('serves partial clones and takes large, chunked pushes with options', async () => {
  const { repository, tree, url } = await cloneOfNew();
  const noise = Buffer.from(Array.from({ length: 1_600_000 }, () => Math.floor(Math.random() * 256)));
  await tree.commit('big', { 'noise.bin': noise });
  expect(await tree.push('HEAD:refs/heads/big', { options: ['key=value'] })).toMatchObject({ code: 0 });
  const posts = upstream.requests.filter(({ kind }) => kind === 'git-receive-pack');
  expect(posts.at(-1)).toMatchObject({ chunked: true, status: 200 });
  expect(posts.at(-1)?.bodyBytes).toBeGreaterThan(1_600_000);
  const partial = await client.clone(url, ['--filter=blob:none', '--no-checkout', '--branch', 'big']);
  const missing = await partial.git('rev-list', '--objects', '--missing=print', 'HEAD');
  expect(missing.stdout).toContain('?');
  expect(await repository.hasObject(await tree.oid('HEAD:noise.bin'))).toBe(true);
});

test('takes compressed request bodies', async () => {
  const { repository, url } = await cloneOfNew();
  const many = Array.from({ length: 60 }, (_, index) => `refs/heads/b${index}`);
  const first = await repository.git('rev-parse', 'main');
  for (const ref of many) {
    const commit = await repository.git('commit-tree', '-m', ref, '-p', first, 'main^{tree}');
    await repository.git('update-ref', ref, commit);
  }
  await client.clone(url, ['-c', 'protocol.version=0']);
  const posts = upstream.requests.filter(({ kind }) => kind === 'git-upload-pack');
  expect(posts.some(({ headers }) => headers['content-encoding'] === 'gzip')).toBe(true);
});

describe('credentials', () => {
  const basic = { kind: 'basic', username: 'robot', password: 'made-up-word' } as const;
  test('Basic is asked for, judged and recorded', async () => {
    const { url } = await cloneOfNew();
    upstream.requireCredential(basic);
    try {
      upstream.forgetRequests();
      await expect(client.clone(url)).rejects.toThrow(/could not read Username|Authentication failed/);
      expect(upstream.received('made-up-word')).toBe(false);
      await client.clone(withCredentials(url, basic.username, basic.password));
      expect(upstream.received('made-up-word')).toBe(true);
      expect(upstream.requests.map(({ credential }) => credential)).toContain('accepted');
      await expect(client.clone(withCredentials(url, 'robot', 'other'))).rejects.toThrow('Authentication');
    } finally {
      upstream.requireCredential(undefined);
    }
  });

  test('Bearer by header', async () => {
    const { url } = await cloneOfNew();
    const bearer = { kind: 'bearer', token: 'token-of-a-test' } as const;
    await using other = await createGitClient({ extraHeader: `Authorization: ${headerOf(bearer)}` });
    upstream.requireCredential(bearer);
    try {
      await other.clone(url);
      await expect(client.clone(url)).rejects.toThrow('git failed');
    } finally {
      upstream.requireCredential(undefined);
    }
  });
});

describe('faults', () => {
  test('refusals by status, page and hook', async () => {
    const { repository, tree } = await cloneOfNew();
    await advance(tree);
    upstream.fault({ on: 'git-receive-pack', times: 1, effect: { kind: 'answer', status: 403, body: 'no' } });
    expect((await tree.push('HEAD:refs/heads/a')).stderr).toContain('403');
    upstream.fault({ times: 1, effect: htmlPage });
    expect((await tree.push('HEAD:refs/heads/a')).code).not.toBe(0);
    await repository.refuse('pre-receive', 'not on a Friday');
    const refused = await tree.push('HEAD:refs/heads/a');
    expect(refused.stderr).toContain('remote: not on a Friday');
    expect(refused.stderr).toContain('pre-receive hook declined');
    expect(await repository.refs()).not.toHaveProperty('refs/heads/a');
  });

  test('redirects on the same origin are followed', async () => {
    const { tree } = await cloneOfNew();
    upstream.fault({ on: 'advertise-upload-pack', times: 1, effect: { kind: 'redirect', status: 307 } });
    expect(await tree.git('ls-remote')).toMatchObject({ code: 0 });
  });

  test('a connection dropped after the push took effect', async () => {
    const { repository, tree } = await cloneOfNew();
    const oid = await advance(tree);
    upstream.fault({ on: 'git-receive-pack', times: 1, effect: { kind: 'drop', when: 'after' } });
    expect((await tree.push('HEAD:refs/heads/a')).code).not.toBe(0);
    expect((await repository.refs())['refs/heads/a']).toBe(oid);
  });

  test('truncated and stalled answers', async () => {
    const { tree } = await cloneOfNew();
    upstream.fault({
      on: 'advertise-upload-pack',
      times: 1,
      effect: { kind: 'truncate', bytes: 20 },
    });
    expect((await tree.git('ls-remote')).code).not.toBe(0);
    upstream.fault({ on: 'advertise-upload-pack', times: 1, effect: { kind: 'stall', afterBytes: 20 } });
    const stalled = await client.git(['ls-remote'], { cwd: tree.directory, deadline: 700 });
    expect(stalled.signal).toBe('SIGKILL');
  });

  test.each(['before', 'after'] as const)('a push held %s it takes effect', async (when) => {
    const { repository, tree } = await cloneOfNew();
    await advance(tree);
    const hold = upstream.hold(when, 'git-receive-pack');
    const pushing = tree.push('HEAD:refs/heads/a');
    await hold.reached;
    expect('refs/heads/a' in (await repository.refs())).toBe(when === 'after');
    hold.release();
    expect(await pushing).toMatchObject({ code: 0 });
  });

  test('a push held inside a hook', async () => {
    const { repository, tree } = await cloneOfNew();
    await advance(tree);
    const hold = await repository.holdIn('pre-receive');
    const pushing = tree.push('HEAD:refs/heads/a');
    await hold.reached;
    expect(await repository.refs()).not.toHaveProperty('refs/heads/a');
    hold.release();
    expect(await pushing).toMatchObject({ code: 0 });
  });

  test('an upstream that is down and comes back on its port', async () => {
    const { tree } = await cloneOfNew();
    await upstream.down();
    expect((await tree.git('ls-remote')).stderr).toMatch(/connect|refused/i);
    await upstream.up();
    expect(await tree.git('ls-remote')).toMatchObject({ code: 0 });
  });

  test('hidden capabilities are not used', async () => {
    const { repository, tree } = await cloneOfNew();
    const oid = await advance(tree);
    upstream.hideCapabilities(['side-band-64k', 'report-status-v2', 'atomic']);
    expect(await tree.push('HEAD:refs/heads/a')).toMatchObject({ code: 0 });
    expect((await repository.refs())['refs/heads/a']).toBe(oid);
    const atomic = await tree.push('HEAD:refs/heads/b', { args: ['--atomic'] });
    expect(atomic.stderr).toContain('atomic');
    expect(atomic.code).not.toBe(0);
  });
});
