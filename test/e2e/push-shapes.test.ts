// Pushes of every ordinary shape, by stock git through the guard: each lands at the upstream object for object.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ok, type WorkTree } from '../support/client.ts';
import { landed } from '../support/made-push.ts';
import { cloneSeeded, type PushForge, type Seeded, startPushForge } from '../support/push-forge.ts';
import { createRandom } from '../support/random.ts';

let forge: PushForge;
beforeAll(async () => {
  forge = await startPushForge();
});
afterAll(async () => {
  await forge[Symbol.asyncDispose]();
});

const seed = { 'README.md': 'hello\n', 'src/main.ts': 'export const one = 1;\n', 'src/deep/a/b.txt': 'b\n' };

const seeded = (args?: readonly string[]): Promise<Seeded> => cloneSeeded(forge, seed, args);

/** The refs are there, every object that they reach is the same on both sides, and the log tells it. */
async function expectLanded(
  { repo, work }: Seeded,
  refs: Readonly<Record<string, string>>,
  objects = true,
): Promise<void> {
  expect(await repo.upstream.refs()).toMatchObject(refs);
  expect((await repo.lastAttempt()).actions).toEqual(landed);
  if (!objects) return;
  const tips = Object.values(refs);
  const there = await repo.upstream.git('rev-list', '--objects', '--no-object-names', ...tips);
  const here = ok(await work.git('rev-list', '--objects', '--no-object-names', ...tips)).stdout.trim();
  expect(there.split('\n').toSorted()).toEqual(here.split('\n').toSorted());
  await repo.upstream.git('fsck', '--strict', '--no-dangling');
}

describe('commits', () => {
  test('the first push to an empty repository, to the branch that HEAD names', async () => {
    const repo = await forge.repo();
    const work = await repo.init();
    const oid = await work.commit('First', seed);
    ok(await work.push('HEAD:refs/heads/main'));
    await expectLanded({ repo, work }, { 'refs/heads/main': oid });
    expect(await (await repo.clone()).oid('HEAD')).toBe(oid);
  });

  test('one commit', async () => {
    const { repo, work } = await seeded();
    const oid = await work.commit('One more', { 'src/two.ts': 'export const two = 2;\n' });
    const pushed = await work.push('HEAD:refs/heads/agent/one');
    ok(pushed);
    expect(pushed.stderr).not.toContain('remote:');
    await expectLanded({ repo, work }, { 'refs/heads/agent/one': oid });
  });

  test('one after the other on the same branch', async () => {
    const { repo, work } = await seeded();
    for (let at = 0; at < 4; at += 1) {
      const oid = await work.commit(`Number ${at}`, { 'src/count.txt': `${at}\n` });
      ok(await work.push('HEAD:refs/heads/agent/steps'));
      await expectLanded({ repo, work }, { 'refs/heads/agent/steps': oid });
    }
  });

  test('an empty commit', async () => {
    const { repo, work } = await seeded();
    const oid = await work.commit('Nothing');
    ok(await work.push('HEAD:refs/heads/agent/nothing'));
    await expectLanded({ repo, work }, { 'refs/heads/agent/nothing': oid });
  });

  test('several branches at once', async () => {
    const { repo, work } = await seeded();
    const refs: Record<string, string> = {};
    for (const name of ['a', 'b', 'c']) {
      ok(await work.git('switch', '--quiet', '-c', name, 'origin/main'));
      refs[`refs/heads/agent/${name}`] = await work.commit(name, { [`src/${name}.txt`]: `${name}\n` });
    }
    const specs = ['a', 'b', 'c'].map((name) => `${name}:refs/heads/agent/${name}`);
    ok(await work.push(specs));
    await expectLanded({ repo, work }, refs);
  });

  test('a merge, an octopus and a criss-cross', async () => {
    const { repo, work } = await seeded();
    const base = await work.oid('HEAD');
    const branch = async (name: string, from: string): Promise<string> => {
      ok(await work.git('switch', '--quiet', '-c', name, from));
      return work.commit(name, { [`src/${name}.txt`]: `${name}\n` });
    };
    const merge = async (name: string, from: string, others: readonly string[]): Promise<string> => {
      ok(await work.git('switch', '--quiet', '-c', name, from));
      ok(await work.git('merge', '--quiet', '--no-ff', '-m', name, ...others));
      return work.oid('HEAD');
    };
    const [one, two, three] = [
      await branch('one', base),
      await branch('two', base),
      await branch('three', base),
    ];
    const left = await merge('left', one, [two]);
    const right = await merge('right', two, [one]);
    ok(await work.git('switch', '--quiet', '-c', 'cross', left));
    ok(await work.git('merge', '--quiet', '--no-ff', '-m', 'cross', right));
    const cross = await work.oid('HEAD');
    const octopus = await merge('octopus', one, [two, three]);
    const specs = [`${cross}:refs/heads/agent/cross`, `${octopus}:refs/heads/agent/octopus`];
    ok(await work.push(specs));
    await expectLanded(
      { repo, work },
      { 'refs/heads/agent/cross': cross, 'refs/heads/agent/octopus': octopus },
    );
  });

  test('files of every mode, names in every script, and empty files', async () => {
    const { repo, work } = await seeded();
    await work.write({ 'bin/run': '#!/bin/sh\n', 'a b/ü ñ 文 🙂.txt': 'x\n', empty: '', '-dash': 'x\n' });
    ok(await work.git('add', '--all'));
    ok(await work.git('update-index', '--chmod=+x', 'bin/run'));
    ok(
      await work.git(
        '-c',
        'core.symlinks=true',
        'update-index',
        '--add',
        '--cacheinfo',
        `120000,${await link(work)},src/link`,
      ),
    );
    ok(await work.git('commit', '--quiet', '-m', 'Modes'));
    const oid = await work.oid('HEAD');
    ok(await work.push('HEAD:refs/heads/agent/modes'));
    await expectLanded({ repo, work }, { 'refs/heads/agent/modes': oid });
  });
});

