// Fetches pass through the guard in every version of the protocol: what arrives is, object by object, what a client
// past the guard gets.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createGitClient, type GitClient, ok, withCredentials } from '../support/client.ts';
import { cloneBoth, type Fetched, readFetched } from '../support/fetched.ts';
import { type GuardedForge, startGuardedForge, upstreamPassword } from '../support/guarded-forge.ts';
import { longHistory } from '../support/long-history.ts';
import { isolatedGitEnvironment, runOrThrow } from '../support/run.ts';
import { fastImportStream, type UpstreamRepository } from '../support/upstream-repository.ts';

interface Served {
  readonly repository: UpstreamRepository;
  readonly guarded: string;
  readonly direct: string;
}

let scene: GuardedForge;
let history: Served;
const clients: GitClient[] = [];

beforeAll(async () => {
  scene = await startGuardedForge();
  history = await served('team/history');
  await fastImport(history.repository, longHistory(200));
  const { git } = history.repository;
  await git('symbolic-ref', 'HEAD', 'refs/heads/long');
  await git('branch', 'release/1.0', 'long~40');
  await git('tag', 'light', 'long~30');
  await git('tag', '-a', '-m', 'Version 1', 'v1', 'long~20');
  await git('tag', '-a', '-m', 'A tag of a tag', 'nested', 'v1');
  await git('tag', '-a', '-m', 'A tag of a file', 'file', 'long:src/part1/file1.txt');
  await git('notes', 'add', '-m', 'Reviewed', 'long~10');
});
afterAll(async () => {
  for (const client of clients) await client.remove();
  await scene[Symbol.asyncDispose]();
});

async function served(name: string, options?: Parameters<GuardedForge['createRepo']>[1]): Promise<Served> {
  const { repository, url } = await scene.createRepo(name, options);
  const direct = withCredentials(`${scene.upstream.url}/${name}.git`, 'guard', upstreamPassword);
  return { repository, guarded: url, direct };
}

async function fastImport({ directory }: UpstreamRepository, input: Uint8Array): Promise<void> {
  const env = isolatedGitEnvironment(directory);
  await runOrThrow('git', ['-C', directory, 'fast-import', '--quiet', '--force'], { env, input });
}

/** A client that speaks this version. */
async function clientOf(version: number, config: Readonly<Record<string, string>> = {}): Promise<GitClient> {
  const client = await createGitClient({ config: { 'protocol.version': String(version), ...config } });
  clients.push(client);
  return client;
}

const readPastGuard = new Map<string, Promise<Fetched>>();

/** The same clone past the guard; the version of the protocol makes no difference to what it holds. */
function directly(args: readonly string[]): Promise<Fetched> {
  const made =
    readPastGuard.get(args.join(' ')) ??
    scene.client.clone(history.direct, args).then((tree) => readFetched(tree));
  readPastGuard.set(args.join(' '), made);
  return made;
}

const spoken = (): readonly unknown[] =>
  scene.upstream.requests
    .filter(({ kind }) => kind.endsWith('upload-pack'))
    .map(({ headers }) => headers['git-protocol']);

const expectedHeader: Readonly<Record<number, string | undefined>> = {
  0: undefined,
  1: 'version=1',
  2: 'version=2',
};

const shapes: readonly (readonly [string, readonly string[]])[] = [
  ['everything', ['--mirror']],
  ['a work tree', []],
  ['one branch without tags', ['--single-branch', '--branch=release/1.0', '--no-tags']],
  ['a tag', ['--branch=nested', '--single-branch']],
  ['three commits', ['--depth=3']],
  ['three commits of every branch', ['--depth=3', '--no-single-branch']],
  ['what is newer than a date', [`--shallow-since=${1_600_000_000 + 150 * 60}`]],
  ['what a tag does not have', ['--shallow-exclude=v1']],
  ['no blobs', ['--filter=blob:none', '--no-checkout']],
  ['small blobs', ['--filter=blob:limit=12', '--no-checkout']],
  ['no trees', ['--filter=tree:0', '--no-checkout']],
  ['few objects of a short history', ['--depth=2', '--filter=blob:none', '--no-checkout']],
];

