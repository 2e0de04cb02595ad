// What fsck refuses, what it may tolerate of old histories, and submodules. Each attack is first shown to be real: the
// upstream, which checks nothing, takes it past the guard.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ok } from '../support/client.ts';
import { blob, commit, type GitObject, tree, type TreeEntry } from '../support/git-object.ts';
import { hostileTrees, treeBomb } from '../support/hostile-tree.ts';
import {
  creating,
  expectNothingLanded,
  makeRepository,
  readme,
  refused,
  refusedBeforeDecision,
  send,
  sendDirect,
  zero,
  type Made,
} from '../support/made-push.ts';
import { type PushForge, startPushForge } from '../support/push-forge.ts';
import { secretSample } from '../support/secrets.ts';

let forge: PushForge;
beforeAll(async () => {
  forge = await startPushForge();
});
afterAll(async () => {
  await forge[Symbol.asyncDispose]();
});

describe('what fsck refuses', () => {
  test.each(Object.entries(hostileTrees).map(([name, make]) => ({ name, make })))(
    '$name',
    async ({ make }) => {
      const { objects, fsckId } = make();
      const direct = await makeRepository(forge);
      expect((await sendDirect(direct.repo, creating(objects))).refs).toMatchObject([{ ok: true }]);
      const { repo } = await makeRepository(forge);
      const report = await send(forge, repo, creating(objects));
      expect(report.refs).toMatchObject([{ ok: false }]);
      await expectNothingLanded(
        repo,
        objects.map((object) => object.oid),
      );
      if (fsckId === null) {
        expect(report.refs[0]?.reason).toMatch(/^refused: unsafe-content/);
        expect(report.progress).toContain('policy/symlink-escape');
        expect(report.progress).toContain('link:1:1');
        expect((await repo.lastAttempt()).actions).toEqual(refused);
      } else {
        // Git 2.44 and newer call a long name so; the guard's own limit holds with any.
        const told = `${report.unpack} ${report.refs[0]?.reason}`;
        expect(told.replace('a path name is 65536 bytes long', 'largePathname')).toContain(fsckId);
        expect((await repo.lastAttempt()).actions).toEqual(refusedBeforeDecision);
      }
    },
  );

  const plain = blob('x\n');
  const link = (target: string): readonly [GitObject, TreeEntry] => {
    const made = blob(target);
    return [made, { mode: '120000', name: '.gitmodules', oid: made.oid }];
  };

  test.each([
    {
      name: 'an entry of no object',
      fsckId: 'nullSha1',
      entries: [{ mode: '100644', name: 'a', oid: zero }],
    },
    {
      name: 'an entry without a name',
      fsckId: 'empty filename in tree entry',
      entries: [{ mode: '100644', name: '', oid: plain.oid }],
    },
    {
      name: '.gitmodules as a symbolic link',
      fsckId: 'gitmodulesSymlink',
      entries: [link('src/modules')[1]],
      more: [link('src/modules')[0]],
    },
    {
      name: 'a file and a directory of one name',
      fsckId: 'duplicateEntries',
      entries: [
        { mode: '100644', name: 'a', oid: plain.oid },
        { mode: '40000', name: 'a', oid: tree([{ mode: '100644', name: 'b', oid: plain.oid }]).oid },
      ],
      more: [tree([{ mode: '100644', name: 'b', oid: plain.oid }])],
    },
  ])('$name', async ({ fsckId, entries, more = [] }) => {
    const root = tree(entries);
    const objects = [commit({ tree: root.oid, message: 'by hand\n' }), root, plain, ...more];
    const { repo } = await makeRepository(forge);
    const report = await send(forge, repo, creating(objects));
    expect(report.unpack).toContain(fsckId);
    await expectNothingLanded(
      repo,
      objects.map((object) => object.oid),
    );
  });

  test.each([
    {
      name: 'a commit without an author',
      text: (oid: string) => `tree ${oid}\n\nno author\n`,
      fsckId: 'missingAuthor',
    },
    {
      name: 'a commit with a NUL in its header',
      text: (oid: string) =>
        `tree ${oid}\nauthor A\0 <a@example.com> 1700000000 +0000\ncommitter A <a@example.com> 1700000000 +0000\n\nx\n`,
      fsckId: 'nulInHeader',
    },
  ])('$name', async ({ text, fsckId }) => {
    const root = tree([{ mode: '100644', name: 'a', oid: plain.oid }]);
    const { gitObject } = await import('../support/git-object.ts');
    const objects = [gitObject('commit', text(root.oid)), root, plain];
    const { repo } = await makeRepository(forge);
    const report = await send(forge, repo, creating(objects));
    expect(report.unpack).toContain(fsckId);
    await expectNothingLanded(
      repo,
      objects.map((object) => object.oid),
    );
  });

  test('a tree bomb costs what it weighs, not what it unfolds to', async () => {
    const { objects } = treeBomb(10, 10);
    const { repo } = await makeRepository(forge);
    const report = await send(forge, repo, creating(objects));
    expect(report.refs[0]?.reason).toMatch(/the push changes more than \d+ paths/);
    await expectNothingLanded(repo, [objects[0]?.oid ?? '']);
    expect((await repo.lastAttempt()).entries.at(-1)?.details).toMatchObject({ code: 'git/limit' });
  });
});