async function link(work: WorkTree): Promise<string> {
  const made = await forge.client.git(['hash-object', '-w', '--stdin'], {
    cwd: work.directory,
    input: 'main.ts',
  });
  return ok(made).stdout.trim();
}

describe('without new objects', () => {
  test('a branch at a commit that the upstream has', async () => {
    const { repo, work } = await seeded();
    const oid = await work.oid('HEAD');
    ok(await work.push('HEAD:refs/heads/agent/same'));
    await expectLanded({ repo, work }, { 'refs/heads/agent/same': oid });
    expect((await repo.lastAttempt()).details('push.decided')).toMatchObject({ objects: 0 });
  });

  test('a fast-forward to a tip that another branch has', async () => {
    const { repo, work } = await seeded();
    const base = await work.oid('HEAD');
    for (let at = 0; at < 3; at += 1) await work.commit(`Number ${at}`, { 'src/count.txt': `${at}\n` });
    const oid = await work.oid('HEAD');
    ok(await work.push([`${base}:refs/heads/agent/behind`, 'HEAD:refs/heads/agent/ahead']));
    ok(await work.push('HEAD:refs/heads/agent/behind'));
    await expectLanded({ repo, work }, { 'refs/heads/agent/behind': oid });
    expect((await repo.lastAttempt()).details('push.decided')).toMatchObject({
      objects: 0,
      refUpdates: [{ ref: 'refs/heads/agent/behind', kind: 'update', old: base, new: oid }],
    });
  });

  test('a fast-forward over a merge of a branch that only the upstream has', async () => {
    const { repo, work } = await seeded();
    const base = await work.oid('HEAD');
    ok(await work.push(`${base}:refs/heads/agent/target`));
    const other = await repo.clone();
    await other.commit('Elsewhere', { 'src/elsewhere.txt': 'x\n' });
    ok(await other.push('HEAD:refs/heads/agent/side'));
    ok(await work.git('fetch', '--quiet'));
    await work.commit('Here', { 'src/here.txt': 'x\n' });
    ok(await work.git('merge', '--quiet', '--no-ff', '-m', 'Both', 'origin/agent/side'));
    const oid = await work.oid('HEAD');
    ok(await work.push('HEAD:refs/heads/agent/target'));
    await expectLanded({ repo, work }, { 'refs/heads/agent/target': oid });
  });

  test('nothing to do is nothing at all', async () => {
    const { repo, work } = await seeded();
    ok(await work.push('HEAD:refs/heads/main'));
    expect(await repo.attempts()).toEqual([]);
  });
});

