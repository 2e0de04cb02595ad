// Packs made by hand: thin ones, deltas without a base, objects that nothing reaches, and what fsck refuses. Each
// attack is first shown to be real: the upstream, which checks nothing, takes it past the guard.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ok } from '../support/client.ts';
import { blob, commit, type GitObject, noObject, tag, tree, type TreeEntry } from '../support/git-object.ts';
import { hostileTrees, treeBomb } from '../support/hostile-tree.ts';
import { buildPack, packOf, type PackEntry } from '../support/pack.ts';
import { appendDelta } from '../support/pack-delta.ts';
import { phiSample } from '../support/phi.ts';
import { type PushForge, type PushRepository, startPushForge } from '../support/push-forge.ts';
import { parsePushReport, type PushReport } from '../support/push-report.ts';
import { postService, receivePackBody, type ReceivePackRequest } from '../support/raw-push.ts';
import { secretSample } from '../support/secrets.ts';

let forge: PushForge;
beforeAll(async () => {
  forge = await startPushForge();
});
afterAll(async () => {
  await forge[Symbol.asyncDispose]();
});

const zero = noObject();
const readme = Buffer.from('hello\n'.repeat(40));
const seed = { 'README.md': readme };

interface Made {
  readonly repo: PushRepository;
  /** The tip of main at the upstream. */
  readonly base: string;
}

async function made(): Promise<Made> {
  const repo = await forge.repo({ seed });
  return { repo, base: (await repo.upstream.refs())['refs/heads/main'] ?? '' };
}

async function send(repo: PushRepository, request: ReceivePackRequest): Promise<PushReport> {
  const answer = await postService(repo.bareUrl, 'git-receive-pack', receivePackBody(request), {
    authorization: forge.agentHeader,
  });
  expect(answer.status).toBe(200);
  return parsePushReport(answer.body);
}

/** The same past the guard. */
async function sendDirect(repo: PushRepository, request: ReceivePackRequest): Promise<PushReport> {
  const url = new URL(repo.directUrl);
  const authorization = `Basic ${Buffer.from(`${url.username}:${url.password}`).toString('base64')}`;
  const plain = `${url.origin}${url.pathname}`;
  const answer = await postService(plain, 'git-receive-pack', receivePackBody(request), { authorization });
  return parsePushReport(answer.body);
}

function creating(objects: readonly GitObject[], ref = 'refs/heads/agent/made'): ReceivePackRequest {
  const newOid = objects[0]?.oid ?? zero;
  return { commands: [{ oldOid: zero, newOid, ref }], pack: packOf(objects) };
}

const refusedBeforeDecision = ['push.received', 'push.refused'];
const refused = ['push.received', 'push.decided', 'push.refused'];
const landed = ['push.received', 'push.decided', 'push.forwarded'];

async function expectNothingLanded(repo: PushRepository, oids: readonly string[]): Promise<void> {
  expect(Object.keys(await repo.upstream.refs())).toEqual(['refs/heads/main']);
  for (const oid of oids) expect(await repo.upstream.hasObject(oid)).toBe(false);
}