describe('faults of old histories', () => {
  const plain = blob('x\n');
  const legacy = (entryMode: string, author: string): readonly GitObject[] => {
    const root = tree([{ mode: entryMode, name: 'a', oid: plain.oid }]);
    return [commit({ tree: root.oid, author, message: 'long ago\n' }), root, plain];
  };
  const sane = 'A U Thor <author@example.com> 1112911993 -0700';

  test.each([
    { name: 'a zero-padded file mode', objects: legacy('0100644', sane) },
    { name: 'a group-writable file mode', objects: legacy('100664', sane) },
    {
      name: 'a time zone that is none',
      objects: legacy('100644', 'A U Thor <author@example.com> 1112911993 +051800'),
    },
    {
      name: 'no space before the date',
      objects: legacy('100644', 'A U Thor <author@example.com>1112911993 -0700'),
    },
    { name: 'no e-mail address', objects: legacy('100644', 'A U Thor 1112911993 -0700') },
    {
      name: 'a zero-padded date',
      objects: legacy('100644', 'A U Thor <author@example.com> 0112911993 -0700'),
    },
  ])('$name lands', async ({ objects }) => {
    const { repo } = await makeRepository(forge);
    const report = await send(forge, repo, creating(objects));
    expect(report).toMatchObject({ unpack: 'ok', refs: [{ ok: true }] });
    expect((await repo.upstream.refs())['refs/heads/agent/made']).toBe(objects[0]?.oid);
  });

  test('some of them are what a strict upstream refuses', async () => {
    const repo = await forge.repo({
      seed: { 'README.md': readme },
      config: { 'receive.fsckObjects': 'true' },
    });
    const objects = legacy('0100644', sane);
    expect((await sendDirect(repo, creating(objects))).unpack).toMatch(/unpack|abnormal|index-pack/);
    const report = await send(forge, repo, creating(objects));
    expect(report.refs).toMatchObject([{ ok: false }]);
    expect((await repo.lastAttempt()).entries.at(-1)).toMatchObject({
      action: 'push.refused',
      details: { by: 'upstream' },
    });
  });

  test('do not cover an attack in the same pack', async () => {
    const attack = hostileTrees['a submodule that runs a command on update']?.();
    const old = legacy('0100644', sane);
    for (const objects of [
      [...old, ...(attack?.objects ?? [])],
      [...(attack?.objects ?? []), ...old],
    ]) {
      const { repo } = await makeRepository(forge);
      const report = await send(forge, repo, creating(objects));
      expect(report.unpack).toContain('gitmodulesUpdate');
      await expectNothingLanded(
        repo,
        objects.map((object) => object.oid),
      );
    }
  });

  test('do not hide a value', async () => {
    const sample = secretSample('aws-access-key', 4);
    const file = blob(sample.text);
    const root = tree([{ mode: '0100644', name: 'credentials', oid: file.oid }]);
    const objects = [commit({ tree: root.oid, message: 'long ago\n' }), root, file];
    const { repo } = await makeRepository(forge);
    const report = await send(forge, repo, creating(objects));
    expect(report.refs[0]?.reason).toMatch(/^refused: secrets/);
    await expectNothingLanded(
      repo,
      objects.map((object) => object.oid),
    );
  });
});