describe('tags, notes and other refs', () => {
  test('a lightweight tag, an annotated tag and a tag of a tag', async () => {
    const { repo, work } = await seeded();
    ok(await work.git('tag', 'light'));
    ok(await work.git('tag', '-a', 'v1', '-m', 'Version 1'));
    ok(await work.git('tag', '-a', 'nested', '-m', 'A tag of a tag', 'v1'));
    ok(await work.push(['refs/tags/light', 'refs/tags/v1', 'refs/tags/nested']));
    await expectLanded(
      { repo, work },
      {
        'refs/tags/light': await work.oid('light'),
        'refs/tags/v1': await work.oid('v1'),
        'refs/tags/nested': await work.oid('nested'),
      },
    );
  });

  test('a tag that carries new commits, a tag of a tree and a tag of a blob', async () => {
    const { repo, work } = await seeded();
    await work.commit('Only tagged', { 'src/tagged.txt': 'x\n' });
    ok(await work.git('tag', '-a', 'v2', '-m', 'Version 2'));
    ok(await work.git('tag', '-a', 'tree', '-m', 'A tree', 'HEAD^{tree}'));
    const { stdout } = ok(
      await forge.client.git(['hash-object', '-w', '--stdin'], {
        cwd: work.directory,
        input: 'a key of ours\n',
      }),
    );
    ok(await work.git('tag', '-a', 'blob', '-m', 'A blob', stdout.trim()));
    ok(await work.git('tag', 'bare-blob', stdout.trim()));
    ok(await work.push(['refs/tags/v2', 'refs/tags/tree', 'refs/tags/blob', 'refs/tags/bare-blob']));
    await expectLanded(
      { repo, work },
      {
        'refs/tags/v2': await work.oid('v2'),
        'refs/tags/tree': await work.oid('tree'),
        'refs/tags/blob': await work.oid('blob'),
        'refs/tags/bare-blob': stdout.trim(),
      },
    );
  });

  test('notes, then more notes', async () => {
    const { repo, work } = await seeded();
    ok(await work.git('notes', 'add', '-m', 'Reviewed by nobody'));
    ok(await work.push('refs/notes/commits'));
    await work.commit('Another', { 'src/another.txt': 'x\n' });
    ok(await work.git('notes', 'add', '-m', 'Still nobody'));
    ok(await work.push('refs/notes/commits'));
    await expectLanded({ repo, work }, { 'refs/notes/commits': await work.oid('refs/notes/commits') });
  });

  test('refs/for/main and refs outside heads and tags', async () => {
    const { repo, work } = await seeded();
    const oid = await work.commit('For review', { 'src/review.txt': 'x\n' });
    const specs = ['HEAD:refs/for/main', 'HEAD:refs/changes/01/1/1', 'HEAD:refs/x/ü'];
    ok(await work.push(specs));
    await expectLanded(
      { repo, work },
      {
        'refs/for/main': oid,
        'refs/changes/01/1/1': oid,
        'refs/x/ü': oid,
      },
    );
  });
});

describe('from clones that have only a part', () => {
  test('a shallow clone', async () => {
    const repo = await forge.repo({ seed });
    const full = await repo.clone();
    for (let at = 0; at < 3; at += 1) await full.commit(`Number ${at}`, { 'src/count.txt': `${at}\n` });
    ok(await full.push('HEAD:refs/heads/agent/long'));
    const work = await repo.clone(['--depth=1', '--branch=agent/long']);
    expect(ok(await work.git('rev-parse', '--is-shallow-repository')).stdout).toBe('true\n');
    const oid = await work.commit('On top', { 'src/top.txt': 'x\n' });
    ok(await work.push('HEAD:refs/heads/agent/long'));
    await expectLanded({ repo, work }, { 'refs/heads/agent/long': oid }, false);
    await repo.upstream.git('fsck', '--strict', '--no-dangling');
    expect(await repo.upstream.git('rev-list', '--count', oid)).toBe('5');
    const branch = await work.commit('On top of that', { 'src/top.txt': 'y\n' });
    ok(await work.push('HEAD:refs/heads/agent/new-from-shallow'));
    await expectLanded({ repo, work }, { 'refs/heads/agent/new-from-shallow': branch }, false);
  });

  test.each(['blob:none', 'tree:0'])('a partial clone (%s)', async (filter) => {
    const repo = await forge.repo({ seed });
    const work = await repo.clone([`--filter=${filter}`]);
    const oid = await work.commit('On top', { 'src/top.txt': 'x\n' });
    ok(await work.push('HEAD:refs/heads/agent/partial'));
    await expectLanded({ repo, work }, { 'refs/heads/agent/partial': oid }, false);
    await repo.upstream.git('fsck', '--strict', '--no-dangling');
  });

  test('a sparse checkout with a sparse index', async () => {
    const { repo, work } = await seeded(['--sparse']);
    ok(await work.git('sparse-checkout', 'set', '--sparse-index', 'src/deep'));
    const oid = await work.commit('Deep', { 'src/deep/a/c.txt': 'c\n' });
    ok(await work.push('HEAD:refs/heads/agent/sparse'));
    await expectLanded({ repo, work }, { 'refs/heads/agent/sparse': oid });
  });
});

