// Packs made by hand: thin ones, deltas without a base, objects that nothing reaches, and clients that ask for less.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { blob, commit, type GitObject, noObject, tag, tree } from '../support/git-object.ts';
import {
  creating,
  expectNothingLanded,
  landed,
  makeRepository,
  readme,
  refused,
  refusedBeforeDecision,
  send,
  sendDirect,
  zero,
} from '../support/made-push.ts';
import { buildPack, deltaBomb, packOf, type PackEntry, zeroBlob } from '../support/pack.ts';
import { appendDelta } from '../support/pack-delta.ts';
import { phiSample } from '../support/phi.ts';
import { type PushForge, startPushForge } from '../support/push-forge.ts';
import { parsePushReport } from '../support/push-report.ts';
import { postService, receivePackBody, type ReceivePackRequest } from '../support/raw-push.ts';
import { secretSample } from '../support/secrets.ts';

let forge: PushForge;
beforeAll(async () => {
  forge = await startPushForge();
});
afterAll(async () => {
  await forge[Symbol.asyncDispose]();
});

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
    const { repo, base } = await makeRepository(forge);
    const { request, tip } = thin(base, 'and more\n');
    expect(await send(forge, repo, request)).toMatchObject({ unpack: 'ok', refs: [{ ok: true }] });
    expect((await repo.upstream.refs())['refs/heads/agent/thin']).toBe(tip.oid);
    expect(await repo.upstream.read(tip.oid, 'README.md')).toBe(`${readme.toString()}and more\n`);
    expect((await repo.lastAttempt()).actions).toEqual(landed);
    await repo.upstream.git('fsck', '--strict', '--no-dangling');
  });

  test('are scanned as what they unfold to', async () => {
    const { repo, base } = await makeRepository(forge);
    const sample = phiSample('csv', 11);
    const { request, tip, changed } = thin(base, sample.text);
    const report = await send(forge, repo, request);
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
    const report = await send(forge, repo, {
      commands: [{ oldOid: zero, newOid: tip.oid, ref: 'refs/heads/agent/thin' }],
      pack: buildPack(entries),
    });
    expect(report).toMatchObject({ unpack: 'ok', refs: [{ ok: true }] });
    expect(await repo.upstream.read(tip.oid, 'other.txt')).toBe('something else altogether\n');
  });

  test('with a base that is nowhere are refused', async () => {
    const { repo, base } = await makeRepository(forge);
    const { tip } = thin(base, 'x');
    const entries: readonly PackEntry[] = [
      { kind: 'object', object: tip },
      { kind: 'ref-delta', base: blob('nowhere\n').oid, delta: appendDelta(readme, Buffer.from('x')) },
    ];
    const commands = [{ oldOid: zero, newOid: tip.oid, ref: 'refs/heads/agent/thin' }];
    const report = await send(forge, repo, { commands, pack: buildPack(entries) });
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
    const repo = await forge.repo({ seed: { 'README.md': readme }, objectFormat: format });
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
    const report = await send(forge, repo, {
      commands: [{ oldOid: noObject(format), newOid: tip.oid, ref: 'refs/heads/agent/thin' }],
      pack: buildPack(entries, { format }),
    });
    expect(report).toMatchObject({ unpack: 'ok', refs: [{ ok: true }] });
    expect((await repo.upstream.refs())['refs/heads/agent/thin']).toBe(tip.oid);
  });
});

