// Requests that were damaged at random, by fixed seeds, against a guard that lets nothing land: each is answered as the
// client's fault or by the policy, nothing reaches the upstream, nothing stays, and the guard serves on.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ok } from '../support/client.ts';
import { blob, commit, commitOfFiles, type GitObject, noObject, tag, tree } from '../support/git-object.ts';
import {
  type GuardedForge,
  type GuardedRepository,
  quarantinedFiles,
  startGuardedForge,
} from '../support/guarded-forge.ts';
import { mutated, mutatedPack } from '../support/mutation.ts';
import { buildPack, packOf } from '../support/pack.ts';
import { appendDelta } from '../support/pack-delta.ts';
import { createRandom, type Random } from '../support/random.ts';
import {
  postService,
  receivePackBody,
  type ReceivePackRequest,
  type SendOptions,
} from '../support/raw-push.ts';

let scene: GuardedForge;
let target: GuardedRepository;
let before: Readonly<Record<string, string>>;

const denyAll = `version: 1
rules:
  - id: nothing-lands
    when: { operation: push }
    then: deny
    message: Not today.
`;

beforeAll(async () => {
  scene = await startGuardedForge({ policy: denyAll, limits: { pushSeconds: 10 } });
  target = await scene.createRepo('team/target', { seed: { 'README.md': 'hello\n' } });
  before = await target.repository.refs();
});
afterAll(async () => {
  await scene[Symbol.asyncDispose]();
});

const files = { 'a.txt': 'a\n', 'b.json': '{"b": [1, 2, 3]}\n', 'c.bin': createRandom(3).bytes(3_000) };
const objects = commitOfFiles(files);
const [tip] = objects;
const annotated = tag(tip, 'v1', 'A tag\n');
const long = 'line\n'.repeat(400);
const withDelta = (): Uint8Array => {
  const base = blob(long);
  const next = blob(`${long}more\n`);
  const root = tree([
    { mode: '100644', name: 'base', oid: base.oid },
    { mode: '100644', name: 'next', oid: next.oid },
  ]);
  const top = commit({ tree: root.oid, message: 'Delta\n' });
  const entry = (object: GitObject) => ({ kind: 'object', object }) as const;
  return buildPack([
    entry(top),
    entry(root),
    entry(base),
    { kind: 'ofs-delta', base: 2, delta: appendDelta(Buffer.from(long), Buffer.from('more\n')) },
  ]);
};

const create = (ref: string, newOid = tip.oid) => ({ oldOid: noObject(), newOid, ref });

/** Requests that are whole; the policy refuses them. */
function wholeRequests(): readonly ReceivePackRequest[] {
  const main = before['refs/heads/main'] ?? '';
  return [
    { commands: [create('refs/heads/topic')], pack: packOf(objects) },
    { commands: [create('refs/heads/topic')], pack: withDelta() },
    {
      commands: [create('refs/heads/a'), create('refs/tags/v1', annotated.oid)],
      pack: packOf([...objects, annotated]),
    },
    { commands: [{ oldOid: main, newOid: noObject(), ref: 'refs/heads/main' }] },
    { commands: [{ oldOid: main, newOid: tip.oid, ref: 'refs/heads/main' }], pack: packOf(objects) },
    {
      commands: [create('refs/heads/topic')],
      pushOptions: ['forgeguard.format=json', 'ci.skip'],
      pack: packOf(objects),
    },
    { commands: [create('refs/heads/topic')], shallow: [tip.oid], pack: packOf(objects) },
    {
      commands: [create('refs/heads/topic')],
      capabilities: ['report-status', 'atomic', 'quiet', 'agent=fuzz'],
      pack: packOf(objects),
    },
  ];
}

const oddHeaders: readonly Readonly<Record<string, string>>[] = [
  { 'content-type': 'application/x-git-upload-pack-request' },
  { 'content-encoding': 'gzip' },
  { 'content-encoding': 'deflate' },
  { 'git-protocol': 'version=2' },
  { 'git-protocol': `version=${'9'.repeat(300)}` },
  { 'user-agent': 'x'.repeat(4_000) },
  { accept: 'text/html' },
  { expect: '100-continue' },
];

interface Attempt {
  readonly body: Uint8Array;
  readonly options: SendOptions;
}

function attemptOf(random: Random): Attempt {
  const whole = random.pick(wholeRequests());
  const pack = whole.pack !== undefined && random.next() < 0.5 ? mutatedPack(whole.pack, random) : whole.pack;
  const body = receivePackBody(pack === undefined ? whole : { ...whole, pack });
  return {
    body: pack === whole.pack || random.next() < 0.2 ? mutated(body, random) : body,
    options: {
      gzip: random.next() < 0.15,
      ...(random.next() < 0.2 ? { chunkSize: random.int(1, 400) } : {}),
      ...(random.next() < 0.1 ? { headers: random.pick(oddHeaders) } : {}),
      deadline: 20_000,
    },
  };
}

const rounds = 400;
const atOnce = 4;
const timeLimitMs = 15_000;

test(
  'nothing that is damaged lands, is taken for the guard’s own fault, or stays',
  { timeout: 60_000 },
  async () => {
    const until = performance.now() + timeLimitMs;
    const statuses = new Map<number, number>();
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < rounds && performance.now() < until) {
        next += 1;
        const seed = 70_000 + next;
        const { body, options } = attemptOf(createRandom(seed));
        const response = await postService(target.bareUrl, 'git-receive-pack', body, {
          authorization: scene.authorization,
          ...options,
        });
        const text = Buffer.from(response.body).toString('latin1');
        expect(response.status, `seed ${seed}: ${text}`).toBeLessThan(500);
        expect(text, `seed ${seed}`).not.toMatch(/\[internal\]|\n\s+at |node:internal/);
        expect(text, `seed ${seed}`).not.toMatch(/[0-9a-f]{4}ok refs\//);
        statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, worker));

    // It did reach the readers, and the policy behind them.
    expect(statuses.get(200)).toBeGreaterThan(20);
    const refusals = (await scene.audit()).filter(({ action }) => action === 'push.refused');
    expect(new Set(refusals.map(({ details }) => details['by']))).toEqual(new Set(['guard', 'policy']));
    expect(new Set(refusals.map(({ details }) => details['code'])).size).toBeGreaterThan(3);

    expect(scene.upstream.requests.filter(({ kind }) => kind === 'git-receive-pack')).toEqual([]);
    expect(await target.repository.refs()).toEqual(before);
    await expect.poll(() => quarantinedFiles(scene.guard.dataDir)).toEqual([]);
    expect(scene.guard.logs()).not.toContain('"code":"internal"');

    const work = await scene.client.clone(target.url);
    await work.commit('Honest', { 'honest.txt': 'honest\n' });
    expect((await work.push('HEAD:refs/heads/honest')).stderr).toMatch(/refused: nothing-lands/);
    expect(ok(await scene.guard.command(['audit', 'verify'])).stdout).toMatch(/ok\n$/);
  },
);