describe('sizes and transfer', () => {
  test.each([
    { postBuffer: '65536', chunked: true },
    { postBuffer: '100000000', chunked: false },
  ])('3 MB with http.postBuffer $postBuffer (chunked: $chunked)', async ({ postBuffer, chunked }) => {
    const { repo, work } = await seeded();
    ok(await work.git('config', 'http.postBuffer', postBuffer));
    const oid = await work.commit('Large', { 'assets/noise.dat': createRandom(7).bytes(3_000_000) });
    const trace = join(work.directory, '..', `trace-${postBuffer}.txt`);
    const env = { GIT_TRACE_CURL: trace, GIT_TRACE_CURL_NO_DATA: '1' };
    ok(await work.push('HEAD:refs/heads/agent/large', { env }));
    const sent = await readFile(trace, 'utf8');
    expect(/=> Send header: transfer-encoding: chunked/i.test(sent)).toBe(chunked);
    // The probe that git sends before it sends in chunks.
    expect(/=> Send header: content-length: 4\b/i.test(sent)).toBe(chunked);
    await expectLanded({ repo, work }, { 'refs/heads/agent/large': oid });
  });

  test('protocol versions 0, 1 and 2', async () => {
    const { repo, work } = await seeded();
    const oid = await work.commit('One', { 'src/one.txt': 'x\n' });
    for (const version of ['0', '1', '2']) {
      const ref = `refs/heads/agent/protocol-${version}`;
      ok(await work.git('config', 'protocol.version', version));
      ok(await work.push(`HEAD:${ref}`));
      await expectLanded({ repo, work }, { [ref]: oid });
    }
  });

  test.each([
    ['--quiet'],
    ['--verbose'],
    ['--porcelain'],
    ['--no-progress'],
    ['--progress'],
    ['--no-thin'],
    ['--thin'],
  ])('git push %s', async (argument) => {
    const { repo, work } = await seeded();
    const oid = await work.commit('One', { 'src/main.ts': 'export const one = 11;\n' });
    ok(await work.push('HEAD:refs/heads/agent/one', { args: [argument] }));
    await expectLanded({ repo, work }, { 'refs/heads/agent/one': oid });
  });
});

test('a repository of SHA-256', async () => {
  const repo = await forge.repo({ seed, objectFormat: 'sha256' });
  const work = await repo.clone();
  const oid = await work.commit('One', { 'src/one.txt': 'x\n' });
  expect(oid).toHaveLength(64);
  ok(await work.push('HEAD:refs/heads/agent/one'));
  await expectLanded({ repo, work }, { 'refs/heads/agent/one': oid });
  ok(await work.git('tag', '-a', 'v1', '-m', 'Version 1'));
  const next = await work.commit('Two', { 'src/main.ts': 'export const one = 11;\n' });
  ok(await work.push(['HEAD:refs/heads/agent/one', 'refs/tags/v1']));
  await expectLanded({ repo, work }, { 'refs/heads/agent/one': next, 'refs/tags/v1': await work.oid('v1') });
});

test('the log verifies', async () => {
  expect(await forge.guard.command(['audit', 'verify'])).toMatchObject({ code: 0 });
});
