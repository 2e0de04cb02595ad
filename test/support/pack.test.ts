// Hand-made packs, pushes and reports against stock git: what is right is taken, what is wrong is refused for the
// reason it was made wrong.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createGitClient, type GitClient, type WorkTree } from './client.ts';
import { blob, commit, commitOfFiles, noObject, type ObjectFormat, tag, tree } from './git-object.ts';
import { hostileTrees, treeBomb } from './hostile-tree.ts';
import { buildPack, deltaBomb, type PackEntry, packOf, zeroBlob } from './pack.ts';
import { appendDelta } from './pack-delta.ts';
import { parseAdvertisement, parsePushReport } from './push-report.ts';
import { postService, receivePackBody } from './raw-push.ts';
import { startUpstream, type Upstream } from './upstream.ts';

let client: GitClient;
let upstream: Upstream;
const scratch = new Map<ObjectFormat, WorkTree>();

beforeAll(async () => {
  client = await createGitClient();
  upstream = await startUpstream();
  for (const format of ['sha1', 'sha256'] as const) {
    scratch.set(format, await client.init('unused', [`--object-format=${format}`]));
  }
});
afterAll(async () => {
  await client.remove();
  await upstream.stop();
});

async function indexPack(pack: Uint8Array, format: ObjectFormat = 'sha1', args: readonly string[] = []) {
  const cwd = scratch.get(format)?.directory ?? '';
  return client.git(['index-pack', '--stdin', ...args], { cwd, input: pack });
}

describe.each(['sha1', 'sha256'] as const)('%s packs', (format) => {
  test('of every type are taken and keep their ids', async () => {
    const [made, ...rest] = commitOfFiles({ 'a.txt': 'one\n', 'b.txt': 'two\n' }, {}, format);
    const release = tag(made, 'v1', 'first\n', format);
    const objects = [made, ...rest, release];
    expect(await indexPack(packOf(objects, { format }), format, ['--strict'])).toMatchObject({ code: 0 });
    for (const { oid, type } of objects) {
      expect((await scratch.get(format)?.git('cat-file', '-t', oid))?.stdout.trim()).toBe(type);
    }
  });

  test('with deltas, inside and to the outside', async () => {
    const base = blob('x'.repeat(5000), format);
    const bytes = appendDelta(base.content, Buffer.from('y'.repeat(300)));
    const result = blob(`${'x'.repeat(5000)}${'y'.repeat(300)}`, format);
    const inside: readonly PackEntry[] = [
      { kind: 'object', object: base },
      { kind: 'ofs-delta', base: 0, delta: bytes },
    ];
    expect(await indexPack(buildPack(inside, { format }), format)).toMatchObject({ code: 0 });
    const thin: readonly PackEntry[] = [{ kind: 'ref-delta', base: base.oid, delta: bytes }];
    expect(await indexPack(buildPack(thin, { format }), format)).not.toMatchObject({ code: 0 });
    expect(await indexPack(buildPack(thin, { format }), format, ['--fix-thin'])).toMatchObject({ code: 0 });
    const shown = await scratch.get(format)?.git('cat-file', '-s', result.oid);
    expect(shown?.stdout.trim()).toBe('5300');
  });
});

test('packs are wrong in the way they are meant to be', async () => {
  const objects = commitOfFiles({ a: 'wrong\n' });
  const complaint = async (pack: Uint8Array): Promise<string> => {
    const done = await indexPack(pack);
    expect(done.code).not.toBe(0);
    return done.stderr;
  };
  expect(await complaint(packOf(objects, { wrongChecksum: true }))).toContain('pack is corrupted');
  expect(await complaint(packOf(objects, { truncate: 30 }))).toMatch(/early EOF|inflate/);
  expect(await complaint(packOf(objects, { version: 9 }))).toContain('version 9');
  expect(await complaint(packOf(objects, { claimedCount: 9 }))).toMatch(/bad object|inflate|unknown object/);
});

test('bombs unfold to the size they claim', async () => {
  const { entry, oid } = await zeroBlob(8 << 20);
  expect(await indexPack(buildPack([entry]))).toMatchObject({ code: 0 });
  expect((await scratch.get('sha1')?.git('cat-file', '-s', oid))?.stdout.trim()).toBe(String(8 << 20));
  const entries = deltaBomb(1024, 12);
  const pack = buildPack(entries);
  expect(pack.length).toBeLessThan(2000);
  expect(await indexPack(pack)).toMatchObject({ code: 0 });
  const unfolded = blob(Buffer.alloc(1024 * 2 ** 12, 'a'));
  expect((await scratch.get('sha1')?.git('cat-file', '-t', unfolded.oid))?.stdout.trim()).toBe('blob');
  expect(treeBomb(10, 10).objects.length).toBeLessThan(15);
});

