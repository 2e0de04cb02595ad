// Bodies of a push that no honest client sends, and clients that do not finish: each gets a clear answer, nothing lands,
// and the guard serves on.
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commitOfFiles, noObject } from '../support/git-object.ts';
import { packOf } from '../support/pack.ts';
import { packet, postService, receivePackBody } from '../support/raw-push.ts';
import { type RefusalScene, startRefusalScene } from '../support/refusal-scene.ts';

let scene: RefusalScene;
beforeAll(async () => {
  scene = await startRefusalScene();
});
afterAll(async () => {
  await scene[Symbol.asyncDispose]();
});

const objects = commitOfFiles({ 'a.txt': 'a\n' });
const pack = packOf(objects);
const create = (ref: string, newOid = objects[0].oid) => ({ oldOid: noObject(), newOid, ref });
const honest = receivePackBody({ commands: [create('refs/heads/topic')], pack });
const capabilities = 'report-status-v2 side-band-64k object-format=sha1';
const line = (text: string): Uint8Array => packet(text);
const flush = Buffer.from('0000');

describe('bodies of a push that are not the protocol', () => {
  const broken: readonly (readonly [string, Uint8Array, RegExp])[] = [
    ['nothing', Buffer.alloc(0), /ends before the flush/],
    ['prose', Buffer.from('hello, this is not git\n'), /hex digits/],
    ['a length that is not hex', Buffer.from('zzzzabcd'), /hex digits/],
    ['a length of 3', Buffer.from('0003'), /claims a length of 3/],
    ['a length of 65521', Buffer.from(`fff1${'x'.repeat(65_517)}`), /claims a length of 65521/],
    ['a length of 65535', Buffer.from('ffff'), /claims a length of 65535/],
    ['half a packet', Buffer.from('0100abc'), /ends (after|within)/],
    ['commands without a flush', Buffer.from(honest.subarray(0, 100)), /ends/],
    ['a delimiter', Buffer.from('0001'), /unexpected delimiter/],
    [
      'only shallow lines',
      Buffer.concat([line(`shallow ${objects[0].oid}`), flush]),
      /expected a ref update/,
    ],
    [
      'a command of one word',
      Buffer.concat([line(`word\0 ${capabilities}`), flush]),
      /expected an object id/,
    ],
    [
      'an id of another length',
      Buffer.concat([
        line(`${noObject('sha256')} ${noObject('sha256')} refs/heads/x\0 ${capabilities}`),
        flush,
      ]),
      /expected an object id/,
    ],
    [
      'an unknown object format',
      receivePackBody({
        commands: [create('refs/heads/x')],
        capabilities: ['report-status', 'object-format=sha512'],
      }),
      /unknown object format/,
    ],
    ['a push certificate', Buffer.concat([line(`push-cert\0 ${capabilities}`), flush]), /signed pushes/],
    [
      'the same ref twice',
      receivePackBody({ commands: [create('refs/heads/x'), create('refs/heads/x')], pack }),
      /same ref is updated twice/,
    ],
    ...[
      'refs/heads/a..b',
      'refs/heads/a b',
      'refs/heads/.a',
      'refs/heads/a.lock',
      'HEAD',
      'refs/heads/a~1',
      'refs/heads/\u0007',
      '../../etc/passwd',
      'refs/heads/',
    ].map(
      (ref) =>
        [
          `the ref ${JSON.stringify(ref)}`,
          receivePackBody({ commands: [create(ref)], pack }),
          /ref name is not valid/,
        ] as const,
    ),
    [
      'a ref name of 600 bytes',
      receivePackBody({ commands: [create(`refs/heads/${'x'.repeat(600)}`)], pack }),
      /longer than 512 bytes \(limits\.refNameBytes\)/,
    ],
    [
      'too many push options',
      receivePackBody({
        commands: [create('refs/heads/x')],
        pushOptions: Array.from({ length: 40 }, (_, at) => `a=${at}`),
        pack,
      }),
      /more than 32 push options/,
    ],
    [
      '100,000 ref updates',
      receivePackBody({
        commands: Array.from({ length: 100_000 }, (_, at) => create(`refs/heads/many-${at}`)),
        pack,
      }),
      /more than 1000 refs \(limits\.refUpdates\)/,
    ],
  ];
  test.each(broken)('%s', async (_name, body, says) => {
    const answered = await scene.push(body);
    expect(answered.status).toBeLessThan(500);
    expect(answered.text).toMatch(says);
    expect(answered.text).toContain(answered.request);
    await scene.expectNothingDone(answered);
    const last = (await scene.forge.audit(answered.request)).at(-1);
    expect(last).toMatchObject({ action: 'push.refused', repository: 'forge/team/target' });
    expect(last?.actor?.id).toBe('agent:worker');
  });

  test('a compressed body is read like any other', async () => {
    const made = await scene.forge.createRepo('team/gzip', { seed: { 'README.md': 'hello\n' } });
    const response = await postService(made.bareUrl, 'git-receive-pack', honest, {
      authorization: scene.forge.authorization,
      gzip: true,
    });
    expect(response.status).toBe(200);
    expect(await made.repository.refs()).toMatchObject({ 'refs/heads/topic': objects[0].oid });
  });

  test.each([
    ['that is not gzip', honest, 'gzip', 400, /not whole gzip data/],
    ['in an encoding that nobody sends', honest, 'br', 403, /only gzip/],
  ])('a compressed body %s', async (_name, body, encoding, status, says) => {
    const answered = await scene.push(body, { headers: { 'content-encoding': encoding } });
    expect(answered.status).toBe(status);
    expect(answered.text).toMatch(says);
    await scene.expectNothingDone(answered);
  });

  test('a probe before a chunked push is answered', async () => {
    expect(await scene.push(flush)).toMatchObject({ status: 200, text: '' });
  });

  test.each(['text/html', 'application/json', 'no type at all', ''])('a body called %j', async (type) => {
    const answered = await scene.push(Buffer.from('{"a": 1}'), { headers: { 'content-type': type } });
    expect(answered.status).toBeGreaterThanOrEqual(400);
    expect(answered.status).toBeLessThan(500);
    expect(answered.text).toMatch(/^forgeguard: /);
    await scene.expectNothingDone(answered);
  });
});