describe('submodules', () => {
  const modules = (url: string, path = 'lib'): string =>
    `[submodule "lib"]\n\tpath = ${path}\n\turl = ${url}\n`;

  async function withSubmodule(): Promise<Made> {
    const repo = await forge.repo({
      seed: {
        'README.md': 'hello\n',
        '.gitmodules': modules('https://example.com/lib.git'),
        'notes.txt': 'x\n',
      },
    });
    return { repo, base: (await repo.upstream.refs())['refs/heads/main'] ?? '' };
  }

  test('a new one is held for an agent, free for a human', async () => {
    const { repo } = await makeRepository(forge);
    const work = await repo.clone();
    await work.write({ '.gitmodules': modules('https://example.com/lib.git') });
    ok(await work.git('add', '.gitmodules'));
    ok(await work.git('update-index', '--add', '--cacheinfo', `160000,${'ab'.repeat(20)},lib`));
    ok(await work.git('commit', '--quiet', '-m', 'Add a submodule'));
    const held = await work.push('HEAD:refs/heads/agent/module');
    expect(held.code).toBe(1);
    expect(held.stderr).toContain('agent-submodules');
    await expectNothingLanded(repo, [await work.oid('HEAD')]);
    ok(await work.push('HEAD:refs/heads/agent/module', { to: repo.humanUrl }));
    expect((await repo.upstream.refs())['refs/heads/agent/module']).toBe(await work.oid('HEAD'));
  });

  test('an unchanged .gitmodules that the pack only names is no hindrance', async () => {
    const { repo } = await withSubmodule();
    const work = await repo.clone();
    const first = await work.commit('One', { 'src/one.txt': 'x\n' });
    ok(await work.push('HEAD:refs/heads/agent/one'));
    const second = await work.commit('Two', { 'src/two.txt': 'x\n' });
    ok(await work.push('HEAD:refs/heads/agent/one'));
    expect(first).not.toBe(second);
    expect((await repo.upstream.refs())['refs/heads/agent/one']).toBe(second);
  });

  test('a file that was harmless under another name is refused as .gitmodules', async () => {
    const attack = blob(modules('--upload-pack=touch owned'));
    const repo = await forge.repo({ seed: { 'notes.txt': attack.content } });
    const base = (await repo.upstream.refs())['refs/heads/main'] ?? '';
    const root = tree([{ mode: '100644', name: '.gitmodules', oid: attack.oid }]);
    const tip = commit({ tree: root.oid, parents: [base], message: 'rename\n' });
    const report = await send(forge, repo, creating([tip, root]));
    expect(report.refs).toMatchObject([{ ok: false }]);
    expect(`${report.unpack} ${report.refs[0]?.reason}`).toContain('.gitmodules');
    await expectNothingLanded(repo, [tip.oid, root.oid]);
  });

  test('a .gitmodules that is nowhere is refused', async () => {
    const { repo, base } = await makeRepository(forge);
    const root = tree([{ mode: '100644', name: '.gitmodules', oid: '34'.repeat(20) }]);
    const tip = commit({ tree: root.oid, parents: [base], message: 'nowhere\n' });
    const report = await send(forge, repo, creating([tip, root]));
    expect(report.refs).toMatchObject([{ ok: false }]);
    await expectNothingLanded(repo, [tip.oid]);
  });
});

test('nothing is left in quarantine, and the log verifies', async () => {
  await expect.poll(() => forge.quarantined()).toEqual([]);
  expect(await forge.guard.command(['audit', 'verify'])).toMatchObject({ code: 0 });
});