describe('thin packs, from a client that ignores no-thin', () => {
  /** A commit on main whose README is sent as a delta against the one that only the upstream has. */
  function thin(
    base: string,
    added: string,
  ): { request: ReceivePackRequest; tip: GitObject; changed: GitObject } {
    const changed = blob(Buffer.concat([readme, Buffer.from(added)]));
    const root = tree([{ mode: '100644', name: 'README.md', oid: changed.oid }]);
    const tip = commit({ tree: root.oid, parents: [base], message: 'thin\n' });
    const entries: readonly PackEntry[] = [
      { kind: 'object', object: tip },
      { kind: 'object', object: root },
      { kind: 'ref-delta', base: blob(readme).oid, delta: appendDelta(readme, Buffer.from(added)) },
    ];
    const commands = [{ oldOid: zero, newOid: tip.oid, ref: 'refs/heads/agent/thin' }];
    return { request: { commands, pack: buildPack(entries) }, tip, changed };
  }

  test('land, the base fetched from the upstream', async () => {
    const { repo, base } = await made();
    const { request, tip } = thin(base, 'and more\n');
    expect(await send(repo, request)).toMatchObject({ unpack: 'ok', refs: [{ ok: true }] });
    expect((await repo.upstream.refs())['refs/heads/agent/thin']).toBe(tip.oid);
    expect(await repo.upstream.read(tip.oid, 'README.md')).toBe(`${readme.toString()}and more\n`);
    expect((await repo.lastAttempt()).actions).toEqual(landed);
    await repo.upstream.git('fsck', '--strict', '--no-dangling');
  });

  test('are scanned as what they unfold to', async () => {
    const { repo, base } = await made();
    const sample = phiSample('csv', 11);
    const { request, tip, changed } = thin(base, sample.text);
    const report = await send(repo, request);
    expect(report.refs[0]?.reason).toMatch(/^refused: phi/);
    expect(report.progress).toContain(`commit ${tip.oid.slice(0, 12)}  README.md:42:`);
    await expectNothingLanded(repo, [tip.oid, changed.oid]);
  });

  test('are not blamed for what their bases hold', async () => {
    const sample = phiSample('csv', 12);
    const old = Buffer.from(sample.text);
    const repo = await forge.repo({ seed: { [sample.path]: old } });
    const base = (await repo.upstream.refs())['refs/heads/main'] ?? '';
    const next = blob('something else altogether\n');
    // A delta that copies nothing of its base.
    const delta = Buffer.from([
      (old.length & 0x7f) | 0x80,
      old.length >> 7,
      next.content.length,
      next.content.length,
      ...next.content,
    ]);
    const root = tree([{ mode: '100644', name: 'other.txt', oid: next.oid }]);
    const tip = commit({ tree: root.oid, parents: [base], message: 'thin\n' });
    const entries: readonly PackEntry[] = [
      { kind: 'object', object: tip },
      { kind: 'object', object: root },
      { kind: 'ref-delta', base: blob(old).oid, delta },
    ];
    const report = await send(repo, {
      commands: [{ oldOid: zero, newOid: tip.oid, ref: 'refs/heads/agent/thin' }],
      pack: buildPack(entries),
    });
    expect(report).toMatchObject({ unpack: 'ok', refs: [{ ok: true }] });
    expect(await repo.upstream.read(tip.oid, 'other.txt')).toBe('something else altogether\n');
  });

  test('with a base that is nowhere are refused', async () => {
    const { repo, base } = await made();
    const { tip } = thin(base, 'x');
    const entries: readonly PackEntry[] = [
      { kind: 'object', object: tip },
      { kind: 'ref-delta', base: blob('nowhere\n').oid, delta: appendDelta(readme, Buffer.from('x')) },
    ];
    const commands = [{ oldOid: zero, newOid: tip.oid, ref: 'refs/heads/agent/thin' }];
    const report = await send(repo, { commands, pack: buildPack(entries) });
    expect(report.unpack).toMatch(/the pack was not accepted/);
    expect(report.refs).toMatchObject([{ ok: false }]);
    await expectNothingLanded(repo, [tip.oid]);
    expect((await repo.lastAttempt()).actions).toEqual(refusedBeforeDecision);
    expect((await repo.lastAttempt()).entries.at(-1)?.details).toMatchObject({
      by: 'guard',
      code: 'git/bad-pack',
    });
  });

  test('in SHA-256', async () => {
    const format = 'sha256';
    const repo = await forge.repo({ seed, objectFormat: format });
    const base = (await repo.upstream.refs())['refs/heads/main'] ?? '';
    const changed = blob(Buffer.concat([readme, Buffer.from('more\n')]), format);
    const root = tree([{ mode: '100644', name: 'README.md', oid: changed.oid }], format);
    const tip = commit({ tree: root.oid, parents: [base], message: 'thin\n' }, format);
    const entries: readonly PackEntry[] = [
      { kind: 'object', object: tip },
      { kind: 'object', object: root },
      {
        kind: 'ref-delta',
        base: blob(readme, format).oid,
        delta: appendDelta(readme, Buffer.from('more\n')),
      },
    ];
    const report = await send(repo, {
      commands: [{ oldOid: noObject(format), newOid: tip.oid, ref: 'refs/heads/agent/thin' }],
      pack: buildPack(entries, { format }),
    });
    expect(report).toMatchObject({ unpack: 'ok', refs: [{ ok: true }] });
    expect((await repo.upstream.refs())['refs/heads/agent/thin']).toBe(tip.oid);
  });
});