describe('a client that does not finish', () => {
  test('one that stops within the commands is answered when its time is over', async () => {
    const { said, seconds } = await openPush(honest.subarray(0, 60));
    expect(seconds).toBeLessThan(40);
    expect(said).toMatch(/limits\.pushSeconds/);
    expect(said).toMatch(/^HTTP\/1\.1 413/);
    await scene.expectNothingDone({ status: 413, text: said, request: '' });
  });

  test('one that stops within the pack as well', async () => {
    const { said, seconds } = await openPush(honest.subarray(0, honest.length - 40));
    expect(seconds).toBeLessThan(40);
    expect(said).toMatch(/ng refs\/heads\/topic .*limits\.pushSeconds/);
    await scene.expectNothingDone({ status: 200, text: said, request: '' });
  });

  test('one that goes away within the pack leaves nothing', async () => {
    await expect(scene.push(honest, { breakAfter: honest.length - 40 })).rejects.toThrow(
      /socket|hang up|aborted/,
    );
    await scene.expectNothingDone({ status: 0, text: '', request: '' });
    const refused = async (): Promise<unknown> =>
      (await scene.forge.audit()).findLast((entry) => entry.action === 'push.refused')?.details;
    await expect.poll(refused).toMatchObject({ code: 'request/cancelled' });
  });

  /** Sends the head of a push and this part of its body, then waits for the server to end the connection. */
  async function openPush(part: Uint8Array): Promise<{ readonly said: string; readonly seconds: number }> {
    const started = performance.now();
    const socket = connect(scene.forge.guard.port, '127.0.0.1');
    const path = new URL(scene.target.bareUrl).pathname;
    socket.write(
      `POST ${path}/git-receive-pack HTTP/1.1\r\nhost: x\r\nauthorization: ${scene.forge.authorization}\r\n` +
        `content-type: application/x-git-receive-pack-request\r\ncontent-length: ${honest.length}\r\n\r\n`,
    );
    socket.write(part);
    let said = '';
    for await (const chunk of socket as AsyncIterable<Buffer>) said += chunk.toString('latin1');
    return { said, seconds: (performance.now() - started) / 1000 };
  }
});