test.each(Object.entries(hostileTrees))('%s is what fsck says it is', async (_, make) => {
  const { objects, fsckId } = make();
  const done = await indexPack(packOf(objects), 'sha1', ['--strict']);
  // Old versions of git have nothing to say about a long name.
  const told = fsckId === 'largePathname' ? null : fsckId;
  expect(done.stderr).toContain(told ?? '');
  if (told !== null) expect(done.code).not.toBe(0);
});

describe('a push by hand', () => {
  const first = commitOfFiles({ 'README.md': 'hello\n' });

  test('creates refs, with options and an unreachable object', async () => {
    const repository = await upstream.createRepo('by-hand');
    const url = `${upstream.url}/by-hand.git`;
    const stray = blob('nobody reaches this\n');
    const body = receivePackBody({
      commands: [
        { oldOid: noObject(), newOid: first[0].oid, ref: 'refs/heads/a' },
        { oldOid: noObject(), newOid: first[0].oid, ref: 'refs/heads/b..bad' },
      ],
      pushOptions: ['key=value'],
      pack: packOf([...first, stray]),
    });
    const answer = await postService(url, 'git-receive-pack', body, { chunkSize: 50 });
    expect(answer.status).toBe(200);
    const report = parsePushReport(answer.body);
    expect(report).toMatchObject({ unpack: 'ok', error: null });
    expect(report.refs.map(({ ref, ok }) => [ref, ok])).toEqual([
      ['refs/heads/a', true],
      ['refs/heads/b..bad', false],
    ]);
    expect(await repository.refs()).toEqual({ 'refs/heads/a': first[0].oid });
    expect(await repository.hasObject(stray.oid)).toBe(true);
  });

  test('reads reports without a side band, hook messages, and compressed bodies', async () => {
    const repository = await upstream.createRepo('plain');
    const url = `${upstream.url}/plain.git`;
    await repository.hook('pre-receive', 'echo said by a hook');
    const commands = [{ oldOid: noObject(), newOid: first[0].oid, ref: 'refs/heads/a' }];
    const capabilities = ['report-status', 'object-format=sha1'];
    const plain = receivePackBody({ commands, capabilities, pack: packOf(first) });
    const answer = await postService(url, 'git-receive-pack', plain, { gzip: true });
    expect(parsePushReport(answer.body, false)).toMatchObject({ unpack: 'ok', refs: [{ ok: true }] });
    const second = commit({ tree: tree([]).oid, parents: [first[0].oid], message: 'empty\n' });
    const banded = receivePackBody({
      commands: [{ oldOid: first[0].oid, newOid: second.oid, ref: 'refs/heads/a' }],
      pack: packOf([second, tree([])]),
    });
    const report = parsePushReport((await postService(url, 'git-receive-pack', banded)).body);
    expect(report.progress).toContain('said by a hook');
    expect(report.refs).toEqual([{ ref: 'refs/heads/a', ok: true, reason: null, options: {} }]);
    const advertised = await fetch(`${url}/info/refs?service=git-receive-pack`);
    const { refs, capabilities: named } = parseAdvertisement(new Uint8Array(await advertised.arrayBuffer()));
    expect(refs).toEqual({ 'refs/heads/a': second.oid });
    expect(named).toContain('report-status-v2');
  });

  test('takes 100,000 commands apart', async () => {
    await upstream.createRepo('many');
    const commands = Array.from({ length: 100_000 }, (_, at) => ({
      oldOid: noObject(),
      newOid: first[0].oid,
      ref: `refs/heads/n${at}`,
    }));
    expect(receivePackBody({ commands, pack: packOf(first) }).length).toBeGreaterThan(9_000_000);
  });
});

test.each([
  ['00', 'packet length'],
  ['0003', 'packet length 3'],
  ['0010abc', 'cut off'],
  ['000a\x01hello0000', 'packet length'],
  ['0009\x04abcd0000', 'band 4'],
])('a malformed answer %j throws', (body, message) => {
  expect(() => parsePushReport(Buffer.from(body, 'latin1'))).toThrow(message);
});