describe.each([0, 1, 2])('protocol version %i', (version) => {
  let client: GitClient;
  beforeAll(async () => {
    client = await clientOf(version);
  });

  test('the list of refs is that of the upstream', async () => {
    scene.upstream.forgetRequests();
    const args = ['ls-remote', '--symref'];
    const listed = ok(await client.git([...args, history.guarded]));
    expect(new Set(spoken())).toEqual(new Set([expectedHeader[version]]));
    expect(listed.stdout).toBe(ok(await client.git([...args, history.direct])).stdout);
    expect(listed.stdout).toMatch(/ref: refs\/heads\/long\tHEAD/);
    expect(listed.stdout).toMatch(/refs\/tags\/v1\^\{\}/);
    const some = ok(await client.git(['ls-remote', history.guarded, 'refs/heads/release/*']));
    expect(some.stdout).toMatch(/^[0-9a-f]{40}\trefs\/heads\/release\/1\.0\n$/);
  });

  // Version 1 differs from version 0 by one line.
  test.each(version === 1 ? shapes.slice(0, 1) : shapes)('a clone of %s', async (_name, args) => {
    const direct = await directly(args);
    expect(await readFetched(await client.clone(history.guarded, args))).toEqual(direct);
    expect(direct.objects.length).toBeGreaterThan(1);
  });

  test('a short history is deepened, and completed', async () => {
    const tree = await client.clone(history.guarded, ['--depth=1']);
    ok(await tree.git('fetch', '--deepen=4'));
    expect(await readFetched(tree)).toEqual(await directly(['--depth=5']));
    ok(await tree.git('fetch', '--unshallow'));
    expect((await readFetched(tree)).shallow).toEqual([]);
    const counted = ok(await tree.git('rev-list', '--count', 'HEAD')).stdout.trim();
    expect(counted).toBe(await history.repository.git('rev-list', '--count', 'long'));
  });

  test('only what is new is fetched again, and what is gone is pruned', async () => {
    const own = await served(`team/growing-${version}`, { seed: { 'README.md': 'one\n' } });
    await own.repository.git('branch', 'old', 'main');
    const tree = await client.clone(own.guarded);
    const before = (await readFetched(tree)).objects.length;
    await own.repository.git('branch', '-D', 'old');
    await fastImport(own.repository, fastImportStream('feature', { 'new.txt': 'new\n' }));
    await own.repository.git('tag', '-a', '-m', 'First', 'first', 'feature');
    ok(await tree.git('fetch', '--prune'));
    const after = await readFetched(tree);
    // A commit, a tree, a blob and the tag that follows.
    expect(after.objects.length).toBe(before + 4);
    expect(after.refs.map((line) => line.split(' ')[1])).toEqual(
      expect.arrayContaining(['refs/remotes/origin/feature', 'refs/tags/first']),
    );
    expect(after.refs.join('\n')).not.toContain('origin/old');
    expect(ok(await tree.git('fetch', '--verbose')).stderr).toMatch(/up to date/);
    expect(
      ok(await tree.git('pull', '--quiet', '--no-rebase', '--allow-unrelated-histories', 'origin', 'feature'))
        .code,
    ).toBe(0);
  });
});

describe('what a partial clone left out is fetched when it is needed', () => {
  test.each([
    ['--filter=blob:none', 2],
    ['--filter=tree:0', 2],
    ['--filter=blob:none', 0],
  ] as const)('%s, protocol version %i', async (filter, version) => {
    const client = await clientOf(version);
    const tree = await client.clone(history.guarded, [filter, '--no-checkout']);
    const before = (await readFetched(tree)).objects.length;
    scene.upstream.forgetRequests();
    ok(await tree.git('checkout', '--quiet', 'HEAD'));
    const diff = ok(await tree.git('log', '--stat', '-3', '--format=%H')).stdout;
    expect(diff).toBe(
      await history.repository.git('log', '--stat', '-3', '--format=%H', 'long').then((text) => `${text}\n`),
    );
    expect(spoken().length).toBeGreaterThan(1);
    expect((await readFetched(tree)).objects.length).toBeGreaterThan(before + 10);
    // A blob of an old commit, by its id.
    const old = await history.repository.git('show', 'long~100:src/part20/file2.txt');
    expect(ok(await tree.git('show', 'HEAD~100:src/part20/file2.txt')).stdout).toBe(`${old}\n`);
  });
});