describe('packs without what they need', () => {
  test('an empty pack for an object that the upstream does not have', async () => {
    const { repo } = await made();
    const newOid = '12'.repeat(20);
    const commands = [{ oldOid: zero, newOid, ref: 'refs/heads/agent/made' }];
    const report = await send(repo, { commands, pack: packOf([]) });
    expect(report.refs).toMatchObject([{ ok: false }]);
    await expectNothingLanded(repo, [newOid]);
  });

  test('an update of a branch to an object that is nowhere', async () => {
    const { repo, base } = await made();
    await repo.upstream.git('update-ref', 'refs/heads/agent/made', base);
    const commands = [{ oldOid: base, newOid: '12'.repeat(20), ref: 'refs/heads/agent/made' }];
    const report = await send(repo, { commands, pack: packOf([]) });
    expect(report.refs).toMatchObject([{ ok: false }]);
    expect((await repo.upstream.refs())['refs/heads/agent/made']).toBe(base);
  });

  test.each(['blob', 'tree', 'parent'] as const)('a commit whose %s is nowhere', async (missing) => {
    const { repo, base } = await made();
    const file = blob('x\n');
    const root = tree([{ mode: '100644', name: 'x', oid: file.oid }]);
    const parents = [missing === 'parent' ? '12'.repeat(20) : base];
    const tip = commit({ tree: root.oid, parents, message: 'incomplete\n' });
    const objects = [tip, ...(missing === 'tree' ? [] : [root]), ...(missing === 'blob' ? [] : [file])];
    const report = await send(repo, creating(objects));
    expect(report.refs).toMatchObject([{ ok: false }]);
    await expectNothingLanded(repo, [tip.oid]);
  });
});

describe('objects that no pushed ref reaches', () => {
  function good(base: string): readonly [GitObject, GitObject, GitObject] {
    const file = blob('x\n');
    const root = tree([{ mode: '100644', name: 'x', oid: file.oid }]);
    return [commit({ tree: root.oid, parents: [base], message: 'good\n' }), root, file];
  }

  test('are left out, and that is told', async () => {
    const { repo, base } = await made();
    const objects = good(base);
    const stray = blob('nobody names me\n');
    const strayTree = tree([{ mode: '100644', name: 'stray', oid: stray.oid }]);
    const strayCommit = commit({ tree: strayTree.oid, parents: [base], message: 'stray\n' });
    const strayTag = tag(strayCommit, 'stray', 'stray\n');
    const strays = [stray, strayTree, strayCommit, strayTag];

    const other = await made();
    await sendDirect(other.repo, creating([...good(other.base), ...strays]));
    expect(await other.repo.upstream.hasObject(stray.oid)).toBe(true);

    const report = await send(repo, creating([...objects, ...strays]));
    expect(report).toMatchObject({ unpack: 'ok', refs: [{ ok: true }] });
    expect(report.progress).toContain('left out 4 objects that no pushed ref reaches');
    for (const object of objects) expect(await repo.upstream.hasObject(object.oid)).toBe(true);
    for (const object of strays) expect(await repo.upstream.hasObject(object.oid)).toBe(false);
    expect((await repo.lastAttempt()).details('push.decided')).toMatchObject({ unreachedObjects: 4 });
  });

  test.each([
    { what: 'a blob', make: (text: string) => [blob(text)] },
    {
      what: 'a commit message',
      make: (text: string, root: GitObject) => [commit({ tree: root.oid, message: text })],
    },
    { what: 'a tag message', make: (text: string, root: GitObject) => [tag(root, 'v', text)] },
    {
      what: 'the name of a tree entry',
      make: (_text: string, root: GitObject) => [
        tree([{ mode: '40000', name: `ssn_${'517'}-${'43'}-${'6682'}`, oid: root.oid }]),
      ],
    },
  ])('are refused where $what holds a value', async ({ make }) => {
    const { repo, base } = await made();
    const objects = good(base);
    const strays = make(phiSample('note', 13).text, objects[1]);
    const report = await send(repo, creating([...objects, ...strays]));
    expect(report.refs[0]?.reason).toMatch(/^refused: phi/);
    if (strays[0]?.type === 'blob') expect(report.progress).toContain(`object ${strays[0].oid}`);
    await expectNothingLanded(
      repo,
      [...objects, ...strays].map((object) => object.oid),
    );
    expect((await repo.lastAttempt()).actions).toEqual(refused);
  });

  test('a whole pack of them, beside a delete', async () => {
    const { repo, base } = await made();
    const stray = blob('nobody names me\n');
    const commands = [{ oldOid: zero, newOid: base, ref: 'refs/heads/agent/made' }];
    const report = await send(repo, { commands, pack: packOf([stray]) });
    expect(report).toMatchObject({ unpack: 'ok', refs: [{ ok: true }] });
    expect((await repo.upstream.refs())['refs/heads/agent/made']).toBe(base);
    expect(await repo.upstream.hasObject(stray.oid)).toBe(false);
  });

  test('bytes behind the commands of a push that only deletes go nowhere', async () => {
    const { repo, base } = await made();
    await repo.upstream.git('update-ref', 'refs/heads/agent/made', base);
    const stray = blob(secretSample('github-token', 5).text);
    const url = new URL(repo.humanUrl);
    const body = receivePackBody({
      commands: [{ oldOid: base, newOid: zero, ref: 'refs/heads/agent/made' }],
      pack: packOf([stray]),
      capabilities: ['report-status', 'side-band-64k', 'object-format=sha1'],
    });
    const authorization = `Basic ${Buffer.from(`${url.username}:${url.password}`).toString('base64')}`;
    const answer = await postService(repo.bareUrl, 'git-receive-pack', body, { authorization });
    expect(parsePushReport(answer.body)).toMatchObject({ unpack: 'ok', refs: [{ ok: true }] });
    expect(await repo.upstream.hasObject(stray.oid)).toBe(false);
  });
});