describe('packs without what they need', () => {
  test('an empty pack for an object that the upstream does not have', async () => {
    const { repo } = await makeRepository(forge);
    const newOid = '12'.repeat(20);
    const commands = [{ oldOid: zero, newOid, ref: 'refs/heads/agent/made' }];
    const report = await send(forge, repo, { commands, pack: packOf([]) });
    expect(report.refs).toMatchObject([{ ok: false }]);
    await expectNothingLanded(repo, [newOid]);
  });

  test('an update of a branch to an object that is nowhere', async () => {
    const { repo, base } = await makeRepository(forge);
    await repo.upstream.git('update-ref', 'refs/heads/agent/made', base);
    const commands = [{ oldOid: base, newOid: '12'.repeat(20), ref: 'refs/heads/agent/made' }];
    const report = await send(forge, repo, { commands, pack: packOf([]) });
    expect(report.refs).toMatchObject([{ ok: false }]);
    expect((await repo.upstream.refs())['refs/heads/agent/made']).toBe(base);
  });

  test.each(['blob', 'tree', 'parent'] as const)('a commit whose %s is nowhere', async (missing) => {
    const { repo, base } = await makeRepository(forge);
    const file = blob('x\n');
    const root = tree([{ mode: '100644', name: 'x', oid: file.oid }]);
    const parents = [missing === 'parent' ? '12'.repeat(20) : base];
    const tip = commit({ tree: root.oid, parents, message: 'incomplete\n' });
    const objects = [tip, ...(missing === 'tree' ? [] : [root]), ...(missing === 'blob' ? [] : [file])];
    const report = await send(forge, repo, creating(objects));
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
    const { repo, base } = await makeRepository(forge);
    const objects = good(base);
    const stray = blob('nobody names me\n');
    const strayTree = tree([{ mode: '100644', name: 'stray', oid: stray.oid }]);
    const strayCommit = commit({ tree: strayTree.oid, parents: [base], message: 'stray\n' });
    const strayTag = tag(strayCommit, 'stray', 'stray\n');
    const strays = [stray, strayTree, strayCommit, strayTag];

    const other = await makeRepository(forge);
    await sendDirect(other.repo, creating([...good(other.base), ...strays]));
    expect(await other.repo.upstream.hasObject(stray.oid)).toBe(true);

    const report = await send(forge, repo, creating([...objects, ...strays]));
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
        tree([{ mode: '40000', name: ['ssn_517', '43', '6682'].join('-'), oid: root.oid }]),
      ],
    },
  ])('are refused where $what holds a value', async ({ make }) => {
    const { repo, base } = await makeRepository(forge);
    const objects = good(base);
    const strays = make(phiSample('note', 13).text, objects[1]);
    const report = await send(forge, repo, creating([...objects, ...strays]));
    expect(report.refs[0]?.reason).toMatch(/^refused: phi/);
    if (strays[0]?.type === 'blob') expect(report.progress).toContain(`object ${strays[0].oid}`);
    await expectNothingLanded(
      repo,
      [...objects, ...strays].map((object) => object.oid),
    );
    expect((await repo.lastAttempt()).actions).toEqual(refused);
  });

  test('a whole pack of them, beside a delete', async () => {
    const { repo, base } = await makeRepository(forge);
    const stray = blob('nobody names me\n');
    const commands = [{ oldOid: zero, newOid: base, ref: 'refs/heads/agent/made' }];
    const report = await send(forge, repo, { commands, pack: packOf([stray]) });
    expect(report).toMatchObject({ unpack: 'ok', refs: [{ ok: true }] });
    expect((await repo.upstream.refs())['refs/heads/agent/made']).toBe(base);
    expect(await repo.upstream.hasObject(stray.oid)).toBe(false);
  });

  test('bytes behind the commands of a push that only deletes go nowhere', async () => {
    const { repo, base } = await makeRepository(forge);
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

describe('packs that unfold', () => {
  const bomb = deltaBomb(1024, 20);

  test('a chain of deltas that stands for a gigabyte is refused before it is unfolded', async () => {
    const { repo, base } = await makeRepository(forge);
    const watch = forge.guard.watchMemory(5);
    const tip = commit({ tree: '4b825dc642cb6eb9a060e54bf8d69288fbee4904', parents: [base], message: 'x\n' });
    const report = await send(forge, repo, {
      commands: [{ oldOid: zero, newOid: tip.oid, ref: 'refs/heads/agent/bomb' }],
      pack: buildPack([...bomb, { kind: 'object', object: tip }]),
    });
    const { children } = await watch.stop();
    expect(report.progress).toContain('larger than limits.objectBytes allows');
    expect((await repo.lastAttempt()).actions).toEqual(refusedBeforeDecision);
    await expectNothingLanded(repo, [tip.oid]);
    expect(children).toBeLessThan(2 * 2 ** 30);
  });

  test('a large file of zeros is read through in pieces and lands', async () => {
    const { repo, base } = await makeRepository(forge);
    const { entry, oid } = await zeroBlob(100 * 2 ** 20);
    const root = tree([{ mode: '100644', name: 'zeros', oid }]);
    const tip = commit({ tree: root.oid, parents: [base], message: 'x\n' });
    const report = await send(forge, repo, {
      commands: [{ oldOid: zero, newOid: tip.oid, ref: 'refs/heads/agent/zeros' }],
      pack: buildPack([entry, { kind: 'object', object: root }, { kind: 'object', object: tip }]),
    });
    expect(report).toMatchObject({ unpack: 'ok', refs: [{ ok: true }] });
    expect(await repo.upstream.hasObject(oid)).toBe(true);
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
      const { repo, base } = await makeRepository(forge);
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
  await expect.poll(() => forge.quarantined()).toEqual([]);
  expect(await forge.guard.command(['audit', 'verify'])).toMatchObject({ code: 0 });
});