describe('requests that are not small', () => {
  const trace = { GIT_TRACE_CURL: '1', GIT_TRACE_CURL_NO_DATA: '1' };

  test.each([0, 2])('many commits that the upstream lacks, compressed (version %i)', async (version) => {
    const client = await clientOf(version);
    const own = await served(`team/haves-${version}`, { seed: { 'README.md': 'one\n' } });
    const tree = await client.clone(own.guarded);
    const local = longHistory(300);
    ok(await client.git(['fast-import', '--quiet'], { cwd: tree.directory, input: local }));
    await fastImport(own.repository, fastImportStream('feature', { 'new.txt': 'new\n' }));
    const fetched = ok(await client.git(['fetch'], { cwd: tree.directory, env: trace }));
    expect(fetched.stderr).toMatch(/=> Send header: Content-Encoding: gzip/);
    expect(await tree.oid('origin/feature')).toBe((await own.repository.refs())['refs/heads/feature']);
  });

  test.each([0, 2])('1,600 branches at once, in chunks (version %i)', async (version) => {
    const client = await clientOf(version, { 'http.postBuffer': '65536' });
    const own = await served(`team/wide-${version}`);
    const commits = Array.from(
      { length: 1_600 },
      (_, at) =>
        `commit refs/heads/topic/${at}\ncommitter A <a@upstream.example> ${1_700_000_000 + at} +0000\ndata 2\n${String(at % 90).padStart(2, '0')}\n`,
    );
    await fastImport(own.repository, Buffer.from(`${commits.join('')}done\n`));
    await own.repository.git('symbolic-ref', 'HEAD', 'refs/heads/topic/0');
    scene.upstream.forgetRequests();
    const tree = await client.init(own.guarded);
    const fetched = ok(await client.git(['fetch', '--quiet', 'origin'], { cwd: tree.directory, env: trace }));
    expect(fetched.stderr).toMatch(/=> Send header: Transfer-Encoding: chunked/);
    expect(Math.max(...scene.upstream.requests.map(({ bodyBytes }) => bodyBytes))).toBeGreaterThan(65_536);
    const listed = ok(await tree.git('for-each-ref', '--format=%(objectname)', 'refs/remotes')).stdout;
    expect(listed.trim().split('\n').toSorted()).toEqual(
      Object.values(await own.repository.refs()).toSorted(),
    );
  });
});

describe.each([0, 1, 2])('repositories out of the ordinary (version %i)', (version) => {
  test('with SHA-256', async () => {
    const client = await clientOf(version);
    const own = await served(`team/sha256-${version}`, { objectFormat: 'sha256', seed: { 'a.txt': 'a\n' } });
    const { guarded, direct, tree } = await cloneBoth(client, own, []);
    expect(guarded).toEqual(direct);
    expect(guarded.refs[0]).toMatch(/^[0-9a-f]{64} /);
    await fastImport(own.repository, fastImportStream('feature', { 'new.txt': 'new\n' }));
    ok(await tree.git('fetch'));
    expect(await tree.oid('origin/feature')).toBe((await own.repository.refs())['refs/heads/feature']);
  });

  test('without a commit', async () => {
    const client = await clientOf(version);
    const own = await served(`team/empty-${version}`);
    const { guarded, direct } = await cloneBoth(client, own, []);
    expect(guarded).toEqual(direct);
    expect(guarded.objects).toEqual([]);
  });

  test('with a detached HEAD and hidden refs', async () => {
    const client = await clientOf(version);
    const own = await served(`team/odd-${version}`, { seed: { 'a.txt': 'a\n' } });
    await own.repository.git('update-ref', 'refs/pull/1/head', 'main');
    await own.repository.git('config', 'transfer.hideRefs', 'refs/pull');
    await own.repository.git('update-ref', '--no-deref', 'HEAD', 'main');
    const { guarded, direct } = await cloneBoth(client, own, ['--mirror']);
    expect(guarded).toEqual(direct);
    expect(guarded.refs.join('\n')).not.toContain('refs/pull');
  });
});

test('the guard saw nothing go wrong in all of this', () => {
  expect(scene.guard.logs()).not.toMatch(/"level":(50|60)/);
});