describe('what fsck refuses', () => {
  test.each(Object.entries(hostileTrees).map(([name, make]) => ({ name, make })))(
    '$name',
    async ({ make }) => {
      const { objects, fsckId } = make();
      const direct = await made();
      expect((await sendDirect(direct.repo, creating(objects))).refs).toMatchObject([{ ok: true }]);
      const { repo } = await made();
      const report = await send(repo, creating(objects));
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
    const { repo } = await made();
    const report = await send(repo, creating(objects));
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
    const { repo } = await made();
    const report = await send(repo, creating(objects));
    expect(report.unpack).toContain(fsckId);
    await expectNothingLanded(
      repo,
      objects.map((object) => object.oid),
    );
  });

  test('a tree bomb costs what it weighs, not what it unfolds to', async () => {
    const { objects } = treeBomb(10, 10);
    const { repo } = await made();
    const report = await send(repo, creating(objects));
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
    const { repo } = await made();
    const report = await send(repo, creating(objects));
    expect(report).toMatchObject({ unpack: 'ok', refs: [{ ok: true }] });
    expect((await repo.upstream.refs())['refs/heads/agent/made']).toBe(objects[0]?.oid);
  });

  test('some of them are what a strict upstream refuses', async () => {
    const repo = await forge.repo({ seed, config: { 'receive.fsckObjects': 'true' } });
    const objects = legacy('0100644', sane);
    expect((await sendDirect(repo, creating(objects))).unpack).toMatch(/unpack|abnormal|index-pack/);
    const report = await send(repo, creating(objects));
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
      const { repo } = await made();
      const report = await send(repo, creating(objects));
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
    const { repo } = await made();
    const report = await send(repo, creating(objects));
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
    const { repo } = await made();
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
    const report = await send(repo, creating([tip, root]));
    expect(report.refs).toMatchObject([{ ok: false }]);
    expect(`${report.unpack} ${report.refs[0]?.reason}`).toContain('.gitmodules');
    await expectNothingLanded(repo, [tip.oid, root.oid]);
  });

  test('a .gitmodules that is nowhere is refused', async () => {
    const { repo, base } = await made();
    const root = tree([{ mode: '100644', name: '.gitmodules', oid: '34'.repeat(20) }]);
    const tip = commit({ tree: root.oid, parents: [base], message: 'nowhere\n' });
    const report = await send(repo, creating([tip, root]));
    expect(report.refs).toMatchObject([{ ok: false }]);
    await expectNothingLanded(repo, [tip.oid]);
  });
});

describe('clients that ask for less', () => {
  test.each([
    { capabilities: ['report-status', 'object-format=sha1'], banded: false },
    { capabilities: ['report-status', 'side-band-64k'], banded: true },
    { capabilities: ['report-status-v2', 'side-band-64k', 'quiet'], banded: true },
  ])('$capabilities', async ({ capabilities, banded }) => {
    for (const [text, isGood] of [
      ['fine\n', true],
      [secretSample('npm-token', 8).text, false],
    ] as const) {
      const { repo, base } = await made();
      const file = blob(text);
      const root = tree([{ mode: '100644', name: 'x', oid: file.oid }]);
      const tip = commit({ tree: root.oid, parents: [base], message: 'x\n' });
      const body = receivePackBody({ ...creating([tip, root, file]), capabilities });
      const answer = await postService(repo.bareUrl, 'git-receive-pack', body, {
        authorization: forge.agentHeader,
      });
      const report = parsePushReport(answer.body, banded);
      expect(report.refs).toMatchObject([{ ref: 'refs/heads/agent/made', ok: isGood }]);
      if (!isGood) expect(report.refs[0]?.reason).toMatch(/^refused: secrets \(request [0-9a-f]{16}\)$/);
    }
  });
});

test('nothing is left in quarantine, and the log verifies', async () => {
  await expect.poll(() => forge.quarantines(), { timeout: 2_000 }).toEqual([]);
  expect(await forge.guard.command(['audit', 'verify'])).toMatchObject({ code: 0 });
});
